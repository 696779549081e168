"""The mark of a command: a variable in the environment of its processes, by which they are known wherever they go."""

from __future__ import annotations

import os
import uuid
from typing import Final

MARK_NAME: Final = "HERMES_TRIO_CHILD"


def pipe_name(descriptor: int) -> str:
    """How ``/proc`` names a pipe.

    Raises:
        OSError: The descriptor is closed.
    """
    return f"pipe:[{os.fstat(descriptor).st_ino}]"


def make_mark(descriptor: int) -> str:
    """A mark that no other command has, of one that runs as long as we keep this descriptor of a pipe open."""
    return f"{uuid.uuid4().hex}.{descriptor}.{pipe_name(descriptor)}"


def is_over(mark: str) -> bool:
    """Whether the command with this mark does not run any more, or is none of this process."""
    _, descriptor, name = (*mark.split(".", 2), "", "")[:3]
    try:
        return pipe_name(int(descriptor)) != name
    except (OSError, ValueError, OverflowError):
        return True
