"""The marker a gateway leaves in a home when it has stopped in an orderly way; blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.errors import HomeError

if TYPE_CHECKING:
    from pathlib import Path


def leave_marker(path: Path) -> None:
    """Leave the marker; never makes the home.

    Raises:
        HomeError: It cannot be written.
    """
    try:
        path.touch(mode=0o600)
    except OSError as exc:
        raise _unusable(path, exc) from exc


def take_marker(path: Path) -> bool:
    """Remove the marker of the last stop; whether there was one.

    Raises:
        HomeError: It cannot be removed: then the next start would take a crash for an orderly stop.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise _unusable(path, exc) from exc
    return True


def _unusable(path: Path, exc: OSError) -> HomeError:
    return HomeError("cannot be used", where=str(path), found=str(exc), mend="let the gateway's user write its folder")
