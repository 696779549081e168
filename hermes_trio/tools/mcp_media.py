"""Images and sounds that MCP tools return: kept as files of the profile, where its other tools can look at them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HomeError

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.scope import ProfileScope

KEPT_FILES: Final = 200
"""The oldest go when there are more; a server must not fill the disk."""

_PREFIX: Final = "mcp_"
_FOLDERS: Final = ("image", "audio", "video")
_NOT_AN_EXTENSION: Final = re.compile(r"[^a-z0-9]")


async def keep_media(scope: ProfileScope, mime_type: str, data: str) -> Path:
    """Write base64 ``data`` into the profile's cache and return where; the same content is kept once.

    Raises:
        HomeError: The file cannot be written.
        ValueError: The data is not base64.
    """
    return await scope.run_blocking(_write, scope.home.root, mime_type, data)


def _write(home: Path, mime_type: str, data: str) -> Path:
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error as exc:
        raise ValueError("the data is not base64") from exc
    kind, _, subtype = mime_type.lower().partition("/")
    folder = home / "cache" / (f"{kind}s" if kind in _FOLDERS else "documents")
    extension = _NOT_AN_EXTENSION.sub("", subtype.partition("+")[0])[:8] or "bin"
    path = folder / f"{_PREFIX}{hashlib.sha256(content).hexdigest()[:24]}.{extension}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_whole(path, content)
            _prune(folder)
    except OSError as exc:
        raise HomeError("what an MCP tool returned cannot be kept", where=str(folder), found=str(exc)) from exc
    return path


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}.tmp")
    part.write_bytes(content)
    part.chmod(0o600)
    part.replace(path)


def _prune(folder: Path) -> None:
    files = sorted(folder.glob(f"{_PREFIX}*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT_FILES:]:
        path.unlink(missing_ok=True)
