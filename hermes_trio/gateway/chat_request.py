"""From the messages of a lane to what a turn is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from hermes_trio.gateway.session_context import speaker_prefix
from hermes_trio.routing.session_key import build_session_key
from hermes_trio.routing.source import MessageSource
from hermes_trio.store.session_rows import SessionOrigin
from hermes_trio.turns.commands.chat_model import channel_override, route_in_chat
from hermes_trio.turns.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.home.config import ModelRoute
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.routing.session_key import SessionKey
    from hermes_trio.scope import ProfileScope

_LONGEST_QUOTE: Final = 500
_BACKGROUND: Final = ":background:"
_EVENT_MARK: Final = "[Event of the system, not written by the user]"


@dataclass(frozen=True, slots=True)
class Special:
    """What is different in one chat.

    Attributes:
        route: Another model, or None.
        system_text: Text for the system prompt.
    """

    route: ModelRoute | None
    system_text: str


def message_text(scope: ProfileScope, messages: Sequence[Accepted]) -> str:
    """What the model reads of the messages' texts."""
    return "\n".join(text for one in messages if (text := _one_text(scope, one)))


def _one_text(scope: ProfileScope, accepted: Accepted) -> str:
    message, config = accepted.message, scope.config
    if accepted.errand is not None:
        return message.text
    if accepted.internal:
        return f"{_EVENT_MARK}\n{message.text}"
    text = message.text.strip()
    if not text and not message.quoted:
        return ""
    parts = [speaker_prefix(config, message.source)]
    if config.chat.message_timestamps:
        local = scope.clock.local().tzinfo
        parts.insert(0, f"[{datetime.fromtimestamp(message.at, UTC).astimezone(local):%Y-%m-%d %H:%M}] ")
    return f"{_quoted(message)}{''.join(parts)}{text}"


def _quoted(message: InboundMessage) -> str:
    quoted = message.quoted
    if quoted is None or not quoted.text:
        return ""
    text = quoted.text if len(quoted.text) <= _LONGEST_QUOTE else f"{quoted.text[: _LONGEST_QUOTE - 3]}..."
    who = "you" if quoted.is_ours else quoted.user_name or "somebody"
    return f'[In reply to {who}: "{text}"]\n'


def key_of(scope: ProfileScope, source: MessageSource) -> SessionKey:
    """The key of the conversation with the runtime profile that a message from ``source`` belongs to."""
    chat = scope.config.chat
    return build_session_key(
        scope.name,
        source,
        group_sessions_per_user=chat.group_sessions_per_user,
        thread_sessions_per_user=chat.thread_sessions_per_user,
    )


def background_key(session_key: str, row_id: int) -> str:
    """The key of a conversation of its own that a message begins beside the one it came in."""
    return f"{session_key}{_BACKGROUND}{row_id}"


def chat_key(session_key: str) -> str:
    """The key of the conversation in whose chat one is shown: another one for what runs in the background."""
    chat, mark, row_id = session_key.rpartition(_BACKGROUND)
    return chat if mark and row_id.isdecimal() else session_key


def place_of(message: InboundMessage, transport_profile: str) -> Place:
    """The place of a message, as a turn has to know it."""
    source = message.source
    return Place(
        chat_id=source.chat_id or "",
        chat_type=source.chat_type,
        thread_id=source.thread_id or "",
        chat_name=source.chat_name,
        user_name=source.user_name,
        message_id=message.message_id,
        transport_profile=transport_profile,
    )


def origin_of(message: InboundMessage, transport_profile: str, runtime_profile: str) -> SessionOrigin:
    """The place of a message, as the routing index knows it."""
    source = message.source
    return SessionOrigin(
        platform=source.platform,
        chat_id=source.chat_id,
        chat_type=source.chat_type,
        chat_name=source.chat_name or None,
        user_id=source.user_id,
        user_name=source.user_name or None,
        thread_id=source.thread_id,
        user_id_alt=source.user_id_alt,
        guild_id=source.guild_id,
        parent_chat_id=source.parent_chat_id,
        message_id=message.message_id or None,
        profile=runtime_profile,
        transport_profile=transport_profile,
    )


def source_of(origin: object) -> MessageSource | None:
    """The place that the routing index knows a conversation by, or None when it says nothing usable."""
    if not isinstance(origin, dict) or not origin.get("platform"):
        return None
    return MessageSource(
        platform=str(origin["platform"]),
        chat_type=str(origin.get("chat_type") or "dm"),
        chat_id=_id(origin, "chat_id"),
        thread_id=_id(origin, "thread_id"),
        user_id=_id(origin, "user_id"),
        user_id_alt=_id(origin, "user_id_alt"),
        parent_chat_id=_id(origin, "parent_chat_id"),
        guild_id=_id(origin, "guild_id"),
        chat_name=str(origin.get("chat_name") or ""),
        user_name=str(origin.get("user_name") or ""),
    )


def transport_of(origin: object) -> str:
    """The profile whose bot a conversation was last seen through; empty when the routing index does not say."""
    return str(origin.get("transport_profile") or "") if isinstance(origin, dict) else ""


def _id(origin: Mapping[str, object], name: str) -> str | None:
    value = origin.get(name)
    return None if value is None else str(value)


def special_of(platform: PlatformConfig, message: InboundMessage, settings: Mapping[str, object]) -> Special:
    """What is different in the chat of a message.

    Args:
        platform: Settings of the transport profile for the platform.
        message: The message.
        settings: What has been set for the chat in the chat, e.g. ``model_override``.
    """
    source = message.source
    override = channel_override(platform, source)
    places = [place for place in (source.thread_id, source.chat_id) if place]
    texts = [text for place in places if (text := platform.channel_prompts.get(place))][:1]
    if override is not None:
        texts.append(override.system_prompt)
    route = route_in_chat(platform, source, settings)
    return Special(route, "\n\n".join(text for text in texts if text))
