"""Where to send: ``<platform>``, ``<platform>:<chat>[:<thread>]`` or ``<platform>:#name``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.errors import HermesTrioError
from hermes_trio.home.text_file import read_text_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.scope import ProfileScope

_PHONE: Final = r"\+?\d{5,15}"
#: Of the platforms whose chats have a known form; the last colon of others parts chat and thread.
_FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "telegram": r"(?P<chat>-?\d+|@\w{4,64})(?::(?P<thread>\d+))?",
        "discord": r"(?P<chat>\d+)(?::(?P<thread>\d+))?",
        "slack": r"(?P<chat>[CGDUW][A-Z0-9]{2,})(?::(?P<thread>\d+(?:\.\d+)?))?",
        "matrix": r"(?P<chat>[!@#][^:\s]+(?::[^:\s$]+(?::\d+)?)?)(?::(?P<thread>\$\S+))?",
        "signal": rf"(?P<chat>{_PHONE}|group:\S+|[0-9a-fA-F-]{{36}})",
        "whatsapp": rf"(?P<chat>{_PHONE}|[\w.-]+@[\w.]+)",
        "sms": rf"(?P<chat>{_PHONE})",
        "email": r"(?P<chat>[^@\s:]+@[^@\s:]+)",
        "ntfy": r"(?P<chat>[\w-]{1,64})",
        "yuanbao": r"(?P<chat>(?:group|direct):\S+)",
    }
)
_OTHER: Final = r"(?P<chat>\S+?)(?::(?P<thread>[^\s:]+))?"
_SHAPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "telegram": "telegram:<chat id or @name>[:<topic>]",
        "discord": "discord:<channel id>[:<thread id>]",
        "slack": "slack:<C..., G... or D...>[:<ts>]",
        "matrix": "matrix:<!room:server or @user:server>[:<$event>]",
        "signal": "signal:<+number or group:id>",
        "whatsapp": "whatsapp:<+number or JID>",
        "sms": "sms:<+number>",
        "email": "email:<address>",
        "ntfy": "ntfy:<topic>",
        "yuanbao": "yuanbao:<group:id or direct:id>",
    }
)


class TargetInvalid(HermesTrioError):
    """A text names no place to send to."""

    default_code = "target_invalid"


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """What a target's text says; exactly one of chat and name is there, or none for the home channel.

    Attributes:
        platform: The platform's name.
        chat: The place, or None.
        name: A chat's name without its ``#``, or empty.
    """

    platform: str
    chat: Target | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlatformTarget:
    """A place on a platform."""

    platform: str
    target: Target


def parse_target(text: str) -> NamedTarget:
    """Read a target's text; pure.

    Raises:
        TargetInvalid: It has not the form that the platform's chats have.
    """
    platform, _, rest = text.strip().partition(":")
    platform, rest = platform.strip().lower(), rest.strip()
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", platform):
        raise TargetInvalid("names no platform", where=text.strip()[:80], expected="e.g. `telegram` or `telegram:42`")
    if not rest:
        return NamedTarget(platform)
    form = re.fullmatch(_FORMS.get(platform, _OTHER), rest)
    if form is not None and not (platform not in _FORMS and rest.startswith("#")):
        return NamedTarget(platform, Target(form["chat"], form.groupdict().get("thread")))
    if rest.startswith("#") and len(rest) > 1:
        return NamedTarget(platform, name=rest[1:])
    expected = _SHAPES.get(platform, f"{platform}:<chat>[:<thread>]")
    raise TargetInvalid(
        "has not the form of this platform's chats",
        where=text.strip()[:80],
        expected=f"`{platform}` for the home channel, `{expected}`, or `{platform}:#name`",
    )


async def resolve_target(scope: ProfileScope, text: str) -> PlatformTarget:
    """Find the place that a target's text means, from the profile's settings and the chats it knows.

    Raises:
        TargetInvalid: The text has not the right form; the platform is not set up; there is no home channel; no chat,
            or more than one, has that name.
    """
    named = parse_target(text)
    settings = scope.config.platforms.get(named.platform)
    if settings is None or not settings.enabled:
        usable = sorted(name for name, platform in scope.config.platforms.items() if platform.enabled)
        raise TargetInvalid(
            "this profile has no such platform",
            profile=scope.name,
            where=named.platform,
            expected=f"one of: {', '.join(usable)}" if usable else "a platform that is set up",
        )
    if named.chat is not None:
        return PlatformTarget(named.platform, named.chat)
    if named.name:
        return PlatformTarget(named.platform, await _find(scope, named))
    home = settings.home_channel
    if home is None:
        raise TargetInvalid(
            "there is no home channel",
            profile=scope.name,
            where=named.platform,
            mend=f"send /sethome in the chat, or set {named.platform.upper()}_HOME_CHANNEL in .env",
        )
    return PlatformTarget(named.platform, Target(home.chat_id, home.thread_id))


async def _find(scope: ProfileScope, named: NamedTarget) -> Target:
    """The chat of a name: an alias that the user gave wins over the platform's own names."""
    root = scope.home.root
    for file in ("channel_aliases.json", "channel_directory.json"):
        known = await scope.run_blocking(_known_chats, root / file, named.platform, scope.name)
        found = {target for name, target in known if _same(name, named.name)}
        if len(found) == 1:
            return found.pop()
        if found:
            ids = ", ".join(sorted(target.chat_id for target in found))
            raise TargetInvalid(
                "several chats have this name", profile=scope.name, where=f"#{named.name}", found=ids, mend="use the id"
            )
    raise TargetInvalid(
        "no known chat has this name",
        profile=scope.name,
        where=f"{named.platform}:#{named.name}",
        mend=f'use the chat\'s id, or add {{"{named.platform}": {{"<id>": "{named.name}"}}}} to channel_aliases.json',
    )


def _same(name: str, sought: str) -> bool:
    return name.strip().lstrip("#").casefold() == sought.strip().casefold()


def _known_chats(path: Path, platform: str, profile: str) -> list[tuple[str, Target]]:
    """Names and places of a platform; the file may hold ``{id: name}`` or a list of ``{id, name, thread_id}``."""
    text = read_text_file(path, TargetInvalid, profile)
    if text is None:
        return []
    try:
        content = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise TargetInvalid("not JSON", profile=profile, where=str(path), found=str(error)) from error
    content = content.get("platforms", content) if isinstance(content, dict) else {}
    chats = content.get(platform) if isinstance(content, dict) else None
    if isinstance(chats, dict):
        return [(name, Target(chat_id)) for chat_id, name in chats.items() if isinstance(name, str)]
    entries = chats if isinstance(chats, list) else []
    return [_entry(entry) for entry in entries if isinstance(entry, dict) and entry.get("id") and entry.get("name")]


def _entry(entry: Mapping[str, object]) -> tuple[str, Target]:
    thread = entry.get("thread_id")
    return str(entry["name"]), Target(str(entry["id"]), None if thread in (None, "") else str(thread))
