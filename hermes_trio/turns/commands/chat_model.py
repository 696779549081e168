"""The model that a chat uses: its own, for one message or for its session, or the profile's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ModelError
from hermes_trio.home.config import ModelRoute
from hermes_trio.turns.commands.wording import code, size
from hermes_trio.turns.opening import first_target

if TYPE_CHECKING:
    from hermes_trio.home.platform_config import ChannelOverride, PlatformConfig
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.routing_index import RoutingEntry
    from hermes_trio.turns.commands.context import CommandCall

#: The entry's fields, the one that counts first.
ONCE: Final = "model_once"
SESSION: Final = "model_override"


def chat_route(call: CommandCall, entry: RoutingEntry | None) -> ModelRoute | None:
    """The model that answers where a command was given, or None for the profile's own."""
    return route_in_chat(call.platform, call.message.source, {} if entry is None else entry.more)


def route_in_chat(platform: PlatformConfig, source: MessageSource, settings: Mapping[str, object]) -> ModelRoute | None:
    """The model that answers in a chat, or None for the profile's own.

    What was chosen in the chat counts before what the settings of the platform say of it.

    Args:
        platform: Settings of the bot.
        source: The chat.
        settings: What has been set for the chat in the chat: the fields of its entry in the routing index.
    """
    chosen = route_of(settings.get(ONCE)) or route_of(settings.get(SESSION))
    override = channel_override(platform, source)
    if chosen is None and override is not None and (override.model or override.provider):
        return ModelRoute("channel", override.model, override.provider, setting="channel_overrides")
    return chosen


def channel_override(platform: PlatformConfig, source: MessageSource) -> ChannelOverride | None:
    """What the settings of the platform say of a chat; its thread counts before the whole of it."""
    places = (source.thread_id, source.chat_id)
    return next((found for place in places if place and (found := platform.channel_overrides.get(place))), None)


def route_of(override: object) -> ModelRoute | None:
    """The model that a field of an entry stands for, or None when it stands for none."""
    if not isinstance(override, Mapping):
        return None
    model, provider, base_url = (str(override.get(name) or "") for name in ("model", "provider", "base_url"))
    return ModelRoute("chat", model, provider, base_url, setting="/model") if model or provider or base_url else None


def model_name(scope: ProfileScope, route: ModelRoute | None) -> str:
    """A model with its provider, for people."""
    try:
        target = first_target(scope, route)
    except ModelError as error:
        return f"none ({error.problem})"
    return f"{code(target.model)} ({target.provider})"


def context_line(scope: ProfileScope, entry: RoutingEntry | None, route: ModelRoute | None) -> str:
    """How much of the model's window the conversation takes, as the provider counted last."""
    used = entry.more.get("last_prompt_tokens") if entry is not None else None
    try:
        window = first_target(scope, route).context_length
    except ModelError:
        window = None
    tokens = used if isinstance(used, int | float) else 0
    if not tokens:
        return f"not known yet (window {size(window)} tokens)" if window else "not known yet"
    return f"{size(tokens)} of {size(window)} tokens ({tokens / window:.0%})" if window else f"{size(tokens)} tokens"
