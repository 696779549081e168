"""Processes whose parents have gone become our children, so that they can be found, ended and reaped.

It is the second line: what a command leaves running is ended with it, as long as it holds its leash. A daemon that has
let go of everything is known by its command's mark, once it has come to us.
"""

from __future__ import annotations

import ctypes
import signal
from typing import Final

import trio

from hermes_trio.io.child_family import send_signal
from hermes_trio.io.child_mark import MARK_NAME, is_over
from hermes_trio.io.process_table import (
    descendants,
    find_zombies,
    identify,
    own_children,
    read_variable,
    reap,
    session_members,
)

#: A daemon that its command has left behind gets SIGTERM within this time, and SIGKILL as long after that.
LOOK_SECONDS: Final = 2.0
#: A child that ended so long ago and was not waited for is an orphan: our own are waited for within seconds.
ZOMBIE_SECONDS: Final = 60.0
_SET_CHILD_SUBREAPER: Final = 36

_Processes = set[tuple[int, int]]


def adopt_orphans() -> bool:
    """Have the system give us the orphans among all processes below this one, for as long as it runs.

    Returns:
        Whether the system does so; only Linux can. The first process of a container gets them in any case.
    """
    try:
        return bool(ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


async def look_after_orphans() -> None:
    """End what commands have left behind, and reap what nobody waits for, until cancelled.

    Only our own children are looked at, and only those with the mark of a command that is over are ended.

    Cancellation: what is left behind then gets SIGKILL at once.
    """
    known: _Processes = set()
    zombies: _Processes = set()
    look_at_zombies = trio.current_time() + ZOMBIE_SECONDS
    try:
        while True:
            await trio.sleep(LOOK_SECONDS)
            known = _end(find_left_behind(), known)
            if trio.current_time() >= look_at_zombies:
                zombies = _reap(find_zombies(own_children()), zombies)
                look_at_zombies += ZOMBIE_SECONDS
    finally:
        left = find_left_behind()
        _end(left, left)


def find_left_behind() -> _Processes:
    """The processes among our children whose command is over, and those below them. Blocking, for microseconds each."""
    found: _Processes = set()
    for pid in own_children():
        mark = read_variable(pid, MARK_NAME)
        if mark and is_over(mark):
            found |= {one for one in (identify(pid), *descendants(pid)) if one is not None}
    return found


def _end(left: _Processes, known: _Processes) -> _Processes:
    """Signal them; SIGKILL to those that are known from an earlier look."""
    for process in left:
        send_signal(process[0], signal.SIGKILL if process in known else signal.SIGTERM)
    return left


def _reap(zombies: _Processes, known: _Processes) -> _Processes:
    """Reap what had ended at the earlier look already, but no leader of a command that others still belong to."""
    for pid, _started in zombies & known:
        if not session_members(pid):
            reap(pid)
    return zombies
