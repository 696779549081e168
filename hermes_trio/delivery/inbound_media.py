"""Files that come in with messages: where they are kept, and how the model hears of them."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.messages import Attachment, MediaKind
from hermes_trio.delivery.media_caches import cache_folder, make_private_folder
from hermes_trio.errors import HermesTrioError
from hermes_trio.io.image_kind import MODEL_IMAGE_KINDS, image_kind

if TYPE_CHECKING:
    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.scope import ProfileScope

Fetch = Callable[[Attachment, Path, int], Awaitable[None]]
"""`Adapter.fetch` of the adapter that the file came through."""

Content = str | tuple[Mapping[str, object], ...]
"""What the user says: a text, or parts in the chat-completions format."""

#: Larger images are left to the tools; base64 makes a third more of them.
LARGEST_IMAGE_PART: Final = 5 * 1024 * 1024
MOST_IMAGE_PARTS: Final = 8
_LOOKED_AT: Final = 8192
_LONGEST_NAME: Final = 80
_UNSAFE: Final = re.compile(r"[^\w.+-]+")
_WORDS: Final[Mapping[MediaKind, tuple[str, str, str]]] = MappingProxyType(
    {  # beginning of the file's name, its usual ending, what it is called
        MediaKind.PHOTO: ("img", ".jpg", "an image"),
        MediaKind.VOICE: ("voice", ".ogg", "a voice message"),
        MediaKind.AUDIO: ("audio", ".mp3", "an audio file"),
        MediaKind.VIDEO: ("video", ".mp4", "a video"),
        MediaKind.DOCUMENT: ("doc", "", "a file"),
    }
)


class AttachmentRefused(HermesTrioError):
    """A file that came in is not kept."""

    default_code = "attachment_refused"


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A file that came in and lies in the profile's cache.

    Attributes:
        kind: What it is to people.
        path: Where it lies.
        name: Its name at the sender, or empty.
        size: Bytes.
    """

    kind: MediaKind
    path: Path
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class MissingAttachment:
    """A file that came in but could not be kept.

    Attributes:
        kind: What it is to people.
        name: Its name at the sender, or empty.
        reason: Why it is missing, in one clause.
    """

    kind: MediaKind
    name: str
    reason: str


async def store_attachment(scope: ProfileScope, attachment: Attachment, fetch: Fetch) -> StoredAttachment:
    """Fetch a file into the runtime profile's cache, under a new name that is safe on any disk.

    Args:
        scope: The runtime profile.
        attachment: What came in.
        fetch: Of the adapter it came through.

    Raises:
        AttachmentRefused: It is larger than ``max_inbound_media_bytes``, or cannot be written.
        AdapterError: The platform does not give it out.

    Cancellation: what has been fetched is deleted.
    """
    limit = scope.config.chat.media.max_inbound_bytes
    if attachment.size is not None and attachment.size > limit:
        raise _too_large(scope, attachment, limit)
    path = await scope.run_blocking(_make_place, scope.home, attachment, scope.name)
    part = path.with_name(path.name + ".part")
    try:
        await fetch(attachment, part, limit)
        size = await scope.run_blocking(_keep, part, path, limit)
    except OSError as error:
        raise AttachmentRefused(
            error.strerror or "cannot be written", profile=scope.name, where=attachment.name or str(attachment.kind)
        ) from error
    finally:
        with contextlib.suppress(OSError):  # one system call, too short for a worker that cancellation forbids
            os.unlink(part)  # noqa: PTH108
    if size is None:
        raise _too_large(scope, attachment, limit)
    return StoredAttachment(attachment.kind, path, attachment.name, size)


async def describe_attachments(
    scope: ProfileScope, text: str, attachments: Sequence[StoredAttachment | MissingAttachment], *, images: bool = True
) -> Content:
    """What the model is told: the text, a note with the path of each file, and the images themselves.

    Args:
        scope: The runtime profile.
        text: What was written with them, perhaps nothing.
        attachments: From `store_attachment`, or why there is none.
        images: Whether the model takes images.
    """
    notes = "\n".join(_note(attachment) for attachment in attachments)
    said = "\n\n".join(part for part in (notes, text) if part.strip())
    pictures = [item.path for item in attachments if isinstance(item, StoredAttachment) and _is_picture(item)]
    urls = await scope.run_blocking(_data_urls, pictures[:MOST_IMAGE_PARTS]) if images and pictures else []
    if not urls:
        return said
    return ({"type": "text", "text": said}, *({"type": "image_url", "image_url": {"url": url}} for url in urls))


def _too_large(scope: ProfileScope, attachment: Attachment, limit: int) -> AttachmentRefused:
    return AttachmentRefused(
        "larger than files may be",
        profile=scope.name,
        where=attachment.name or str(attachment.kind),
        expected=f"at most {limit} bytes",
        mend="raise `gateway.max_inbound_media_bytes` in config.yaml",
    )


def _make_place(paths: ProfilePaths, attachment: Attachment, profile: str) -> Path:
    folder = cache_folder(paths, attachment.kind)
    try:
        make_private_folder(paths, folder)
    except OSError as error:
        raise AttachmentRefused(
            error.strerror or "the cache folder cannot be made", profile=profile, where=str(folder)
        ) from error
    return folder / _file_name(attachment)


def _file_name(attachment: Attachment) -> str:
    """A new name; nothing of the sender's name can lead elsewhere, hide the file or run over its length."""
    beginning, usual_ending, _ = _WORDS[attachment.kind]
    given = _UNSAFE.sub("_", Path(attachment.name.replace("\\", "/")).name).strip("._")
    unique = f"{beginning}_{secrets.token_hex(6)}"
    if attachment.kind is MediaKind.DOCUMENT:
        return f"{unique}_{given[-_LONGEST_NAME:].lstrip('._') or 'file'}"
    ending = Path(given).suffix if given else ""
    return unique + (ending.lower() if 1 < len(ending) <= 6 else usual_ending)


def _keep(part: Path, path: Path, limit: int) -> int | None:
    """Give a fetched file its name; returns its size, or None when it is too large."""
    status = part.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        return None
    part.chmod(0o600)
    part.rename(path)
    return status.st_size


def _note(attachment: StoredAttachment | MissingAttachment) -> str:
    what = _WORDS[attachment.kind][2]
    name = " ".join(attachment.name.split())[:_LONGEST_NAME]
    called = f" called {name!r}" if name else ""
    if isinstance(attachment, MissingAttachment):
        return f"[The user sent {what}{called}; it could not be taken in: {attachment.reason}]"
    return f"[The user sent {what}{called}, saved at: {attachment.path}]"


def _is_picture(attachment: StoredAttachment) -> bool:
    return attachment.kind is MediaKind.PHOTO and attachment.size <= LARGEST_IMAGE_PART


def _data_urls(paths: Sequence[Path]) -> list[str]:
    """The images that models take, as data URLs; what cannot be read stays a note."""
    urls = []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if (kind := image_kind(data[:_LOOKED_AT])) in MODEL_IMAGE_KINDS:
            urls.append(f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}")
    return urls
