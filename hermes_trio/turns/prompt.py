"""The system prompt of a session: who the agent is, what it remembers, and the facts of the conversation.

Three parts in the order of change, so that providers can cache the front: identity and personality, memory, and last
the lines about this conversation. What a caller of the API adds comes after all of it and is never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.turns.memory_files import MEMORY_TITLE, USER_TITLE, MemoryFile, memory_block, parse_memory_file
from hermes_trio.turns.threats import blocked, find_threat

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from hermes_trio.home.config import MemoryConfig, ProfileConfig
    from hermes_trio.scope import ProfileScope

DEFAULT_IDENTITY: Final = (
    "You are Hermes, a capable assistant. Help directly and honestly: do what is asked, say plainly what you do not "
    "know or cannot do, and ask when a request can be read in ways that matter. Answer in the language you are spoken "
    "to, as briefly as the matter allows."
)
MAXIMUM_IDENTITY: Final = 20_000
_HEAD: Final = MAXIMUM_IDENTITY * 70 // 100
_TAIL: Final = MAXIMUM_IDENTITY * 20 // 100

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class PromptFiles:
    """The files that enter the prompt, read and checked.

    Attributes:
        identity: Text of ``SOUL.md``, possibly empty.
        memory: ``MEMORY.md``.
        user: ``USER.md``.
        blocked: What was blocked, one note each.
    """

    identity: str
    memory: MemoryFile
    user: MemoryFile
    blocked: tuple[str, ...]


async def build_system_prompt(scope: ProfileScope, *, session_id: str, model: str, provider: str) -> str:
    """Build the prompt a new session begins with, and keeps.

    The files are looked at no more than once per second, and what they make up is assembled only when one of them
    changed.

    Raises:
        HomeError: ``SOUL.md`` or a memory file exists and cannot be read.
    """
    home = scope.home
    paths = scope.files.derive("prompt paths", (home,), lambda: (home.soul, home.memory_md, home.user_md))
    files = await scope.files.get_group(paths, parse_prompt_files)
    lasting = scope.files.derive("lasting prompt", (files, scope.config), lambda: _lasting_prompt(scope, files))
    zone = scope.files.derive("time zone", (scope.config,), lambda: _zone_of(scope.config))
    return f"{lasting}\n\n{conversation_lines(scope.clock.local(zone), session_id, model, provider)}"


def parse_prompt_files(contents: tuple[bytes | None, ...]) -> PromptFiles:
    """Read ``SOUL.md``, ``MEMORY.md`` and ``USER.md``, in this order; None is a missing file."""
    soul, memory, user = contents
    identity, found = _parse_identity(soul)
    notes, person = parse_memory_file(memory, "MEMORY.md"), parse_memory_file(user, "USER.md")
    reports = [("SOUL.md", found), ("MEMORY.md", notes.blocked), ("USER.md", person.blocked)]
    return PromptFiles(identity, notes, person, tuple(f"{name} {why}" for name, all_why in reports for why in all_why))


def assemble_lasting(identity: str, personality: str, profile: str, files: PromptFiles, memory: MemoryConfig) -> str:
    """Put together everything that does not depend on the conversation, blocks separated by blank lines."""
    blocks = [
        identity or DEFAULT_IDENTITY,
        personality.strip(),
        "" if profile == DEFAULT_PROFILE else f"Active profile: {profile}",
        memory_block(MEMORY_TITLE, files.memory, memory.memory_char_limit) if memory.memory_enabled else "",
        memory_block(USER_TITLE, files.user, memory.user_char_limit) if memory.user_profile_enabled else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def conversation_lines(day: date, session_id: str, model: str, provider: str) -> str:
    """The lines about one conversation; unknown facts are left out."""
    started = f"{_WEEKDAYS[day.weekday()]}, {_MONTHS[day.month - 1]} {day.day}, {day.year}"
    facts = [("Conversation started", started), ("Session ID", session_id), ("Model", model), ("Provider", provider)]
    return "\n".join(f"{name}: {value}" for name, value in facts if value)


def shorten(text: str, name: str) -> str:
    """Cut the middle out of a text that is too long: of `MAXIMUM_IDENTITY` the first 70 % and the last 20 % stay."""
    if len(text) <= MAXIMUM_IDENTITY:
        return text
    left_out = len(text) - _HEAD - _TAIL
    return f"{text[:_HEAD]}\n\n[... {left_out} characters of {name} are left out here ...]\n\n{text[-_TAIL:]}"


def _lasting_prompt(scope: ProfileScope, files: PromptFiles) -> str:
    for note in files.blocked:
        scope.log.bind(component="agent.prompt").warning(f"kept out of the prompt: {note}")
    config = scope.config
    return assemble_lasting(files.identity, config.agent.system_prompt, scope.name, files, config.memory)


def _parse_identity(content: bytes | None) -> tuple[str, tuple[str, ...]]:
    if content is None:
        return "", ()
    text = shorten(content.decode("utf-8-sig", "replace").replace("\r\n", "\n").strip(), "SOUL.md")
    threats: list[str] = []
    paragraphs = [_checked(paragraph, threats) for paragraph in text.split("\n\n")]
    return "\n\n".join(paragraphs), tuple(threats)


def _checked(paragraph: str, threats: list[str]) -> str:
    threat = find_threat(paragraph, written_by_agent=False)
    if threat is None:
        return paragraph
    threats.append(threat)
    return blocked(threat, "SOUL.md")


def _zone_of(config: ProfileConfig) -> tzinfo | None:
    """The configured zone; settings name only zones that this machine knows."""
    return ZoneInfo(config.timezone) if config.timezone else None
