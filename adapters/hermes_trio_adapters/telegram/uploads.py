"""Sends files: the right method for each kind, a document where Telegram does not take it as that."""

from __future__ import annotations

import mimetypes
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from hermes_trio.adapter_api import MarkupRefused, MediaKind, Refused, SentMessage
from hermes_trio_adapters.telegram import sending
from hermes_trio_adapters.telegram.wire import SentId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.adapter_api import OutgoingMedia, ProfileScope, Target
    from hermes_trio_adapters.telegram.client import BotApi

LARGEST_PHOTO: Final = 10 * 1024 * 1024
LARGEST_FILE: Final = 50 * 1024 * 1024
PIECE_BYTES: Final = 256 * 1024
_VOICE: Final = frozenset({".ogg", ".oga", ".opus"})
_AUDIO: Final = frozenset({".mp3", ".m4a"})
_VIDEO: Final = frozenset({".mp4", ".m4v"})


@dataclass(frozen=True, slots=True)
class _Form:
    """How a file is sent: the method, and the field that holds it."""

    method: str
    field: str


_DOCUMENT: Final = _Form("sendDocument", "document")


async def send_media(
    scope: ProfileScope, api: BotApi, target: Target, media: OutgoingMedia, *, official: bool
) -> SentMessage:
    """Send a file; if Telegram refuses it in its kind, then as a document, and with a plain caption if need be.

    Args:
        scope: Whose file it is.
        api: The bot.
        target: Where to.
        media: The file.
        official: Whether Telegram's own limits hold.

    Raises:
        Refused: The file cannot be read, is empty or too large, or Telegram takes it in no form.
        AdapterError: See `BotApi.call`.
    """
    size = await _size_of(scope, media.path)
    if official and size > LARGEST_FILE:
        limit = f"{LARGEST_FILE // 1024**2} MB"
        raise Refused(f"bots can send files of at most {limit}", profile=scope.name, found=f"{size} bytes")
    forms = [form for form in (_form_for(media, size), _DOCUMENT) if form is not None]
    for index, form in enumerate(forms):
        try:
            return await _send_as(scope, api, target, media, size, form)
        except MarkupRefused:
            if media.caption is None or media.caption.formatted is None:
                raise
            plain = replace(media, caption=replace(media.caption, formatted=None))
            return await _send_as(scope, api, target, plain, size, form)
        except Refused:
            if index == len(forms) - 1:
                raise
    raise AssertionError("there is always the document")


def _form_for(media: OutgoingMedia, size: int) -> _Form | None:
    """The form a kind of file has; None for a document."""
    suffix = media.path.suffix.lower()
    match media.kind:
        case MediaKind.PHOTO if suffix == ".gif":
            return _Form("sendAnimation", "animation")
        case MediaKind.PHOTO if size <= LARGEST_PHOTO:
            return _Form("sendPhoto", "photo")
        case MediaKind.VOICE if suffix in _VOICE:
            return _Form("sendVoice", "voice")
        case MediaKind.VOICE | MediaKind.AUDIO if suffix in _AUDIO:
            return _Form("sendAudio", "audio")
        case MediaKind.VIDEO if suffix in _VIDEO:
            return _Form("sendVideo", "video")
    return None


async def _send_as(
    scope: ProfileScope, api: BotApi, target: Target, media: OutgoingMedia, size: int, form: _Form
) -> SentMessage:
    caption = media.caption
    parameters = {**sending.place(target), **sending.reply(media.reply_to)}
    if caption is not None:
        parameters |= sending.words(caption, "caption") if caption.text else {}
        parameters |= {"reply_markup": sending.keyboard(caption.buttons)}
        parameters |= {"disable_notification": True if caption.silent else None}
    name = media.name or media.path.name
    async with _open_body(scope, parameters, form.field, media.path, name, size) as (body, headers):
        sent = await api.call_with_file(form.method, body, headers, SentId)
    return SentMessage(str(sent.message_id))


async def _size_of(scope: ProfileScope, path: Path) -> int:
    try:
        size = (await scope.run_blocking(path.stat)).st_size
    except OSError as exc:
        raise _unreadable(scope, exc) from exc
    if not size:
        raise Refused("Telegram takes no empty files", profile=scope.name)
    return size


def _unreadable(scope: ProfileScope, exc: OSError) -> Refused:
    return Refused(f"the file cannot be read: {exc.strerror or type(exc).__name__}", profile=scope.name)


@asynccontextmanager
async def _open_body(
    scope: ProfileScope, parameters: Mapping[str, object], field: str, path: Path, name: str, size: int
) -> AsyncIterator[tuple[MultipartBody, dict[str, str]]]:
    """A multipart body with the parameters and the file, and its header fields."""
    try:
        file = await scope.run_blocking(path.open, "rb")
    except OSError as exc:
        raise _unreadable(scope, exc) from exc
    try:
        boundary = secrets.token_hex(16)
        head = _head(boundary, parameters, field, name)
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(head) + size + len(tail)),
        }
        yield MultipartBody(scope, file, size, head, tail), headers
    finally:
        file.close()  # it was only read, so there is nothing to wait for


def _head(boundary: str, parameters: Mapping[str, object], field: str, name: str) -> bytes:
    """The body up to the file's content."""
    parts: list[bytes] = []
    for key, value in parameters.items():
        if value is not None:
            text = value.encode("utf-8", "replace") if isinstance(value, str) else msgspec.json.encode(value)
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n'.encode())
            parts.append(text + b"\r\n")
    shown = "".join(character for character in name if character.isprintable() and character not in '"\\') or "file"
    kind = mimetypes.guess_type(shown)[0] or "application/octet-stream"
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="{shown}"'
    parts.append(f"--{boundary}\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n".encode("utf-8", "replace"))
    return b"".join(parts)


class MultipartBody:
    """A body that reads its file in worker threads while it is sent; can be gone through once.

    Args:
        scope: Whose threads read.
        file: The open file.
        size: How many bytes of it were promised.
        head: What comes before it.
        tail: What comes behind it.
    """

    def __init__(self, scope: ProfileScope, file: BinaryIO, size: int, head: bytes, tail: bytes) -> None:
        self._scope = scope
        self._file = file
        self._left = size
        self._head = head
        self._tail = tail

    def __aiter__(self) -> MultipartBody:
        return self

    async def __anext__(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._left:
            return await self._read()
        if not self._tail:
            raise StopAsyncIteration
        tail, self._tail = self._tail, b""
        return tail

    async def _read(self) -> bytes:
        try:
            data = await self._scope.run_blocking(self._file.read, min(self._left, PIECE_BYTES))
        except OSError as exc:
            raise _unreadable(self._scope, exc) from exc
        if not data:
            raise Refused("the file became shorter while it was sent", profile=self._scope.name)
        self._left -= len(data)
        return data
