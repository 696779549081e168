"""The stream of a run's events: what comes, in which order, to whom, and what is kept when nobody reads."""

from itertools import pairwise

import pytest
import trio
from trio.testing import lockstep_stream_pair, wait_all_tasks_blocked

from hermes_trio.errors import RequestError
from hermes_trio.http.connection import serve_connection
from hermes_trio.http.runs.event_buffer import LONGEST_DELTA, MOST_BYTES, MOST_EVENTS, RunEventBuffer
from hermes_trio.http.runs.events import MessageDelta, QuestionClosedEvent
from hermes_trio.http.runs.run import LONGEST_REASONING, Run
from hermes_trio.http.types import ListenerLimits
from hermes_trio.turns.events import ReasoningDelta
from tests.http.runs.rig import CLARIFY, call, names, open_runs, text


async def test_every_event_names_its_run_its_time_and_its_number(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(call("todo", todos=[]))
        events = await runs.events(run_id)
        assert {event["run_id"] for event in events} == {run_id}
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
        view = await runs.view(run_id)
        assert view["created_at"] <= events[0]["timestamp"] <= events[-1]["timestamp"] == view["updated_at"]


async def test_the_events_tell_of_tools_thoughts_and_words_and_end_with_the_answer(tmp_path, autojump_clock):
    config = {"model": "builtin/echo"}
    async with open_runs(tmp_path, config) as (_, runs):
        events = await runs.events(await runs.start(call("read_file", path="gone.txt")))
        assert names(events) == ["tool.started", "tool.completed", "message.delta", "run.completed"]
        started, completed, *_, end = events
        assert (started["tool"], started["preview"]) == ("read_file", "gone.txt")
        assert (completed["tool"], completed["error"]) == ("read_file", True)
        assert completed["duration"] >= 0
        assert completed["tool_call_id"] == started["tool_call_id"]
        assert end["output"] == text(events)
        assert end["usage"]["total_tokens"] == end["usage"]["input_tokens"] + end["usage"]["output_tokens"]
        thought, *_ = await runs.events(await runs.start("!think It depends."))
        assert (thought["event"], thought["text"]) == ("reasoning.available", "It depends.")


async def test_a_tools_duration_is_measured(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(CLARIFY)
        completed = next(event for event in await runs.events(run_id) if event["event"] == "tool.completed")
        assert completed["duration"] == pytest.approx(100, abs=1)


async def test_the_stream_has_the_head_of_one_and_keeps_alive_in_silence(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        answer = await runs.client.get(f"runs/{await runs.start('!sleep 70')}/events")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text.count(": keepalive\n\n") == 2
    assert answer.text.endswith(": stream closed\n\n")
    assert "\nevent:" not in answer.text


async def test_the_head_comes_before_the_first_event(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!hang")
        with trio.fail_after(1):
            async with runs.stream(run_id):
                pass


async def test_events_come_while_the_run_goes_on(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!tokens 3 1000")
        async with runs.stream(run_id) as stream:
            came = [(event.get("delta"), round(trio.current_time())) async for event in stream]
        moments = [moment for delta, moment in came if delta]
        assert [delta for delta, _ in came if delta] == ["1 ", "2 ", "3 "]
        assert [later - earlier for earlier, later in pairwise(moments)] == [1, 1]


async def test_events_wait_for_a_reader_who_comes_when_all_is_over(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!say hello there")
        await runs.end(run_id)
        assert names(await runs.events(run_id)) == ["message.delta", "run.completed"]


async def test_what_was_read_does_not_come_again_but_the_end_does(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("hello")
        first = await runs.events(run_id)
        assert await runs.events(run_id) == [first[-1]]


async def test_a_second_reader_is_refused_while_the_first_one_reads(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!sleep 5")
        async with runs.stream(run_id) as stream:
            refused = await runs.client.get(f"runs/{run_id}/events")
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "run_events_taken")
            assert [event async for event in stream][-1]["event"] == "run.completed"


async def test_a_reader_may_leave_and_the_next_one_goes_on(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        run_id = await runs.start("!tokens 10 1000")
        async with runs.stream(run_id) as stream:
            early = [await stream.receive() for _ in range(3)]
        await wait_all_tasks_blocked()
        assert (await runs.view(run_id))["status"] == "running"
        await trio.sleep(3.5)
        late = await runs.events(run_id)
        assert text(early) + text(late) == "".join(f"{number} " for number in range(1, 11))
        assert late[-1]["event"] == "run.completed"
        assert gateway.request_errors == []


async def test_a_head_request_takes_no_events(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!say hello")
        await runs.end(run_id)
        head = await runs.client.head(f"runs/{run_id}/events")
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream")
        assert text(await runs.events(run_id)) == "hello"


async def test_a_run_that_nobody_ever_reads_ends_all_the_same_and_keeps_a_bounded_part(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        run_id = await runs.start("!tokens 100000")
        done = await runs.end(run_id)
        assert done["status"] == "completed"
        run = gateway._app._states["ada"].runs.find(run_id)
        assert run.events.size <= MOST_BYTES
        events = await runs.events(run_id)
        assert events[0]["seq"] > 1  # the oldest have been dropped, and that can be seen
        assert done["output"].endswith(text(events))
        assert events[-1]["output"] == done["output"]


async def test_a_reader_that_stalls_holds_up_no_run_and_is_put_off_for_the_next_one(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs), trio.open_nursery() as nursery:
        run_id = await runs.start("!tokens 100 100")
        stalled, server = lockstep_stream_pair()
        nursery.start_soon(serve_connection, server, gateway._app, ListenerLimits(), gateway.request_errors.append)
        key = runs.client.headers["authorization"]
        path = f"/p/ada/v1/runs/{run_id}/events"
        await stalled.send_all(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n\r\n".encode())
        begun = trio.current_time()
        assert (await runs.end(run_id))["status"] == "completed"
        assert trio.current_time() - begun < 11
        assert (await runs.client.get(f"runs/{run_id}/events")).status_code == 409
        await trio.sleep(ListenerLimits().write_stall_seconds)
        assert text(await runs.events(run_id)).split() == [str(number) for number in range(1, 101)]
        assert gateway.request_errors == []


async def test_text_that_nobody_has_read_grows_together_up_to_a_limit(autojump_clock):
    buffer = RunEventBuffer("run_1")
    for _ in range(3):
        buffer.add(MessageDelta(delta="x" * (LONGEST_DELTA // 2)), 1.0)
    assert [len(data) > LONGEST_DELTA for data in await buffer.take()] == [True, False]


async def test_what_was_being_sent_when_the_reader_went_comes_again(autojump_clock):
    buffer = RunEventBuffer("run_1")
    with buffer.read():
        buffer.add(QuestionClosedEvent(question_id="1"), 1.0)
        sent = await buffer.take()
        buffer.add(QuestionClosedEvent(question_id="2"), 1.0)
        unsent = await buffer.take()
    buffer.close()
    with buffer.read():
        assert await buffer.take() == unsent != sent
        assert await buffer.take() == []


async def test_a_buffer_has_one_reader(autojump_clock):
    buffer = RunEventBuffer("run_1")
    with buffer.read(), pytest.raises(RequestError) as refused, buffer.read():
        pass
    assert refused.value.status == 409
    with buffer.read():
        pass


@pytest.mark.parametrize("size", [10, 10_000])
async def test_a_full_buffer_drops_the_oldest(autojump_clock, size):
    buffer = RunEventBuffer("run_1")
    for number in range(2 * MOST_EVENTS):
        buffer.add(QuestionClosedEvent(question_id=f"{number}-{'x' * size}"), 1.0)
    assert buffer.size <= MOST_BYTES
    kept = await buffer.take()
    assert 1 <= len(kept) <= MOST_EVENTS
    assert f'"{2 * MOST_EVENTS - 1}-'.encode() in kept[-1]


async def test_a_long_thought_comes_in_pieces(autojump_clock):
    run = Run("s", "m", 0.0)
    for _ in range(5):
        run.happened([ReasoningDelta("x" * (LONGEST_REASONING // 2))], 1.0)
    run.ended(None, 2.0)
    assert len(await run.events.take()) == 3
