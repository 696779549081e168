"""Checks around every test, and the fixtures that all packages use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import settings

from tests.rig import RECORDER, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("hermes", deadline=None, max_examples=60)
settings.load_profile("hermes")


def _environment() -> dict[bytes, bytes]:
    return {name: value for name, value in os.environb.items() if name != b"PYTEST_CURRENT_TEST"}


@pytest.fixture(autouse=True)
def environment_stays_the_same() -> Iterator[None]:
    """No test, hence no code of ours, may change the process environment or the working directory."""
    before, folder = _environment(), os.getcwd()  # noqa: PTH109  bytes for bytes
    yield
    assert _environment() == before
    assert os.getcwd() == folder  # noqa: PTH109


@pytest.fixture(autouse=True)
def no_process_runs_on_a_jumping_clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Time that jumps while a process works uses up all patience with it at once, that for its end as well."""
    if "autojump_clock" not in request.fixturenames:
        yield
        return
    started: list[object] = []
    open_process = trio.lowlevel.open_process

    async def noted(command: object, **options: object) -> trio.Process:
        started.append(command)
        return await open_process(command, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trio.lowlevel, "open_process", noted)
        yield
    assert started == [], "a real process needs real time: leave out `autojump_clock`"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Records the files that are opened and the processes that are started during the test."""
    RECORDER.paths.clear()
    RECORDER.processes.clear()
    RECORDER.recording = True
    yield RECORDER
    RECORDER.recording = False
