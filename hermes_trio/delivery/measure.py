"""How long a text is for a platform, and where it can be cut between two characters."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.capabilities import TextUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

_JOINER: Final = "\u200d"
#: Far more than any character that people use is made of.
_LONGEST_CLUSTER: Final = 32


def text_length(text: str, unit: TextUnit) -> int:
    """Length of a text in a platform's unit."""
    match unit:
        case TextUnit.CHARACTERS:
            return len(text)
        case TextUnit.UTF16:
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        case TextUnit.BYTES:
            return len(text.encode("utf-8", "surrogatepass"))


def cut_at(text: str, wanted: int) -> int:
    """Where to cut a text of two or more characters: at most at ``wanted``, not within what is shown as one character.

    Args:
        text: The text.
        wanted: From 1 to the text's length less 1.
    """
    for index in range(wanted, max(0, wanted - _LONGEST_CLUSTER), -1):
        if not _is_joined(text, index):
            return index
    return wanted


def chunks(text: str, length: int) -> Iterator[str]:
    """Pieces of about ``length`` characters, cut as `cut_at` does."""
    start = 0
    while len(text) - start > length:
        window = text[start : start + length + 1]
        end = start + cut_at(window, length)
        yield text[start:end]
        start = end
    yield text[start:]


def _is_joined(text: str, index: int) -> bool:
    """Whether the characters before and after belong together."""
    before, after = text[index - 1], text[index]
    if after < "\u0300":
        return after == "\n" and before == "\r"
    if _JOINER in (before, after) or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":  # tones of skin, tags
        return True
    if _is_flag_half(after) and _is_flag_half(before):
        return _flag_halves_before(text, index) % 2 == 1
    return "\u1160" <= after <= "\u11ff"  # Hangul written in parts


def _flag_halves_before(text: str, index: int) -> int:
    count = 0
    while count < min(index, _LONGEST_CLUSTER) and _is_flag_half(text[index - 1 - count]):
        count += 1
    return count


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
