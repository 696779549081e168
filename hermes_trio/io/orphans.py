"""Processes whose parents have gone become our children, so that they can be found, ended and reaped.

It is the second line: what a command leaves running is ended with it, as long as it holds its leash. A daemon that has
let go of everything is known by its command's mark, once it has come to us.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.io.child_family import send_signal
from hermes_trio.io.child_mark import MARK_NAME, is_over
from hermes_trio.io.process_table import (
    Zombie,
    descendants,
    find_zombies,
    identify,
    own_children,
    read_variable,
    reap,
    session_members,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A daemon that its command has left behind gets SIGTERM within this time, and SIGKILL as long after that.
LOOK_SECONDS: Final = 2.0
#: A leader of a session that ended so long ago and was not waited for is an orphan: our own are, within seconds.
ZOMBIE_SECONDS: Final = 60.0
_SET_CHILD_SUBREAPER: Final = 36

_Processes = set[tuple[int, int]]


def adopt_orphans(*, adopt: bool = True) -> bool:
    """Have the system give us the orphans among all processes below this one, or no longer.

    Returns:
        Whether the system does so; only Linux can. The first process of a container gets them in any case.
    """
    try:
        return bool(ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


async def look_after_orphans() -> None:
    """Adopt orphans, end those that commands have left behind, and reap what nobody waits for, until cancelled.

    Only our own children are looked at, and only those with the mark of a command that is over are ended.

    Cancellation: what is left behind then gets SIGKILL at once.
    """
    adopt_orphans()
    known: _Processes = set()
    zombies: dict[Zombie, float] = {}
    try:
        while True:
            await trio.sleep(LOOK_SECONDS)
            known = _end(find_left_behind(), known)
            zombies = _reap(find_zombies(own_children()), zombies)
    finally:
        left = find_left_behind()
        _end(left, left)
        adopt_orphans(adopt=False)


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


def _reap(zombies: Iterable[Zombie], known: Mapping[Zombie, float]) -> dict[Zombie, float]:
    """Reap orphans; returns those that may have an owner who waits for them, with the times they were first seen.

    What we start ourselves leads a session, or stays in ours. Others of its session are waited for before a leader is.
    """
    now, ours, kept = trio.current_time(), os.getsid(0), {}
    for zombie in zombies:
        seen = kept[zombie] = known.get(zombie, now)
        is_orphan = zombie.session not in (zombie.pid, ours)
        if is_orphan or (now - seen >= ZOMBIE_SECONDS and not session_members(zombie.pid)):
            reap(zombie.pid)
            del kept[zombie]
    return kept
