"""The runs of one profile, by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from hermes_trio.http.runs.run import Run

KEPT_SECONDS: Final = 3600.0
KEPT_RUNS: Final = 1000
KEPT_BYTES: Final = 32 * 1024 * 1024


class RunTable:
    """Knows every run that has not ended, and those that ended within the last hour.

    Of the ended ones at most 1000 that take 32 MiB together; those that ended first are forgotten first. How many run
    is bounded by the seats for turns.
    """

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    @property
    def active(self) -> int:
        """How many runs have not ended."""
        return sum(run.end is None for run in self._runs.values())

    def add(self, run: Run) -> None:
        """Know a run from now on."""
        self._forget_old()
        self._runs[run.id] = run

    def find(self, run_id: str) -> Run | None:
        """The run of this id, or None."""
        run = self._runs.get(run_id)
        return None if run is None or _is_old(run) else run

    def _forget_old(self) -> None:
        ended = sorted((run for run in self._runs.values() if run.end is not None), key=lambda run: run.ended_at)
        size = sum(run.size for run in ended)
        left = len(ended)
        for run in ended:
            if not _is_old(run) and left < KEPT_RUNS and size <= KEPT_BYTES:
                break
            del self._runs[run.id]
            left -= 1
            size -= run.size


def _is_old(run: Run) -> bool:
    return trio.current_time() - run.ended_at >= KEPT_SECONDS
