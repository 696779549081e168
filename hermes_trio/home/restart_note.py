"""Who asked for a restart, so that they hear when it is done; hermes-agent's ``.restart_notify.json``. Blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.errors import HomeError
from hermes_trio.home.text_file import explain_os_error

if TYPE_CHECKING:
    from pathlib import Path


class RestartNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """The place where somebody asked.

    Attributes:
        platform: The platform.
        chat_id: The chat.
        chat_type: ``dm``, ``group`` ...
        thread_id: The thread or topic within it, or None.
        message_id: The platform's id of the message that asked, or None.
        transport_profile: The profile whose bot was asked; empty for the note's own. hermes-agent does not know it.
    """

    platform: str
    chat_id: str
    chat_type: str = "dm"
    thread_id: str | None = None
    message_id: str | None = None
    transport_profile: str = ""


def leave_restart_note(path: Path, note: RestartNote) -> None:
    """Write the note, for its owner only; never makes the home.

    Raises:
        HomeError: It cannot be written.
    """
    try:
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(note))
    except OSError as exc:
        problem, mend = explain_os_error(exc, path)
        raise HomeError(problem, where=str(path), mend=mend) from exc


def take_restart_note(path: Path) -> RestartNote | None:
    """Read the note and remove it; None when there is none, or none that can be read.

    Raises:
        HomeError: It cannot be removed, so it would be taken time and again.
    """
    try:
        data = path.read_bytes()
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as exc:
        problem, mend = explain_os_error(exc, path)
        raise HomeError(problem, where=str(path), mend=mend) from exc
    try:
        return msgspec.json.decode(data, type=RestartNote, strict=False)
    except msgspec.DecodeError:
        return None
