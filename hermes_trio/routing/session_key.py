"""Session keys: which conversation a message belongs to, in the grammar hermes-agent uses. Pure.

``agent:<namespace>:<platform>:<chat type>[:<chat id>][:<thread id>][:<participant>]``

Ids stand in a key as they are, colons included, because existing homes have them so. Two sources whose ids differ only
in where a colon stands therefore share a key; platform, chat type and namespace never do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from hermes_trio.routing.source import MessageSource

_DEFAULT_NAMESPACE: Final = "main"
_ESCAPE: Final = "~"


@dataclass(frozen=True, slots=True)
class SessionKeyParts:
    """What a key says for certain.

    Attributes:
        namespace: Whose conversation; see `profile_of_namespace`.
        platform: Platform name.
        chat_type: ``dm``, ``group`` ...
        ids: Chat, thread and participant as they stand in the key; which is which depends on the chat and on settings
            of the time.
    """

    namespace: str
    platform: str
    chat_type: str
    ids: str = ""


class SessionKey(str):
    """A session key. Only `build_session_key` and `parse_session_key` make one; it is its own text."""

    __slots__ = ()

    def __new__(cls, parts: SessionKeyParts) -> Self:
        """Write down ``parts``."""
        text = f"agent:{parts.namespace}:{parts.platform}:{parts.chat_type}"
        return super().__new__(cls, f"{text}:{parts.ids}" if parts.ids else text)

    @property
    def parts(self) -> SessionKeyParts:
        """What the key says."""
        _, namespace, platform, chat_type, *ids = self.split(":", 4)
        return SessionKeyParts(namespace, platform, chat_type, "".join(ids))


def namespace_of_profile(profile: str) -> str:
    """The namespace of a profile's keys: ``main`` for the default profile, else its name.

    A profile that is itself named ``main`` gets ``main~``, which cannot be a profile's name.
    """
    if profile == DEFAULT_PROFILE:
        return _DEFAULT_NAMESPACE
    return profile + _ESCAPE if profile == _DEFAULT_NAMESPACE else profile


def profile_of_namespace(namespace: str) -> str:
    """The profile whose keys have this namespace."""
    if namespace == _DEFAULT_NAMESPACE:
        return DEFAULT_PROFILE
    return namespace.removesuffix(_ESCAPE)


def build_session_key(
    profile: str,
    source: MessageSource,
    *,
    group_sessions_per_user: bool = True,
    thread_sessions_per_user: bool = False,
) -> SessionKey:
    """The key of the conversation that a message from ``source`` belongs to.

    Args:
        profile: The runtime profile, whose conversation it is.
        source: Where the message comes from; ids in the platform's canonical form.
        group_sessions_per_user: In groups everybody has a conversation of their own.
        thread_sessions_per_user: Likewise within threads.

    Raises:
        ValueError: Platform or chat type is empty or has a colon.
    """
    for name, value in (("platform", source.platform), ("chat type", source.chat_type)):
        if not value or ":" in value:
            raise ValueError(f"{name} {value!r} cannot stand in a session key")
    if source.chat_type == "dm":
        ids = _dm_ids(source)
    else:
        ids = _group_ids(source, group_sessions_per_user, thread_sessions_per_user)
    text = ":".join(part for part in ids if part)
    return SessionKey(SessionKeyParts(namespace_of_profile(profile), source.platform, source.chat_type, text))


def _participant(source: MessageSource) -> str | None:
    return source.user_id_alt or source.user_id


def _dm_ids(source: MessageSource) -> tuple[str | None, ...]:
    if source.chat_id:
        return source.chat_id, source.thread_id
    return (_participant(source) or source.thread_id,)


def _group_ids(source: MessageSource, per_user: bool, per_user_in_thread: bool) -> tuple[str | None, ...]:
    own = per_user_in_thread if source.thread_id else per_user
    return source.chat_id, source.thread_id, _participant(source) if own else None


def is_shared_multi_user(
    source: MessageSource, *, group_sessions_per_user: bool = True, thread_sessions_per_user: bool = False
) -> bool:
    """Whether several people share the conversation, so that the model must be told who speaks."""
    if source.chat_type == "dm":
        return False
    return not (thread_sessions_per_user if source.thread_id else group_sessions_per_user)


def parse_session_key(text: str) -> SessionKey | None:
    """The key that ``text`` is, or None when it is none: keys chosen by HTTP clients have no form."""
    parts = text.split(":", 4)
    if len(parts) < 4 or parts[0] != "agent" or not all(parts[1:4]):
        return None
    key = SessionKey(SessionKeyParts(parts[1], parts[2], parts[3], "".join(parts[4:])))
    return key if key == text else None
