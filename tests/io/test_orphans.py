"""Processes that leave their command's session, and those whose parents have gone: none is left, none is not ours."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_process import ChildCommand, ChildExit, run_child
from hermes_trio.io.orphans import LOOK_SECONDS, ZOMBIE_SECONDS, adopt_orphans, find_left_behind, look_after_orphans
from hermes_trio.io.process_table import find_zombies, identify, own_children, reap

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
#: Says its id, and lets go of everything it inherited, the leash too.
CAREFUL = f"""setsid {sys.executable} -c '
import os, signal, time
if DEAF:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
os.closerange(0, 4096)
time.sleep(300)
' & sleep 0.3"""


@pytest.fixture
def adopting():
    """Orphans become children of the process that runs the tests, until the test has ended."""
    assert adopt_orphans()
    yield
    adopt_orphans(adopt=False)


async def run(script: str, **options: object) -> tuple[ChildExit, list[int]]:
    """Run a script; how it ended, and the process ids that it wrote."""
    output = HeadAndTail(10_000)
    command = ChildCommand(("/bin/bash", "-c", script), ENVIRONMENT, Path("/tmp"), **options)
    with trio.fail_after(20):
        result = await run_child(command, output, grace=0.3)
    return result, [int(line) for line in output.text().splitlines() if line.isdecimal()]


def run_on(pids: list[int]) -> list[int]:
    return [pid for pid in pids if identify(pid) is not None]


def end(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "setsid sleep 300 & echo $!; sleep 0.05",
        "setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $!; sleep 0.05",
        "setsid env -i sleep 300 & echo $!; sleep 0.05",
        "setsid bash -c 'echo $$; setsid sleep 300 & echo $!; wait' & sleep 0.1",
        "(setsid bash -c 'trap \"\" TERM; echo $$; while :; do sleep 300; done' &); sleep 0.1",
    ],
    ids=["plain", "silent", "another environment", "two of them", "deaf"],
)
async def test_a_session_of_its_own_is_no_way_to_stay(script):
    result, pids = await run(script)
    try:
        assert pids
        assert (result.left_over, run_on(pids)) == (True, [])
    finally:
        end(pids)


@pytest.mark.slow
@pytest.mark.parametrize("deaf", [False, True], ids=["listens", "deaf"])
async def test_a_daemon_that_lets_go_of_everything_is_found_among_our_children(adopting, deaf):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_after_orphans)
        result, pids = await run(CAREFUL.replace("DEAF", str(deaf)))
        try:
            assert (len(pids), result.left_over) == (1, False)
            with trio.fail_after(3 * LOOK_SECONDS):
                while run_on(pids):
                    await trio.sleep(0.05)
        finally:
            end(pids)
        nursery.cancel_scope.cancel()
    for pid in pids:
        reap(pid)


@pytest.mark.slow
async def test_the_end_of_the_gateway_is_the_end_of_such_daemons(adopting):
    _, pids = await run(CAREFUL.replace("DEAF", "True"))
    with trio.move_on_after(0.01):
        await look_after_orphans()
    with trio.fail_after(2):
        while run_on(pids):
            await trio.sleep(0.01)
    for pid in pids:
        reap(pid)


@pytest.mark.slow
async def test_commands_that_run_are_not_taken_for_left_behind(adopting):
    async with trio.open_nursery() as nursery:
        output = HeadAndTail(1000)
        command = ChildCommand(("/bin/bash", "-c", "sleep 0.3; echo done"), ENVIRONMENT, Path("/tmp"))
        nursery.start_soon(run_child, command, output)
        await trio.sleep(0.15)
        assert find_left_behind() == set()
    assert output.text() == "done\n"


@pytest.mark.slow
async def test_a_cancelled_command_takes_its_daemons_along(adopting):
    output = HeadAndTail(1000)
    script = "setsid sleep 300 & echo $!; (setsid bash -c 'echo $$; exec sleep 300' &); sleep 300"
    command = ChildCommand(("/bin/bash", "-c", script), ENVIRONMENT, Path("/tmp"))
    with trio.move_on_after(0.4):
        await run_child(command, output, grace=0.3)
    pids = [int(word) for word in output.text().split()]
    try:
        assert (len(pids), run_on(pids)) == (2, [])
    finally:
        end(pids)


@pytest.mark.slow
async def test_a_daemon_of_the_users_own_command_may_stay_and_holds_nobody_up():
    began = trio.current_time()
    result, pids = await run("setsid sleep 300 & echo $!; sleep 0.05", daemons=True)
    try:
        assert (result.code, result.left_over, run_on(pids)) == (0, False, pids)
        assert trio.current_time() - began < 2
    finally:
        end(pids)


@pytest.mark.slow
async def test_what_is_not_of_the_command_is_let_alone(adopting):
    other = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        async with trio.open_nursery() as nursery:
            output = HeadAndTail(1000)
            neighbour = ChildCommand(
                ("/bin/bash", "-c", "setsid sleep 0.8 & wait; echo done"), ENVIRONMENT, Path("/tmp")
            )
            nursery.start_soon(run_child, neighbour, output)
            await trio.sleep(0.2)
            _, pids = await run("setsid sleep 300 & echo $!; sleep 0.05")
            assert run_on(pids) == []
        assert output.text() == "done\n"
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.slow
async def test_orphans_that_have_ended_are_reaped_soon(adopting):
    await run("(true &); (sleep 0.05 &); sleep 0.2")
    assert len(find_zombies(own_children())) == 2
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_after_orphans)
        with trio.fail_after(2 * LOOK_SECONDS):
            while find_zombies(own_children()):
                await trio.sleep(0.05)
        nursery.cancel_scope.cancel()


async def test_an_orphan_of_nobody_known_is_reaped_after_a_while(autojump_clock):
    pid = os.posix_spawn("/bin/true", ["true"], ENVIRONMENT)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_after_orphans)
        await trio.sleep(0.9 * ZOMBIE_SECONDS)
        assert pid in own_children(), "its owner may still wait for it"
        await trio.sleep(0.2 * ZOMBIE_SECONDS)
        assert pid not in own_children()
        nursery.cancel_scope.cancel()
