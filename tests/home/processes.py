"""Processes that exist only in a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hermes_trio.home.process_record import ProcessRecord

GATEWAY = ("/usr/bin/hermes", "gateway", "run")


@dataclass
class FakeProcesses:
    alive: dict[int, ProcessRecord] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)

    def start_time(self, pid: int) -> int | None:
        return self.alive[pid].start_time if pid in self.alive else None

    def command_line(self, pid: int) -> tuple[str, ...] | None:
        return self.alive[pid].argv if pid in self.alive else None

    def is_alive(self, pid: int) -> bool:
        return pid in self.alive

    def is_stopped(self, pid: int) -> bool:
        return pid in self.stopped


def running(*records: ProcessRecord) -> FakeProcesses:
    return FakeProcesses({record.pid: record for record in records})
