from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
import trio.testing

from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import LINES_PER_SINK, LogWriter, make_gateway_logger, open_log, open_log_writer
from hermes_trio.io.log_console import Console
from hermes_trio.io.workers import InlineWorkers, ThreadWorkers
from tests.rig import canary

START = 1_790_000_000.316  # 2026-09-21 14:13:20,316 UTC


@dataclass(frozen=True)
class Paths:
    logs: Path


@dataclass(frozen=True)
class Settings:
    level: str = "INFO"
    max_size_mb: float = 5.0
    backup_count: int = 3


def paths(home: Path) -> Paths:
    return Paths(home / "logs")


def lines(home: Path, name: str = "agent.log") -> list[str]:
    file = home / "logs" / name
    return file.read_text().splitlines() if file.exists() else []


def open_inline_writer(console: Console | None = None):
    return open_log_writer(InlineWorkers(), FixedClock(START), console)


class StuckWorkers:
    """Workers that never get round to the work until they are released."""

    def __init__(self) -> None:
        self.released = trio.Event()

    async def run(self, fn, *args, limiter):
        async with limiter:
            await self.released.wait()
            return fn(*args)


async def test_a_line_has_the_form_of_hermes_log_files(tmp_path, autojump_clock):
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
        log = log.bind(profile="coder", generation=3)
        log.bind(session="s-1", turn="4f1c", component="gateway.turn").info("inbound message", size=3, kind="a b")
        log.info("profile serves")
    assert lines(tmp_path) == [
        "2026-09-21 14:13:20,316 INFO [s-1] gateway.turn: inbound message size=3 kind='a b' profile=coder#3 turn=4f1c",
        "2026-09-21 14:13:20,316 INFO gateway: profile serves profile=coder#3",
    ]


async def test_lines_are_written_within_the_gathering_time(tmp_path, autojump_clock):
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
        log.info("one")
        log.info("two")
        assert lines(tmp_path) == []
        await trio.sleep(0.051)
        assert len(lines(tmp_path)) == 2
        log.info("three")
        await trio.sleep(0.051)
        assert len(lines(tmp_path)) == 3


async def test_nothing_is_created_before_the_first_line_and_only_the_owner_can_read_it(tmp_path, autojump_clock):
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
        log.debug("below the level")
        await trio.sleep(1)
        assert list(tmp_path.iterdir()) == []
        log.info("hello")
        await trio.sleep(1)
        assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "logs" / "agent.log").stat().st_mode & 0o777 == 0o600


async def test_an_idle_writer_does_not_wake_up(tmp_path, autojump_clock):
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
        log.info("hello")
        await trio.sleep(1)
        before = trio.lowlevel.current_statistics().seconds_to_next_deadline
        await trio.testing.wait_all_tasks_blocked()
        assert before == trio.lowlevel.current_statistics().seconds_to_next_deadline == float("inf")


async def test_each_file_gets_the_lines_that_are_meant_for_it(tmp_path, autojump_clock):
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings("DEBUG"), (), writer) as log:
        log.bind(component="agent.prompt").info("a")
        log.bind(component="agent.prompt").warning("b")
        log.bind(component="gateway.turn").debug("c")
        log.bind(component="http.app").info("d")
        log.bind(component="tools").error("e")

    def said(name: str) -> list[str]:
        return [line.split(": ")[1].split()[0] for line in lines(tmp_path, name)]

    assert said("agent.log") == ["a", "b", "c", "d", "e"]
    assert said("errors.log") == ["b", "e"]
    assert said("gateway.log") == ["d"]


async def test_no_line_of_one_profile_reaches_another_profiles_files(tmp_path, autojump_clock):
    names = ("ada", "bob")
    for name in names:
        (tmp_path / name).mkdir()
    async with (
        open_inline_writer() as writer,
        open_log(paths(tmp_path / "ada"), Settings(), (), writer) as ada,
        open_log(paths(tmp_path / "bob"), Settings(), (), writer) as bob,
    ):
        for number in range(20):
            ada.error(f"marker-of-ada {number}")
            bob.error(f"marker-of-bob {number}")
            await trio.sleep(0.01)
    for name, other in (names, names[::-1]):
        for file in (tmp_path / name / "logs").iterdir():
            text = file.read_text()
            assert text.count(f"marker-of-{name}") == 20
            assert f"marker-of-{other}" not in text


async def test_secret_values_never_reach_a_file_or_the_console(tmp_path, autojump_clock):
    secret, screen = canary("coder", "OPENAI_API_KEY"), io.StringIO()
    multi_line = "-----BEGIN KEY-----\nabcdef\n-----END KEY-----"
    async with (
        open_inline_writer(Console(screen, "DEBUG")) as writer,
        open_log(paths(tmp_path), Settings(), (secret, multi_line), writer) as log,
    ):
        log.error(f"refused {secret}!", header=f"x {secret}")
        log.error(f"key is {multi_line}")
        log.error("x" * 8180 + secret)
    written = (tmp_path / "logs" / "agent.log").read_text() + screen.getvalue()
    assert "refused [redacted]! header='x [redacted]'" in written
    assert "CANARY" not in written
    assert "abcdef" not in written


async def test_a_message_cannot_forge_a_line(tmp_path, autojump_clock):
    forged = "2026-09-21 14:13:20,316 ERROR gateway: all is lost"
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
        log.bind(session=f"s\n{forged}").info(f"hi\n{forged}\r{forged}\u2028{forged}\x1b[2J\n", name=f"x\n{forged}")
    written = lines(tmp_path)
    assert [line for line in written if line.startswith("2026")] == written[:1]
    assert not any("\x1b" in line or "\r" in line for line in written)


