from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.log_files import RotatingFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "agent.log"


def content_of(path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_a_full_file_becomes_number_one_and_the_oldest_is_dropped(path):
    file = RotatingFile(path, 10, 2)
    for number in range(8):
        file.append([b"line%d\n" % number])
    assert content_of(path) == b"line7\n"
    assert content_of(path.with_name("agent.log.1")) == b"line6\n"
    assert content_of(path.with_name("agent.log.2")) == b"line5\n"
    assert len(list(path.parent.iterdir())) == 3


def test_an_existing_file_is_continued(path):
    path.parent.mkdir()
    path.write_bytes(b"old\n")
    RotatingFile(path, 100, 3).append([b"new\n"])
    assert content_of(path) == b"old\nnew\n"


@pytest.mark.parametrize(("maximum", "backups"), [(0, 3), (10, 0)])
def test_without_a_size_or_without_backups_nothing_is_rotated(path, maximum, backups):
    file = RotatingFile(path, maximum, backups)
    file.append([b"x" * 50 + b"\n"] * 3)
    assert [entry.name for entry in path.parent.iterdir()] == ["agent.log"]
    assert len(content_of(path)) == 153


def test_a_line_longer_than_a_file_gets_a_file_of_its_own(path):
    RotatingFile(path, 10, 2).append([b"a\n", b"x" * 50 + b"\n", b"b\n"])
    assert content_of(path) == b"b\n"
    assert len(content_of(path.with_name("agent.log.1"))) == 51


@given(st.lists(st.integers(1, 30), max_size=30), st.lists(st.integers(1, 10), max_size=5))
def test_rotation_loses_only_whole_files_and_keeps_the_order(tmp_path_factory, sizes, cuts):
    path = tmp_path_factory.mktemp("home") / "logs" / "agent.log"
    lines = [b"%04d" % number + b"." * size + b"\n" for number, size in enumerate(sizes)]
    file, rest = RotatingFile(path, 64, 100), lines
    for cut in cuts:
        file.append(rest[:cut])
        rest = rest[cut:]
    file.append(rest)
    names = [f"agent.log.{number}" for number in range(100, 0, -1)] + ["agent.log"]
    assert b"".join(content_of(path.with_name(name)) for name in names) == b"".join(lines)
    assert all(entry.stat().st_size <= 64 for entry in path.parent.iterdir()) if path.parent.exists() else True


def test_a_named_pipe_in_the_place_of_the_file_is_an_error_rather_than_a_hang(path):
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):
        RotatingFile(path, 100, 3).append([b"hello\n"])


def test_a_line_after_a_torn_one_starts_on_a_new_line(path, monkeypatch):
    file, write = RotatingFile(path, 0, 0), os.write
    budget = [3]

    def full_disk(descriptor, data):
        if not budget[0]:
            raise OSError(28, "No space left on device")
        written = write(descriptor, bytes(data[: budget[0]]))
        budget[0] -= written
        return written

    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(OSError, match="No space"):
        file.append([b"first\n"])
    budget[0] = 100
    file.append([b"second\n"])
    assert content_of(path) == b"fir\nsecond\n"
