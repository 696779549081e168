"""Sending files, and fetching them."""

from __future__ import annotations

import mimetypes
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.testing.telegram.answers import ApiRefusal, bad_request
from hermes_trio.testing.telegram.call import Call
from hermes_trio.testing.telegram.context import Context, Method, read_caption
from hermes_trio.testing.telegram.media import MEDIA_KINDS, MediaKind
from hermes_trio.testing.telegram.methods_messages import make_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.testing.telegram.model import Message, StoredFile

LARGEST_DOWNLOAD: Final = 20 * 1024 * 1024
MOST_IN_ALBUM: Final = 10


def _input_file(context: Context, kind: MediaKind, value: str, field_name: str) -> StoredFile:
    """The file a parameter means: an upload, an earlier file, or something on the web, which is not fetched."""
    upload = context.call.uploads.get(value.removeprefix("attach://") if value.startswith("attach://") else field_name)
    state = context.state
    if upload is not None:
        if not upload.content:
            raise bad_request("file must be non-empty")
        if len(upload.content) > kind.most_bytes:
            raise ApiRefusal(413, "Request Entity Too Large")
        mime_type = mimetypes.guess_type(upload.name)[0] or kind.mime_type
        return state.add_file(kind.folder, upload.name, mime_type, upload.content)
    if value in state.files:
        return state.files[value]
    if value.startswith(("http://", "https://")):
        return state.add_file(kind.folder, value.rpartition("/")[2] or kind.file_name, kind.mime_type, b"")
    if value:
        raise bad_request("wrong file identifier/HTTP URL specified")
    raise bad_request(f"there is no {kind.name.replace('_', ' ')} in the request")


def _add_media(context: Context, message: Message, kind: MediaKind, value: str, field_name: str) -> None:
    file = _input_file(context, kind, value, field_name)
    message.files = (file,)
    message.media = kind.describe(file)


def send_media(kind: MediaKind, context: Context) -> object:
    """``sendPhoto``, ``sendDocument`` and so on."""
    message = make_message(context, read_caption(context.call))
    _add_media(context, message, kind, context.call.text(kind.name), kind.name)
    context.state.add_message(message)
    context.record(message.chat, message)
    return message.as_json()


def send_media_group(context: Context) -> object:
    """``sendMediaGroup``: all or nothing."""
    given = context.call.json("media", "media")
    items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    if not 1 <= len(items) <= MOST_IN_ALBUM:
        raise bad_request("wrong number of media to send as an album")
    group = str(context.state.number())
    messages = [_album_message(context, item, group) for item in items]
    for message in messages:
        context.state.add_message(message)
        context.record(message.chat, message)
    return [message.as_json() for message in messages]


def _album_message(context: Context, item: Mapping[str, object], group: str) -> Message:
    kind = MEDIA_KINDS.get(str(item.get("type")))
    if kind is None or kind.name not in ("photo", "video", "document", "audio"):
        raise bad_request("can't parse InputMedia: wrong type")
    message = make_message(context, read_caption(Call(context.call.token, context.call.method, item)))
    _add_media(context, message, kind, str(item.get("media", "")), "")
    message.group = group
    return message


def get_file(context: Context) -> object:
    """``getFile``."""
    file_id = context.call.text("file_id")
    file = context.state.files.get(file_id) or context.state.files.get(file_id.removesuffix("s"))
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if file.size > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": file.size,
        "file_path": file.path,
    }


def _method_name(kind: MediaKind) -> str:
    return "send" + "".join(word.capitalize() for word in kind.name.split("_"))


MEDIA_METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        **{_method_name(kind): partial(send_media, kind) for kind in MEDIA_KINDS.values()},
        "sendMediaGroup": send_media_group,
        "getFile": get_file,
    }
)
