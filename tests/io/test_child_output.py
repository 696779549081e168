"""Bounded buffers for the output of a child process."""

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.child_output import HeadAndTail, Tail


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=30), st.integers(2, 200))
def test_head_and_tail_keeps_both_ends_and_counts_the_middle(parts, limit):
    output = HeadAndTail(limit)
    for part in parts:
        output.feed(part)
    whole, half = b"".join(parts), limit // 2
    assert output.total == len(whole)
    assert output.dropped == max(len(whole) - 2 * half, 0)
    if output.dropped:
        head, tail = whole[:half].decode(errors="replace"), whole[-half:].decode(errors="replace")
        assert output.text() == f"{head}\n... [{output.dropped} bytes left out] ...\n{tail}"
    else:
        assert output.text() == whole.decode(errors="replace")


def test_head_and_tail_holds_no_more_than_it_shows_for_long():
    output = HeadAndTail(1000)
    for _ in range(1000):
        output.feed(b"x" * 10_000)
    assert len(output._tail) < 100_000


@given(st.lists(st.text(min_size=1, max_size=20), max_size=40), st.integers(1, 60), st.integers(1, 7))
def test_tail_keeps_the_last_characters_however_they_are_cut(parts, limit, size):
    output = Tail(limit)
    data = "".join(parts).encode("utf-8", "replace")
    for start in range(0, len(data), size):
        output.feed(data[start : start + size])
    whole = data.decode()
    assert output.text() == whole[-limit:]
    assert output.total == len(whole)
    assert output.dropped == max(len(whole) - limit, 0)


@given(st.lists(st.text("ab", min_size=1, max_size=20), max_size=20), st.integers(1, 60), st.integers(0, 200))
def test_tail_gives_what_came_since_a_mark(parts, limit, mark):
    output = Tail(limit)
    for part in parts:
        output.feed(part.encode())
    whole = "".join(parts)
    kept_from = max(len(whole) - limit, 0)
    assert output.since(mark) == whole[max(mark, kept_from) :]


def test_tail_stays_small():
    output = Tail(1000)
    for _ in range(5000):
        output.feed(b"x" * 100)
    assert sum(map(len, output._parts)) < 100_000
