"""Fetches files that came with messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import trio

from hermes_trio.adapter_api import Refused
from hermes_trio_adapters.telegram.wire import File

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.adapter_api import Attachment, ProfileScope
    from hermes_trio_adapters.telegram.client import BotApi

PIECE_BYTES: Final = 256 * 1024
REMOVE_SECONDS: Final = 2.0


async def fetch(scope: ProfileScope, api: BotApi, attachment: Attachment, path: Path, limit: int) -> None:
    """Fetch a file into ``path``; on any failure there is none.

    Args:
        scope: Whose threads write.
        api: The bot.
        attachment: The file.
        path: Where to; its folder exists.
        limit: Most bytes.

    Raises:
        Refused: It is larger, Telegram does not give it out, or it cannot be written.
        AdapterError: See `BotApi.call`.

    Cancellation: the unfinished file is removed.
    """
    _check_size(scope, attachment.size, limit)
    try:
        found = await api.call("getFile", {"file_id": attachment.reference}, File)
    except Refused as exc:
        if "file is too big" not in exc.problem.lower():
            raise
        raise Refused(
            "Telegram gives bots no files above 20 MB",
            profile=scope.name,
            mend="send a smaller file; only a Bot API server of one's own (extra.base_url) gives out larger ones",
        ) from exc
    _check_size(scope, found.file_size, limit)
    complete = False
    try:
        await _download(scope, api, found.file_path, path, limit)
        complete = True
    except OSError as exc:
        problem = f"the file cannot be written: {exc.strerror or type(exc).__name__}"
        raise Refused(problem, profile=scope.name) from exc
    finally:
        if not complete:
            with trio.move_on_after(REMOVE_SECONDS, shield=True):
                await scope.run_blocking(_remove, path)


async def _download(scope: ProfileScope, api: BotApi, file_path: str, path: Path, limit: int) -> None:
    file = await scope.run_blocking(path.open, "wb")
    try:
        async with api.open_file(file_path) as pieces:
            pending, total = bytearray(), 0
            async for piece in pieces:
                pending += piece
                total += len(piece)
                _check_size(scope, total, limit)
                if len(pending) >= PIECE_BYTES:
                    await scope.run_blocking(_write, file, bytes(pending))
                    pending.clear()
            await scope.run_blocking(_write, file, bytes(pending))
    finally:
        file.close()  # everything has been handed to the system by then


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _check_size(scope: ProfileScope, size: int | None, limit: int) -> None:
    if size is not None and size > limit:
        raise Refused("the file is too large", profile=scope.name, found=f"{size} bytes or more, at most {limit}")
