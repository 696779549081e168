"""Runs the command in the test's own process and keeps what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hermes_trio.cli.invocation import Process
from hermes_trio.cli.main import run_cli

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys, tmp_path) -> Callable[..., Ran]:
    """Run ``hermes-trio <arguments>`` as a user whose home folder is the test's own."""

    def run(*arguments: str, **environ: str) -> Ran:
        process = Process({"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **environ}, ("hermes-trio", *arguments))
        code = run_cli(list(map(str, arguments)), process)
        return Ran(code, *capsys.readouterr())

    return run
