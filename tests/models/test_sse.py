"""Server-sent events come out the same, however the network cut them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import ModelError
from hermes_trio.models.sse import SseDecoder, SseEvent


def decode(*chunks: bytes) -> list[SseEvent]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed_events(chunk)]
    return events + decoder.finish()


def payloads(*chunks: bytes) -> list[bytes]:
    return [event.data for event in decode(*chunks)]


def test_feed_gives_the_payloads_of_complete_events():
    decoder = SseDecoder()
    assert decoder.feed(b'data: {"a":1}\n\ndata: [DO') == [b'{"a":1}']
    assert decoder.feed(b"NE]\n\n") == [b"[DONE]"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_is_understood(end):
    assert payloads(b"data: one" + end + end + b"data: two" + end + end) == [b"one", b"two"]


def test_a_line_end_of_two_characters_may_be_cut_in_two():
    assert payloads(b"data: one\r", b"\n\r", b"\ndata: two\r\n\r\n") == [b"one", b"two"]


def test_the_space_after_the_colon_is_optional_and_only_one_is_dropped():
    assert payloads(b"data:one\n\ndata:  two\n\n") == [b"one", b" two"]


def test_comments_and_unknown_fields_are_ignored():
    assert payloads(b": OPENROUTER PROCESSING\n\nid: 7\nretry: 10\ndata: x\nnonsense\n\n") == [b"x"]


def test_data_lines_of_one_event_are_joined():
    assert payloads(b"data: {\ndata: }\n\n") == [b"{\n}"]


def test_an_event_has_the_name_of_its_own_event_field_only():
    assert decode(b"event: error\ndata: x\n\ndata: y\n\n") == [SseEvent(b"x", "error"), SseEvent(b"y", "")]


def test_an_event_without_data_is_dropped():
    assert payloads(b"event: ping\n\ndata:\n\ndata: x\n\n") == [b"x"]


def test_a_byte_order_mark_is_skipped_at_the_start_only():
    assert payloads(b"\xef\xbb", b"\xbfdata: x\n\n") == [b"x"]
    assert payloads(b"data: x\n\n\xef\xbb\xbfdata: y\n\n") == [b"x"]


def test_finish_delivers_what_the_end_cut_off():
    assert payloads(b"data: x\n\ndata: [DONE]") == [b"x", b"[DONE]"]


def test_an_event_over_the_bound_is_refused_even_before_it_ends():
    decoder = SseDecoder(max_event=1000)
    assert decoder.feed(b"data: " + b"x" * 900 + b"\n\n" + b"data: " + b"x" * 900) == [b"x" * 900]
    with pytest.raises(ModelError, match="longer than 1000 bytes") as caught:
        decoder.feed(b"x" * 200)
    assert caught.value.code == "model_bad_response"


def test_many_short_data_lines_count_together():
    decoder = SseDecoder(max_event=1000)
    with pytest.raises(ModelError):
        decoder.feed(b"data: xxxx\n" * 200)


def test_a_long_event_in_many_pieces_takes_linear_time():
    decoder = SseDecoder()
    begun = time.perf_counter()
    decoder.feed(b"data: ")
    for _ in range(8_000):
        decoder.feed(b"x" * 1_000)
    assert len(decoder.feed(b"\n\n")[0]) == 8_000_000
    assert time.perf_counter() - begun < 2.0  # quadratic: 32 GB to copy


LINES = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data:",
        b"data",
        b"data:  {}",
        b": comment",
        b"event: e",
        b"event:",
        b"id: 1",
        b"",
        b"x",
        b"\xc3\xa9",
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(STREAMS | st.binary(max_size=40), st.data())
def test_any_split_of_a_stream_gives_the_same_events(stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    ends = [*cuts, len(stream)]
    pieces = [stream[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    assert decode(*pieces) == decode(stream)


@given(STREAMS)
def test_byte_by_byte_is_the_same_as_the_whole(stream):
    assert decode(*(stream[at : at + 1] for at in range(len(stream)))) == decode(stream)


@given(STREAMS)
def test_the_events_are_those_of_a_plain_reading_of_the_standard(stream):
    assert payloads(stream) == plain_reading(stream)


def plain_reading(stream: bytes) -> list[bytes]:
    text = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events = []
    for block in text.split(b"\n\n"):
        values = []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            if field == b"data":
                values.append(value[1:] if value.startswith(b" ") else value)
        if b"\n".join(values):
            events.append(b"\n".join(values))
    return events
