"""Who a text speaks to, by its entities; and the text without what only addresses the bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio_adapters.telegram.wire import MessageEntity, User

_AFTER_A_NAME: Final = frozenset({",", ":", ";"})
_PUNCTUATION: Final = frozenset({",", ".", "!", "?", ":", ";"})


@dataclass(frozen=True, slots=True)
class Addressed:
    """A text and who it speaks to.

    Attributes:
        text: Without mentions of the bot and its name behind a command; hidden links are written out.
        us: Whether it names the bot.
        other_bot: Whether it names another bot.
        command_of_other: Whether it is a command for another bot.
    """

    text: str
    us: bool = False
    other_bot: bool = False
    command_of_other: bool = False


@dataclass(frozen=True, slots=True)
class _Cut:
    """Replace a stretch of UTF-16 units."""

    begin: int
    end: int
    by: str = ""


def read_addressed(text: str, entities: Iterable[MessageEntity], bot: User) -> Addressed:
    """Read a text's entities, whose offsets count UTF-16 units.

    Args:
        text: The text or caption.
        entities: Its entities.
        bot: The bot itself.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    cuts: list[_Cut] = []
    us = other = command = False
    for entity in entities:
        end = entity.offset + entity.length
        part = _decode(units[2 * entity.offset : 2 * end])
        if entity.type == "text_link" and entity.url.rstrip("/") != part.rstrip("/"):
            cuts.append(_Cut(end, end, f" ({entity.url})"))
        named = _named(entity, part, bot)
        if named and named.lower() == bot.username.lower():
            us = True
            kept = part.partition("@")[0] if entity.type == "bot_command" else ""
            cuts.append(_Cut(entity.offset + len(kept), end))
        elif named.lower().endswith("bot"):
            other = True
            command = command or (entity.type == "bot_command" and entity.offset == 0)
    return Addressed(_apply(units, cuts) if cuts else text, us, other, command)


def _named(entity: MessageEntity, part: str, bot: User) -> str:
    """The user name an entity speaks to, or nothing; for a bot that has none, a made-up one that says so."""
    if entity.type == "mention":
        return part.removeprefix("@")
    if entity.type == "bot_command":
        return part.partition("@")[2]
    if entity.type == "text_mention" and entity.user is not None:
        if entity.user.id == bot.id:
            return bot.username
        return "bot" if entity.user.is_bot else ""
    return ""


def _decode(units: bytes) -> str:
    return units.decode("utf-16-le", "replace")


def _apply(units: bytes, cuts: list[_Cut]) -> str:
    done = ""
    at = 0
    for cut in sorted(cuts, key=lambda cut: cut.begin):
        if cut.begin < at:
            continue
        done += _decode(units[2 * at : 2 * cut.begin]) + cut.by
        at = cut.end
        if not cut.by:
            done, at = _close_gap(done, units, at)
    return (done + _decode(units[2 * at :])).strip()


def _close_gap(done: str, units: bytes, at: int) -> tuple[str, int]:
    """What is left around a mention that was cut out: one space, and no comma at the beginning."""
    following = _decode(units[2 * at : 2 * at + 2])
    if not done.strip() and following in _AFTER_A_NAME:
        return done, at + 1
    if done[-1:].isspace() and following in _PUNCTUATION:
        return done.rstrip(" "), at
    if done[-1:].isspace() and following.isspace():
        return done, at + 1
    return done, at
