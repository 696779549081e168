"""A child process: bounded output, a deadline, and nothing of it is left, whatever happens."""

import os
import signal
from pathlib import Path

import pytest
import trio

from hermes_trio.io import child_family
from hermes_trio.io.child_family import signal_group
from hermes_trio.io.child_mark import MARK_NAME
from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_pipes import CHUNK_BYTES
from hermes_trio.io.child_process import ChildCommand, ChildError, run_child
from hermes_trio.io.process_table import session_members

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "MARK": "plum"}
BASH = "/bin/bash"


def shell(script: str, **options) -> ChildCommand:
    return ChildCommand((BASH, "-c", script), ENVIRONMENT, Path("/tmp"), **options)


def after(seconds: float) -> float:
    return trio.current_time() + seconds


async def run(command: ChildCommand, **options):
    """Run it and return how it ended and what it wrote."""
    output = HeadAndTail(10_000)
    with trio.fail_after(20):
        result = await run_child(command, output, **{"grace": 0.1, **options})
    return result, output.text()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Heard(HeadAndTail):
    """Output that can be waited for."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._more = trio.Event()

    def feed(self, data: bytes) -> None:
        super().feed(data)
        self._more.set()

    async def hear(self, part: str) -> None:
        """Wait until this has been said."""
        while part not in self.text():
            self._more = trio.Event()
            await self._more.wait()


@pytest.fixture
def jumping_clock():
    """Goes on with the time that processes need, and can be moved."""
    return trio.testing.MockClock(rate=1)


class Started:
    """Waits for a child to run."""

    def __init__(self) -> None:
        self.event = trio.Event()
        self.child = None

    def started(self, value=None) -> None:
        self.child = value
        self.event.set()


async def test_its_output_and_errors_come_together_in_order():
    result, text = await run(shell("echo one; echo two >&2; echo three; exit 3"))
    assert (result.code, text) == (3, "one\ntwo\nthree\n")
    assert not result.timed_out
    assert not result.left_over


async def test_errors_can_be_kept_apart():
    errors = HeadAndTail(100)
    _, text = await run(shell("echo one; echo two >&2"), errors=errors)
    assert (text, errors.text()) == ("one\n", "two\n")


async def test_it_inherits_nothing():
    _, text = await run(ChildCommand(("/usr/bin/env",), ENVIRONMENT, Path("/tmp")))
    mark, *others = sorted(text.split())
    assert others == ["MARK=plum", "PATH=/usr/bin:/bin"]
    assert mark.startswith(f"{MARK_NAME}=")


async def test_it_has_no_descriptor_of_ours_but_the_leash():
    with Path(os.devnull).open() as ours:
        os.set_inheritable(ours.fileno(), True)
        _, text = await run(ChildCommand(("/bin/ls", "/proc/self/fd"), ENVIRONMENT, Path("/tmp")))
    numbers = sorted(map(int, text.split()))
    assert numbers[:4] == [0, 1, 2, 3]  # 3 is the folder that ls reads
    assert [number >= 150 for number in numbers[4:]] == [True]


async def test_it_runs_in_its_folder(tmp_path):
    _, text = await run(ChildCommand(("/bin/pwd",), ENVIRONMENT, tmp_path))
    assert text == f"{tmp_path}\n"


async def test_without_input_it_reads_the_end_at_once():
    result, text = await run(shell("cat; echo end"), deadline=after(5))
    assert (result.code, text) == (0, "end\n")


async def test_it_reads_what_it_is_given():
    _, text = await run(shell("wc -c", stdin=b"x" * 300_000))
    assert text.strip() == "300000"


async def test_it_need_not_read_what_it_is_given():
    result, _ = await run(shell("exit 0", stdin=b"x" * 300_000))
    assert result.code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (ChildCommand(("no-such-program",), ENVIRONMENT, Path("/tmp")), "no-such-program cannot be started"),
        (ChildCommand(("true",), ENVIRONMENT, Path("/no/such/folder")), "there is no folder /no/such/folder"),
        (ChildCommand(("echo", "a\0b"), ENVIRONMENT, Path("/tmp")), "zero byte"),
    ],
)
async def test_one_that_cannot_start_says_why_and_leaves_nothing(command, said):
    before = open_files()
    with pytest.raises(ChildError, match=said) as caught:
        await run(command)
    assert caught.value.code == "child_not_started"
    assert open_files() == before


@pytest.mark.parametrize(("name", "code"), [("KILL", 137), ("TERM", 143)])
async def test_a_signal_is_told_as_shells_do(name, code):
    result, _ = await run(shell(f"kill -{name} $$"))
    assert result.code == code


async def test_much_output_is_cut_in_the_middle():
    output = HeadAndTail(1000)
    await run_child(shell("echo begin; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"), output)
    text = output.text()
    assert text.startswith("begin\nxxx")
    assert text.endswith("xxx\nend\n")
    assert len(text) < 1100
    assert f"[{output.dropped} bytes left out]" in text
    assert output.total == 3_000_011


async def at_deadline(script: str, clock, **options):
    """Let the deadline come once a script has said that it is up; how it ended and what it wrote."""
    output, results = Heard(1000), []

    async def run_it() -> None:
        results.append(await run_child(shell(script), output, deadline=after(3600), **options))

    with trio.fail_after(7200):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_it)
            await output.hear("up\n")
            clock.jump(3600)
    return results[0], output.text()


async def test_at_its_deadline_it_is_asked_to_end_and_heard_out(jumping_clock):
    result, text = await at_deadline(
        "trap 'echo bye; exit 7' TERM; echo up; while :; do :; done", jumping_clock, grace=60
    )
    assert result.timed_out
    assert (result.code, text) == (7, "up\nbye\n")


@pytest.mark.slow
async def test_who_does_not_listen_is_killed_with_all_it_started(jumping_clock):
    script = "trap '' TERM; sleep 300 & (trap '' TERM; sleep 300) & echo $$ up; while :; do sleep 300; done"
    result, text = await at_deadline(script, jumping_clock, grace=0.1)
    assert (result.timed_out, result.code) == (True, 128 + signal.SIGKILL)
    assert session_members(int(text.split()[0])) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "left",
    [
        "sleep 300 &",
        "sleep 300 >/dev/null 2>&1 &",
        "timeout 300 sleep 300 >/dev/null 2>&1 &",  # makes a process group of its own
        "(sleep 300 &) ; (timeout 300 sleep 300 &)",
    ],
)
async def test_what_it_leaves_running_is_ended_and_holds_nobody_up(left):
    result, text = await run(shell(f"{left}\necho $$"))
    assert (result.code, result.left_over) == (0, True)
    assert session_members(int(text)) == set()


async def test_a_slow_end_of_a_pipe_is_waited_for():
    result, text = await run(shell("exec > >(sleep 0.05; cat); echo late"))
    assert text == "late\n"
    assert not result.left_over


async def test_it_can_be_written_to_until_its_input_is_closed():
    started, output = Started(), HeadAndTail(100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run_child(shell("cat", interactive=True), output, task_status=started))
        await started.event.wait()
        await started.child.write(b"one ")
        await started.child.write(b"two")
        started.child.close_input()
    assert output.text() == "one two"
    with pytest.raises(ChildError, match="input of the process is closed"):
        await started.child.write(b"three")


async def test_without_an_open_input_writing_is_refused():
    started = Started()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run_child(shell("sleep 0.05"), HeadAndTail(100), task_status=started))
        await started.event.wait()
        with pytest.raises(ChildError, match="closed"):
            await started.child.write(b"one")


async def test_it_can_be_asked_to_end():
    started, results = Started(), []

    async def run_it() -> None:
        results.append(await run_child(shell("sleep 300"), HeadAndTail(100), task_status=started))

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_it)
            await started.event.wait()
            started.child.request_end()
    assert (results[0].ended, results[0].timed_out, results[0].code) == (True, False, 143)


async def test_on_a_pseudo_terminal_it_sees_one():
    before = open_files()
    result, text = await run(shell("test -t 0 && test -t 1 && test -t 2 && echo yes", terminal=True))
    assert (result.code, text) == (0, "yes\r\n")
    assert open_files() == before


async def test_on_a_pseudo_terminal_the_input_ends_with_a_key():
    started, output = Started(), HeadAndTail(100)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            command = shell("stty -echo; echo ready; cat", terminal=True)
            nursery.start_soon(lambda: run_child(command, output, task_status=started))
            await started.event.wait()
            while "ready" not in output.text():
                await trio.sleep(0.005)
            await started.child.write(b"one\n")
            started.child.close_input()
    assert output.text() == "ready\r\none\r\n"


@pytest.mark.slow
async def test_no_moment_of_cancellation_leaves_a_process_or_an_open_file():
    """From before the start of the process until after its end, and with a process that fights back."""
    scripts = ["echo $$; sleep 300 & sleep 300", "echo $$; trap '' TERM; sleep 300 & wait", "echo $$"]
    await run(shell("true"))
    before, leaders = open_files(), []
    for step in range(60):
        output = HeadAndTail(100)
        with trio.move_on_after(step * 0.0003), trio.fail_after(5):
            await run_child(shell(scripts[step % 3]), output, HeadAndTail(10), grace=0.02)
        leaders += map(int, output.text().split())
        assert open_files() == before
    assert len(leaders) > 10
    assert [leader for leader in leaders if session_members(leader)] == []


@pytest.mark.slow
async def test_many_cancelled_together_are_gone_together(monkeypatch):
    sent = []

    def note(leader, number):
        sent.append(number)
        signal_group(leader, number)

    monkeypatch.setattr(child_family, "signal_group", note)
    outputs = [Heard(100) for _ in range(40)]
    before = open_files()
    async with trio.open_nursery() as nursery:
        for output in outputs:
            nursery.start_soon(run_child, shell("echo $$; trap '' TERM; echo deaf; sleep 300 & sleep 300"), output)
        for output in outputs:
            await output.hear("deaf")
        nursery.cancel_scope.cancel()
    assert sent == [signal.SIGTERM] * 40 + [signal.SIGKILL] * 40
    assert open_files() == before
    assert [output for output in outputs if session_members(int(output.text().split()[0]))] == []


@pytest.mark.slow
async def test_a_flood_does_not_hold_up_others():
    """Others have their turn after each piece that a process writes, also if it never stops."""
    output, most = HeadAndTail(1000), 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_child, shell("yes"), output)
        while output.total < 12_000_000:
            before = output.total
            await trio.lowlevel.checkpoint()
            most = max(most, output.total - before)
        nursery.cancel_scope.cancel()
    assert most <= 2 * CHUNK_BYTES
