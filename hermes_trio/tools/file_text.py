"""What the bytes of a file are: text in which encoding, or something else. Pure functions."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

LOOKED_AT: Final = 8192
"""Bytes at the beginning that tell text from other things."""

_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_binary(head: bytes) -> bool:
    """Whether what begins like this is no text."""
    return b"\0" in head[:LOOKED_AT] and not is_wide(head)


def is_wide(head: bytes) -> bool:
    """Whether this is the beginning of a text with two bytes a character."""
    return head.startswith(_WIDE)


@dataclass(frozen=True, slots=True)
class Text:
    """A text and how its file spells it; bytes that are no text survive a change of the rest.

    Attributes:
        text: The text, without a byte-order mark.
        encoding: How it is written.
        mark: Its byte-order mark, or nothing.
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    def encode(self, text: str) -> bytes:
        """Write another text the same way.

        Raises:
            UnicodeEncodeError: It has halves of characters.
        """
        errors = "surrogateescape" if self.encoding == "utf-8" else "strict"
        return self.mark + text.encode(self.encoding, errors)


def decode(data: bytes) -> Text:
    """Read the text of a file.

    Raises:
        UnicodeDecodeError: It claims to have two bytes a character and has not.
    """
    if data.startswith(codecs.BOM_UTF8):
        mark = codecs.BOM_UTF8
        return Text(data[len(mark) :].decode("utf-8", "surrogateescape"), "utf-8", mark)
    if is_wide(data):
        encoding = "utf-16-le" if data.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        return Text(data[2:].decode(encoding), encoding, data[:2])
    return Text(data.decode("utf-8", "surrogateescape"))
