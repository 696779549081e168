"""Retries, fallbacks, deadlines and breaks of a model's stream."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
import trio
import trio.testing

from hermes_trio.errors import ModelError, ScopeClosed
from hermes_trio.home.config import FallbackConfig, ModelConfig, ProviderConfig
from hermes_trio.models.events import Finish, TextDelta
from hermes_trio.models.stream import open_stream
from tests.models.rig import (
    DONE,
    Handler,
    Piece,
    Pieces,
    answering,
    ask,
    chunk,
    collect,
    collect_until_failure,
    make_scope,
    sse,
)

GOOD = [TextDelta("Hi"), Finish("stop")]
LOST = httpx.ReadError("connection lost")


def streaming(*pieces: Piece) -> Handler:
    return lambda _request: httpx.Response(200, stream=Pieces(pieces))


def in_turn(*handlers: Handler | Exception) -> Handler:
    """A provider that behaves differently at each request."""
    left = list(handlers)

    def answer(request: httpx.Request) -> httpx.Response:
        handler = left.pop(0)
        if isinstance(handler, Exception):
            raise handler
        return handler(request)

    return answer


def refusing(status: int, **headers: str) -> Handler:
    return lambda _request: httpx.Response(status, headers=headers, json={"error": {"message": "no"}})


good = answering(chunk("Hi", "stop"), DONE)


async def fail(scope, request=None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await collect(scope, request)
    return caught.value


# Batches


async def test_what_one_read_brought_comes_as_one_batch():
    pieces = [sse(chunk("a"), chunk("b")), sse(chunk("c")), sse(chunk("d", "stop"), DONE)]
    async with open_stream(make_scope(handler=streaming(*pieces)), ask()) as stream:
        batches = [list(batch) async for batch in stream]
    assert batches == [
        [TextDelta("a"), TextDelta("b")],
        [TextDelta("c")],
        [TextDelta("d"), Finish("stop")],
    ]
    assert stream.attempts == 1
    assert stream.target.model == "small"


async def test_reads_without_events_make_no_empty_batches():
    pieces = [b": comment\n\n", sse({"choices": []}), sse(chunk("a", "stop")), sse(DONE)]
    async with open_stream(make_scope(handler=streaming(*pieces)), ask()) as stream:
        assert [list(batch) async for batch in stream] == [[TextDelta("a")], [Finish("stop")]]


async def test_the_body_is_read_to_its_end_so_that_the_connection_can_serve_again():
    body = Pieces([sse(chunk("Hi", "stop"), DONE), b"\n"])
    assert await collect(make_scope(handler=lambda _request: httpx.Response(200, stream=body))) == GOOD
    assert body.exhausted
    assert body.closed


# Retries


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
async def test_a_passing_failure_is_retried(autojump_clock, status):
    scope = make_scope(handler=in_turn(refusing(status), refusing(status), good))
    assert await collect(scope) == GOOD
    assert trio.current_time() == pytest.approx(0.75 + 1.5)
    assert len(scope.log.lines) == 2


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (httpx.ConnectError("refused"), "model_unreachable"),
        (httpx.ConnectTimeout("slow"), "model_unreachable"),
        (httpx.ReadError("reset"), "model_unreachable"),
        (httpx.RemoteProtocolError("garbage"), "model_unreachable"),
        (httpx.WriteTimeout("stuck"), "model_timeout"),
    ],
)
async def test_a_failing_connection_is_retried_and_has_a_code(autojump_clock, exception, code):
    assert await collect(make_scope(handler=in_turn(exception, good))) == GOOD
    error = await fail(make_scope(handler=in_turn(exception, exception), attempts=2))
    assert (error.code, error.retryable, error.status, error.partial) == (code, True, None, False)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_a_lasting_failure_is_not_retried(status):
    scope = make_scope(handler=in_turn(refusing(status)))
    error = await fail(scope)
    assert (error.status, error.retryable) == (status, False)
    assert scope.log.lines == []


async def test_retry_after_is_waited_for(autojump_clock):
    scope = make_scope(handler=in_turn(refusing(429, **{"Retry-After": "7"}), good))
    assert await collect(scope) == GOOD
    assert trio.current_time() == pytest.approx(7)


async def test_retry_after_as_a_date_is_waited_for(autojump_clock):
    date = "Mon, 21 Sep 2026 14:13:50 GMT"  # the rig's clock stands 30 s before
    assert await collect(make_scope(handler=in_turn(refusing(503, **{"Retry-After": date}), good))) == GOOD
    assert trio.current_time() == pytest.approx(30)


async def test_a_provider_that_asks_for_minutes_is_given_up_at_once(autojump_clock):
    error = await fail(make_scope(handler=in_turn(refusing(429, **{"Retry-After": "600"}))))
    assert (error.code, error.retry_after) == ("model_rate_limited", 600.0)
    assert trio.current_time() == 0


async def test_an_error_in_the_stream_before_any_text_is_retried(autojump_clock):
    early = answering({"error": {"message": "busy", "code": 502}})
    assert await collect(make_scope(handler=in_turn(early, good))) == GOOD


async def test_a_stream_that_breaks_before_any_text_is_retried(autojump_clock):
    assert await collect(make_scope(handler=in_turn(streaming(sse(chunk("")), LOST), streaming(), good))) == GOOD


async def test_reasoning_alone_does_not_forbid_a_retry(autojump_clock):
    thinking = sse({"choices": [{"delta": {"reasoning": "hm"}}]})
    events = await collect(make_scope(handler=in_turn(streaming(thinking, LOST), good)))
    assert events[1:] == GOOD


# Breaks after text


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        ([LOST], "model_interrupted"),
        ([httpx.RemoteProtocolError("incomplete chunked read")], "model_interrupted"),
        ([], "model_interrupted"),
        ([b"data: {oops\n\n"], "model_bad_response"),
        ([sse({"error": {"message": "busy", "code": 529}})], "model_overloaded"),
    ],
)
async def test_a_break_after_text_is_never_retried(tail, code):
    scope = make_scope(handler=in_turn(streaming(sse(chunk("Hi")), *tail)), fallbacks=(FALLBACK,))
    said, error = await collect_until_failure(scope, ask())
    assert said == [TextDelta("Hi")]
    assert (error.code, error.partial) == (code, True)
    assert scope.log.lines == []


async def test_a_break_after_a_tool_call_is_never_retried():
    call = {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "rm"}}]}}]}
    error = await fail(make_scope(handler=in_turn(streaming(sse(call), LOST))))
    assert (error.code, error.partial) == ("model_interrupted", True)


async def test_a_break_after_the_finish_reason_is_no_failure():
    assert await collect(make_scope(handler=streaming(sse(chunk("Hi", "stop")), LOST))) == GOOD


async def test_a_break_after_the_end_mark_is_no_failure():
    assert await collect(make_scope(handler=streaming(sse(chunk("Hi"), DONE), LOST))) == GOOD


async def test_a_stream_ends_after_its_failure():
    scope = make_scope(handler=in_turn(refusing(401)))
    async with open_stream(scope, ask()) as stream:
        with pytest.raises(ModelError):
            await stream.__anext__()
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()


# Fallbacks

FALLBACK = FallbackConfig("custom", "other", "https://other.test/v1", api_key="key-of-other")


def by_host(main: Handler, other: Handler) -> Handler:
    return lambda request: (other if request.url.host == "other.test" else main)(request)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500, 503])
async def test_the_fallback_answers_for_a_model_that_cannot(autojump_clock, status):
    scope = make_scope(handler=by_host(refusing(status), good), fallbacks=(FALLBACK,))
    async with open_stream(scope, ask()) as stream:
        events = [event async for batch in stream for event in batch]
    assert events == GOOD
    assert stream.target.model == "other"
    assert "falling back to custom other at other.test" in scope.log.lines[-1]


async def test_a_fallback_gets_its_own_key_and_never_the_main_one():
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["authorization"])
        return refusing(401)(request)

    await fail(make_scope(handler=answer, fallbacks=(FALLBACK,)))
    assert keys == ["Bearer sk-very-secret-key", "Bearer key-of-other"]


async def test_a_bad_request_is_not_tried_elsewhere():
    error = await fail(make_scope(handler=by_host(refusing(400), good), fallbacks=(FALLBACK,)))
    assert error.code == "model_bad_request"


async def test_the_fallback_has_attempts_of_its_own(autojump_clock):
    other = in_turn(refusing(500), good)
    scope = make_scope(handler=by_host(refusing(500), other), fallbacks=(FALLBACK,), attempts=2)
    async with open_stream(scope, ask()) as stream:
        assert [event async for batch in stream for event in batch] == GOOD
    assert stream.attempts == 4


async def test_an_impatient_fallback_beats_waiting_for_minutes(autojump_clock):
    scope = make_scope(handler=by_host(refusing(429, **{"Retry-After": "600"}), good), fallbacks=(FALLBACK,))
    assert await collect(scope) == GOOD
    assert trio.current_time() == 0


async def test_when_all_fail_the_last_error_counts(autojump_clock):
    error = await fail(make_scope(handler=by_host(refusing(500), refusing(403)), fallbacks=(FALLBACK,)))
    assert (error.status, "other.test" in str(error)) == (403, True)


# Deadlines

HASTY = ProviderConfig(
    "mine", "mine", base_url="https://models.test/v1", request_timeout_seconds=20.0, stale_timeout_seconds=5.0
)


def hasty(handler: Handler, attempts: int = 1):
    return make_scope(ModelConfig(name="m", provider="mine"), handler, providers=(HASTY,), attempts=attempts)


async def hang(_request: httpx.Request) -> httpx.Response:
    await trio.sleep_forever()
    raise AssertionError


async def test_a_provider_that_never_answers_times_out(autojump_clock):
    error = await fail(hasty(hang))
    assert (error.code, error.retryable, error.partial) == ("model_timeout", True, False)
    assert "no token within 20 s" in str(error)
    assert trio.current_time() == 20


async def test_by_default_the_first_token_may_take_two_minutes(autojump_clock):
    await fail(make_scope(handler=hang, attempts=1))
    assert trio.current_time() == 120


async def test_neither_comments_nor_empty_chunks_put_off_the_first_token_s_deadline(autojump_clock):
    pieces = [piece for _ in range(20) for piece in (3.0, b": wait\n\n", sse(chunk("")))]
    await fail(hasty(streaming(*pieces)))
    assert trio.current_time() == 20


async def test_silence_between_tokens_has_its_own_deadline(autojump_clock):
    error = await fail(hasty(streaming(4.0, sse(chunk("Hi")), 4.0, sse(chunk("!")), 60.0)))
    assert (error.code, error.partial) == ("model_timeout", True)
    assert trio.current_time() == 4 + 4 + 5


async def test_a_slow_steady_stream_is_never_too_late(autojump_clock):
    pieces = [piece for _ in range(50) for piece in (4.5, sse(chunk("x")))]
    events = await collect(hasty(streaming(*pieces, sse(chunk(None, "stop"), DONE))))
    assert len(events) == 51
    assert trio.current_time() == pytest.approx(225)


async def test_comments_between_tokens_are_no_tokens(autojump_clock):
    comments = [piece for _ in range(20) for piece in (1.0, b": keepalive\n\n")]
    await fail(hasty(streaming(sse(chunk("Hi")), *comments)))
    assert trio.current_time() == 5


async def test_reasoning_is_progress(autojump_clock):
    thinking = sse({"choices": [{"delta": {"reasoning": "hm"}}]})
    pieces = [piece for _ in range(10) for piece in (4.5, thinking)]
    events = await collect(hasty(streaming(*pieces, good_bytes())))
    assert events[-2:] == GOOD


def good_bytes() -> bytes:
    return sse(chunk("Hi", "stop"), DONE)


async def test_a_slow_reader_does_not_use_up_the_provider_s_time(autojump_clock):
    async with open_stream(hasty(streaming(sse(chunk("a")), sse(chunk("b")), good_bytes())), ask()) as stream:
        async for _batch in stream:
            await trio.sleep(1000)


async def test_a_timeout_is_retried(autojump_clock):
    left = [hang, good]

    async def answer(request: httpx.Request) -> httpx.Response:
        handler = left.pop(0)
        return await hang(request) if handler is hang else good(request)

    assert await collect(hasty(answer, attempts=2)) == GOOD
    assert trio.current_time() == pytest.approx(20.75)


async def test_a_provider_that_keeps_the_connection_open_after_the_answer_costs_little(autojump_clock):
    assert await collect(make_scope(handler=streaming(sse(chunk("Hi", "stop"), DONE), 1000.0))) == GOOD
    assert trio.current_time() < 1


async def test_a_provider_without_end_mark_that_keeps_the_connection_open_costs_seconds(autojump_clock):
    assert await collect(make_scope(handler=streaming(sse(chunk("Hi", "stop")), 1000.0))) == GOOD
    assert trio.current_time() == 5


# Ends


async def test_leaving_early_closes_the_response():
    body = Pieces([sse(chunk("a")), 3600.0])
    async with open_stream(make_scope(handler=lambda _request: httpx.Response(200, stream=body)), ask()) as stream:
        await stream.__anext__()
        assert not body.closed
    assert body.closed


async def test_cancellation_closes_the_response(autojump_clock):
    body = Pieces([sse(chunk("a")), 3600.0])
    with trio.move_on_after(10) as cancelling:
        await collect(make_scope(handler=lambda _request: httpx.Response(200, stream=body)))
    assert cancelling.cancelled_caught
    assert body.closed
    assert trio.current_time() == 10


async def test_cancellation_while_connecting_and_while_backing_off(autojump_clock):
    for scope in (make_scope(handler=hang), make_scope(handler=refusing(429, **{"Retry-After": "50"}))):
        with trio.move_on_after(10) as cancelling:
            await collect(scope)
        assert cancelling.cancelled_caught


async def test_closing_a_response_that_will_not_close_takes_two_seconds_at_most(autojump_clock):
    class Stuck(Pieces):
        async def aclose(self) -> None:
            await trio.sleep_forever()

    body = Stuck([sse(chunk("a")), 3600.0])
    with trio.move_on_after(10):
        await collect(make_scope(handler=lambda _request: httpx.Response(200, stream=body)))
    assert trio.current_time() == 12


async def test_a_failed_attempt_is_closed_before_the_next_one_begins(autojump_clock):
    first = Pieces([sse(chunk("")), LOST])

    def second(request: httpx.Request) -> httpx.Response:
        assert first.closed
        return good(request)

    assert (
        await collect(make_scope(handler=in_turn(lambda _request: httpx.Response(200, stream=first), second))) == GOOD
    )


async def test_nothing_is_sent_for_a_closed_scope():
    scope = make_scope()

    def closed() -> None:
        raise ScopeClosed("over")

    object.__setattr__(scope, "check_open", closed)
    with pytest.raises(ScopeClosed):
        await collect(scope)


async def test_wrong_settings_fail_before_anything_is_sent():
    error = await fail(make_scope(ModelConfig(name="m", provider="nowhere")))
    assert (error.code, error.profile) == ("provider_unknown", "ada")


@pytest.mark.slow
def test_a_gateway_of_echo_profiles_never_imports_httpx():
    code = "import sys, hermes_trio.models.stream; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
