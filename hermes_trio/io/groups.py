"""Takes a single error out of the exception groups that nurseries wrap around it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(error: BaseException) -> Iterator[BaseException]:
    """All exceptions in a group, however deeply nested; the error itself when it is none."""
    if isinstance(error, BaseExceptionGroup):
        for child in error.exceptions:
            yield from leaves(child)
    else:
        yield error


@contextmanager
def lone_error_raised() -> Iterator[None]:
    """Let an error that is alone in its groups leave the block as itself; several stay a group.

    For the public doors of a package, whose callers want to catch what they know.
    """
    lone: BaseException | None = None
    try:
        yield
    except BaseExceptionGroup as group:
        found = list(leaves(group))
        if len(found) != 1:
            raise
        lone = found[0]
    if lone is not None:
        raise lone