async def test_what_was_logged_before_the_end_is_written_at_the_end(tmp_path):
    async with open_log_writer(ThreadWorkers(), FixedClock(START)) as writer:
        async with open_log(paths(tmp_path), Settings(), (), writer) as log:
            log.info("last words")
        assert len(lines(tmp_path)) == 1


async def test_what_was_logged_before_a_cancellation_is_written(tmp_path, autojump_clock):
    with trio.CancelScope() as scope:
        async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
            log.info("last words")
            scope.cancel()
            await trio.sleep(1)
    assert len(lines(tmp_path)) == 1


async def test_a_late_line_is_counted_and_does_not_bring_back_a_removed_home(tmp_path, autojump_clock):
    home = tmp_path / "gone"
    home.mkdir()
    async with open_inline_writer() as writer:
        async with open_log(paths(home), Settings(), (), writer) as log:
            log.info("hello")
        shutil.rmtree(home)
        log.info("too late")
        await trio.sleep(1)
        assert writer.late == 1
    assert not home.exists()


async def test_a_home_removed_while_its_log_is_open_stays_removed(tmp_path, autojump_clock):
    home = tmp_path / "gone"
    home.mkdir()
    async with open_inline_writer() as writer, open_log(paths(home), Settings(), (), writer) as log:
        log.info("hello")
        await trio.sleep(1)
        shutil.rmtree(home)
        log.info("where am I")
    assert not home.exists()


async def test_a_file_that_cannot_be_written_is_told_once_and_tried_again(tmp_path, autojump_clock):
    screen = io.StringIO()
    (tmp_path / "logs").write_text("in the way")
    async with (
        open_inline_writer(Console(screen, "ERROR")) as writer,
        open_log(paths(tmp_path), Settings(), (), writer) as log,
    ):
        for _ in range(3):
            log.bind(component="tools").info("hello")
            await trio.sleep(1)
        assert screen.getvalue().count("cannot write") == 1
        (tmp_path / "logs").unlink()
        log.bind(component="tools").info("hello again")
    assert len(lines(tmp_path)) == 1
    assert "about 3 lines are missing" in screen.getvalue()


async def test_a_flood_loses_lines_of_its_own_profile_only_and_says_how_many(tmp_path, autojump_clock):
    for name in ("noisy", "quiet"):
        (tmp_path / name).mkdir()
    async with (
        open_inline_writer() as writer,
        open_log(paths(tmp_path / "noisy"), Settings(), (), writer) as noisy,
        open_log(paths(tmp_path / "quiet"), Settings(), (), writer) as quiet,
    ):
        for _ in range(LINES_PER_SINK + 7):
            noisy.info("noise")
        quiet.info("hello")
        await trio.sleep(1)
        noisy.info("calm again")
    written = lines(tmp_path / "noisy")
    assert len(written) == LINES_PER_SINK + 2
    assert "7 log lines were dropped" in written[-2]
    assert len(lines(tmp_path / "quiet")) == 1


async def test_a_hanging_disk_holds_up_nobody_who_logs_and_the_end_only_for_a_while(tmp_path, autojump_clock):
    workers = StuckWorkers()
    async with trio.open_nursery() as nursery:
        writer = LogWriter(workers, FixedClock(START), None)
        nursery.start_soon(writer.serve)
        async with open_log(paths(tmp_path), Settings(), (), writer) as log:
            log.info("hello")
            await trio.sleep(1)
            begun = trio.current_time()
            log.info("still here")
            assert trio.current_time() == begun
        assert trio.current_time() - begun == pytest.approx(5.0)
        workers.released.set()
        await trio.testing.wait_all_tasks_blocked()
        assert list(tmp_path.iterdir()) == [], "an abandoned log touches nothing"
        nursery.cancel_scope.cancel()


async def test_the_gateways_own_lines_go_to_the_console_and_the_root_homes_gateway_log(tmp_path, autojump_clock):
    screen = io.StringIO()
    async with open_inline_writer(Console(screen, "INFO")) as writer:
        log = make_gateway_logger(writer, paths(tmp_path), Settings())
        log.info("listening", port=8642)
        log.debug("nobody wants to know")
    assert screen.getvalue() == "14:13:20 INFO - listening port=8642\n"
    assert lines(tmp_path, "gateway.log") == ["2026-09-21 14:13:20,316 INFO gateway: listening port=8642 profile=-"]
    assert lines(tmp_path, "agent.log") == []


async def test_the_console_may_show_more_than_the_files(tmp_path, autojump_clock):
    screen = io.StringIO()
    async with (
        open_inline_writer(Console(screen, "DEBUG")) as writer,
        open_log(paths(tmp_path), Settings("ERROR"), (), writer) as log,
    ):
        log.debug("detail")
    assert "detail" in screen.getvalue()
    assert lines(tmp_path) == []


async def test_an_error_inside_comes_out_as_itself(autojump_clock):
    async def fail() -> None:
        async with open_inline_writer():
            await trio.sleep(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def test_no_file_stays_open_between_batches(tmp_path, autojump_clock):
    async with open_inline_writer() as writer, open_log(paths(tmp_path), Settings(), (), writer) as log:
        before = len(list(Path("/proc/self/fd").iterdir()))
        log.error("hello")
        await trio.sleep(1)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
