"""The model that a chat uses: its own, for one message or for its session, or the profile's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ModelError
from hermes_trio.home.config import ModelRoute
from hermes_trio.turns.commands.wording import code, size
from hermes_trio.turns.opening import first_target

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.routing_index import RoutingEntry

#: The entry's fields, the one that counts first.
ONCE: Final = "model_once"
SESSION: Final = "model_override"


def chat_route(entry: RoutingEntry | None) -> ModelRoute | None:
    """The model that was chosen in a chat, or None for the profile's own."""
    if entry is None:
        return None
    return route_of(entry.more.get(ONCE)) or route_of(entry.more.get(SESSION))


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


def context_line(scope: ProfileScope, entry: RoutingEntry | None) -> str:
    """How much of the model's window the conversation takes, as the provider counted last."""
    used = entry.more.get("last_prompt_tokens") if entry is not None else None
    try:
        window = first_target(scope, chat_route(entry)).context_length
    except ModelError:
        window = None
    tokens = used if isinstance(used, int | float) else 0
    if not tokens:
        return f"not known yet (window {size(window)} tokens)" if window else "not known yet"
    return f"{size(tokens)} of {size(window)} tokens ({tokens / window:.0%})" if window else f"{size(tokens)} tokens"
