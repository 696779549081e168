"""What the bytes of a file are: text in which encoding, an image, or something else. Pure functions."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

LOOKED_AT: Final = 8192
"""Bytes at the beginning that tell text from other things."""

_IMAGES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def image_kind(head: bytes) -> str | None:
    """The kind of image that begins like this, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _IMAGES if head.startswith(magic) and (kind != "bmp" or b"\0" in head)), None)


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
