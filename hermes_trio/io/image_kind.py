"""What kind of image some bytes are. Pure."""

from __future__ import annotations

from typing import Final

_IMAGES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
#: Kinds that language models take.
MODEL_IMAGE_KINDS: Final = frozenset({"png", "jpeg", "gif", "webp"})


def image_kind(head: bytes) -> str | None:
    """The kind of image that begins like this, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _IMAGES if head.startswith(magic) and (kind != "bmp" or b"\0" in head)), None)
