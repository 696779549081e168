"""Kinds of media: where their files lie and what a message says about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.testing.telegram.model import Json, StoredFile


@dataclass(frozen=True, slots=True)
class MediaKind:
    """A kind of media.

    Attributes:
        name: Name of the field in a message, and of the parameter of its method.
        folder: Begin of the ``file_path``.
        file_name: Name of a file that came without one.
        mime_type: Type of a file that came without one.
        more: What its object has besides the file.
        most_bytes: Largest upload.
    """

    name: str
    folder: str
    file_name: str
    mime_type: str
    more: Mapping[str, object] = field(default_factory=dict)
    most_bytes: int = 50_000_000

    def describe(self, file: StoredFile) -> Json:
        """The part of a message that this media is."""
        body = {**file.as_json(), **self.more}
        if self.name == "photo":
            photo = {key: body[key] for key in body if key not in ("file_name", "mime_type")}
            small = {**photo, "file_id": f"{file.file_id}s", "file_unique_id": f"{file.unique_id}s"}
            return {"photo": [{**small, "width": 90, "height": 60}, photo]}
        if self.name == "voice":
            body.pop("file_name", None)
        described: Json = {self.name: body}
        if self.name == "animation":
            described["document"] = file.as_json()
        return described


_PICTURE: Final[Mapping[str, object]] = MappingProxyType({"width": 900, "height": 600})
_KINDS: Final = (
    MediaKind("photo", "photos", "photo.jpg", "image/jpeg", _PICTURE, most_bytes=10_000_000),
    MediaKind("document", "documents", "file.bin", "application/octet-stream"),
    MediaKind("voice", "voice", "voice.oga", "audio/ogg", {"duration": 3}),
    MediaKind("audio", "music", "audio.mp3", "audio/mpeg", {"duration": 180}),
    MediaKind("video", "videos", "video.mp4", "video/mp4", {**_PICTURE, "duration": 10}),
    MediaKind("animation", "animations", "animation.mp4", "video/mp4", {**_PICTURE, "duration": 2}),
    MediaKind("video_note", "video_notes", "note.mp4", "video/mp4", {"length": 240, "duration": 5}),
    MediaKind(
        "sticker",
        "stickers",
        "sticker.webp",
        "image/webp",
        {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False, "emoji": "👍"},
    ),
)
MEDIA_KINDS: Final[Mapping[str, MediaKind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
