from __future__ import annotations

import os

import pytest
import trio

from hermes_trio.errors import HomeError
from hermes_trio.io.files import MAXIMUM_BYTES, FileCache
from hermes_trio.io.workers import InlineWorkers, ThreadWorkers


class Parser:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, content: bytes | None) -> str | None:
        self.calls += 1
        if content == b"broken":
            raise ValueError("broken")
        return None if content is None else content.decode()


class SlowWorkers(InlineWorkers):
    async def run(self, fn, *args, limiter):
        await trio.sleep(0.1)
        return await super().run(fn, *args, limiter=limiter)


@pytest.fixture
def parse() -> Parser:
    return Parser()


@pytest.fixture
def cache() -> FileCache:
    return FileCache(InlineWorkers(), trio.CapacityLimiter(2))


async def test_an_unchanged_file_is_parsed_once(tmp_path, cache, parse, autojump_clock):
    file = tmp_path / "a"
    file.write_text("one")
    for _ in range(5):
        assert await cache.get(file, parse) == "one"
        await trio.sleep(2)
    assert parse.calls == 1


async def test_a_changed_file_is_noticed_after_a_second(tmp_path, cache, parse, autojump_clock):
    file = tmp_path / "a"
    file.write_text("one")
    assert await cache.get(file, parse) == "one"
    file.write_text("three")
    assert await cache.get(file, parse) == "one", "within a second the disk is not asked"
    await trio.sleep(1)
    assert await cache.get(file, parse) == "three"


async def test_a_file_replaced_by_one_of_the_same_size_and_time_is_noticed(tmp_path, cache, parse, autojump_clock):
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("one")
    other.write_text("two")
    os.utime(other, ns=(file.stat().st_mtime_ns,) * 2)
    assert await cache.get(file, parse) == "one"
    os.utime(other, ns=(file.stat().st_mtime_ns,) * 2)
    other.replace(file)
    await trio.sleep(1)
    assert await cache.get(file, parse) == "two"


async def test_a_missing_file_is_parsed_as_none_and_noticed_when_it_comes(tmp_path, cache, parse, autojump_clock):
    file = tmp_path / "folder" / "a"
    assert await cache.get(file, parse) is None
    await trio.sleep(1)
    assert await cache.get(file, parse) is None
    assert parse.calls == 1
    file.parent.mkdir()
    file.write_text("one")
    await trio.sleep(1)
    assert await cache.get(file, parse) == "one"
    file.unlink()
    await trio.sleep(1)
    assert await cache.get(file, parse) is None


async def test_a_parse_error_comes_through_and_is_not_remembered(tmp_path, cache, parse, autojump_clock):
    file = tmp_path / "a"
    file.write_text("broken")
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            await cache.get(file, parse)
    file.write_text("mended")
    assert await cache.get(file, parse) == "mended"


async def test_a_file_that_cannot_be_read_is_a_home_error_with_its_path(tmp_path, cache, parse, autojump_clock):
    with pytest.raises(HomeError) as caught:
        await cache.get(tmp_path, parse)
    assert caught.value.code == "file_unreadable"
    assert str(tmp_path) in str(caught.value)


async def test_a_named_pipe_is_refused_rather_than_waited_for(tmp_path, cache, parse, autojump_clock):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HomeError, match="regular file"):
        await cache.get(tmp_path / "pipe", parse)


async def test_a_huge_file_is_refused(tmp_path, cache, parse, autojump_clock):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAXIMUM_BYTES + 1)
    with pytest.raises(HomeError, match="too large"):
        await cache.get(tmp_path / "huge", parse)


async def test_two_parsers_of_one_file_do_not_mix(tmp_path, cache, parse, autojump_clock):
    (tmp_path / "a").write_text("one")
    assert await cache.get(tmp_path / "a", parse) == "one"
    assert await cache.get(tmp_path / "a", len_of) == 3


def len_of(content: bytes | None) -> int:
    return len(content or b"")


async def test_callers_that_come_together_share_one_look(tmp_path, autojump_clock, parse):
    (tmp_path / "a").write_text("one")
    cache = FileCache(SlowWorkers(), trio.CapacityLimiter(2))
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(cache.get, tmp_path / "a", parse)
    assert parse.calls == 1
    assert trio.current_time() == pytest.approx(0.1)


async def test_a_cancelled_look_leaves_the_file_readable_for_the_next(tmp_path, autojump_clock, parse):
    (tmp_path / "a").write_text("one")
    cache = FileCache(SlowWorkers(), trio.CapacityLimiter(2))
    with trio.move_on_after(0.05):
        await cache.get(tmp_path / "a", parse)
    assert await cache.get(tmp_path / "a", parse) == "one"


async def test_a_group_is_parsed_together_again_when_one_of_its_files_changes(tmp_path, cache, autojump_clock):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    assert await cache.get_group((one, two), as_they_are) == (b"1", None)
    first = await cache.get_group((one, two), as_they_are)
    await trio.sleep(1)
    assert await cache.get_group((one, two), as_they_are) is first
    two.write_text("2")
    await trio.sleep(1)
    assert await cache.get_group((one, two), as_they_are) == (b"1", b"2")


def as_they_are(contents: tuple[bytes | None, ...]) -> tuple[bytes | None, ...]:
    return contents


async def test_a_derived_value_is_built_again_only_for_other_parts(cache, autojump_clock):
    built: list[object] = []

    def derive(part: object) -> int:
        return cache.derive("name", (part,), lambda: built.append(part) or len(built))

    first, second = object(), object()
    assert [derive(first), derive(first), derive(second), derive(second)] == [1, 1, 2, 2]


async def test_reading_in_a_real_thread(tmp_path, parse):
    (tmp_path / "a").write_text("one")
    assert await FileCache(ThreadWorkers(), trio.CapacityLimiter(1)).get(tmp_path / "a", parse) == "one"


async def test_who_has_changed_a_file_can_ask_for_another_look(tmp_path, autojump_clock):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    cache = FileCache(InlineWorkers(), trio.CapacityLimiter(1))
    assert await cache.get(file, bytes_or_none) == b"old"
    file.write_bytes(b"newer")
    assert await cache.get(file, bytes_or_none) == b"old"
    cache.look_again()
    assert await cache.get(file, bytes_or_none) == b"newer"


def bytes_or_none(content: bytes | None) -> bytes | None:
    return content
