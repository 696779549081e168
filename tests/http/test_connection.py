from __future__ import annotations

import json

import pytest
import trio
import trio.testing

from hermes_trio.http.types import ClientGone, ListenerLimits
from tests.http.raw_client import echo, get, post, serving


async def test_a_request_is_answered_and_the_connection_kept():
    async with serving() as client:
        for body in (b"one", b"two"):
            answer = await client.ask(post(body, "/a"))
            assert answer.status == 200
            assert json.loads(answer.body) == {"method": "POST", "path": "/a", "body": body.decode()}
            assert "connection" not in answer.headers


async def test_every_answer_says_when():
    async with serving() as client:
        assert (await client.ask(get())).headers["date"] == "Mon, 21 Sep 2026 14:13:20 GMT"


async def test_the_handler_sees_who_asks_and_what():
    async with serving() as client:
        await client.ask(get("/p/a%2Fb/c?x=%31", "X-Key: v"))
    request = client.handled[0]
    assert (request.path, request.segments, request.query["x"]) == ("/p/a%2Fb/c", ("p", "a/b", "c"), "1")
    assert request.target == "/p/a%2Fb/c?x=%31"
    assert request.headers.get("x-key") == "v"
    assert request.peer == "test"


async def test_pipelined_requests_are_answered_in_order():
    async with serving() as client:
        await client.send(post(b"1") + get("/2") + post(b"3"))
        bodies = [json.loads((await client.answer()).body) for _ in range(3)]
    assert [(body["body"], body["path"]) for body in bodies] == [("1", "/"), ("", "/2"), ("3", "/")]


async def test_a_request_that_arrives_byte_by_byte_is_answered():
    async with serving() as client:
        for byte in post(b"slow", "/x"):
            await client.send(bytes([byte]))
        assert json.loads((await client.answer()).body)["body"] == "slow"


async def test_a_chunked_body_is_put_together():
    async with serving() as client:
        answer = await client.ask(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        )
        assert json.loads(answer.body)["body"] == "abc"


async def test_connection_close_is_honoured():
    async with serving() as client:
        answer = await client.ask(get("/", "Connection: close"))
        assert answer.headers["connection"] == "close"
        assert await client.closed()


async def test_http_1_0_gets_one_answer():
    async with serving() as client:
        answer = await client.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.closed()


async def test_head_gets_the_head_alone():
    async with serving() as client:
        await client.send(b"HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"))
        head = await client.answer("HEAD")
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["content-length"]) > 0
        assert json.loads((await client.answer()).body)["path"] == "/next"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_is_framed_without_one(status):
    async def handler(request, responder):
        await responder.send(status, b"ignored", content_type=None)

    async with serving(handler) as client:
        for _ in range(2):
            answer = await client.ask(get())
            assert (answer.status, answer.body) == (status, b"")
            assert "content-length" not in answer.headers


async def test_an_upgrade_is_ignored():
    async with serving() as client:
        answer = await client.ask(get("/", "Connection: Upgrade", "Upgrade: websocket"))
        assert answer.status == 200
        assert (await client.ask(get())).status == 200


async def test_a_client_that_expects_100_continue_is_invited():
    async with serving() as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert bytes(await client.stream.receive_some()) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert json.loads((await client.ask(b"body")).body)["body"] == "body"


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent():
    async with serving(limits=ListenerLimits(body_bytes=10)) as client:
        answer = await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
        assert answer.status == 413
        assert answer.error == {
            "message": "the request's body is larger than 10 bytes",
            "type": "invalid_request_error",
            "param": None,
            "code": "body_too_large",
        }
        await client.stream.send_eof()
        assert await client.closed()
    assert client.handled == []


async def test_what_the_connection_answers_itself_carries_the_headers_that_the_request_calls_for():
    def headers_for(headers):
        return [("X-For", headers.get("x-from") or "nobody")]

    async def fail(_request, _responder) -> None:
        raise ValueError("broken")

    async with serving(fail, ListenerLimits(body_bytes=3, refusal_headers=headers_for)) as client:
        answer = await client.ask(get("/", "X-From: me"))
        assert (answer.status, answer.headers["x-for"]) == (500, "me")
    async with serving(echo, ListenerLimits(body_bytes=3, refusal_headers=headers_for)) as client:
        assert "x-for" not in (await client.ask(get("/", "X-From: me"))).headers
        answer = await client.ask(b"no HTTP\r\n\r\n")
        assert answer.status == 400
        assert "x-for" not in answer.headers


async def test_a_path_may_have_its_own_body_limit():
    limits = ListenerLimits(body_bytes=3, body_bytes_for=lambda path: 100 if path == "/large" else 3)
    async with serving(limits=limits) as client:
        assert (await client.ask(post(b"12345", "/large"))).status == 200
        assert (await client.ask(post(b"12345", "/other"))).status == 413


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"garbage\r\n\r\n", 400, "bad_request"),
        (get("/", "X: " + "y" * 70_000), 431, "headers_too_large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_request"),
    ],
)
async def test_a_refused_request_gets_its_reason_and_ends_the_connection(data, status, code):
    async with serving() as client:
        answer = await client.ask(data)
        assert (answer.status, answer.error["code"]) == (status, code)
        assert answer.headers["connection"] == "close"
        await client.stream.send_eof()
        assert await client.closed()
    assert (client.handled, client.errors) == ([], [])


async def test_a_good_request_before_a_bad_one_is_answered():
    async with serving() as client:
        await client.send(get("/good") + b"garbage\r\n\r\n")
        assert json.loads((await client.answer()).body)["path"] == "/good"
        assert (await client.answer()).status == 400


async def test_a_client_that_still_sends_can_read_why_it_was_refused():
    async with serving(limits=ListenerLimits(body_bytes=10)) as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(10):
            await client.send(b"x" * 10_000)
        assert (await client.answer()).status == 413


async def test_a_handler_that_raises_gives_a_500_and_is_reported():
    async def handler(request, responder):
        raise LookupError("the cause")

    async with serving(handler) as client:
        answer = await client.ask(get())
        assert (answer.status, answer.error["code"], answer.error["type"]) == (500, "internal_error", "internal_error")
        assert "cause" not in answer.body.decode()
    assert [repr(error) for error in client.errors] == ["LookupError('the cause')"]


async def test_a_group_from_a_handlers_nursery_is_reported_by_its_only_member():
    async def fail():
        raise LookupError("deep")

    async def handler(request, responder):
        async with trio.open_nursery() as outer, trio.open_nursery() as inner:
            outer.start_soon(trio.sleep_forever)
            inner.start_soon(fail)

    async with serving(handler) as client:
        assert (await client.ask(get())).status == 500
    assert [repr(error) for error in client.errors] == ["LookupError('deep')"]


async def test_a_handler_without_an_answer_gives_a_500():
    async def handler(request, responder):
        pass

    async with serving(handler) as client:
        assert (await client.ask(get())).status == 500
    assert isinstance(client.errors[0], RuntimeError)


async def test_a_handler_that_raises_in_the_middle_of_an_answer_cuts_the_connection():
    async def handler(request, responder):
        await responder.start_stream(200, [])
        await responder.write(b"some")
        raise LookupError

    async with serving(handler) as client:
        await client.send(get())
        data = await client.read_to_end()
    assert data.endswith(b"4\r\nsome\r\n")
    assert len(client.errors) == 1


async def test_a_handler_that_raises_before_anything_was_sent_still_gives_a_500():
    async def handler(request, responder):
        await responder.start_stream(200, [])
        raise LookupError

    async with serving(handler) as client:
        assert (await client.ask(get())).status == 500


async def test_a_header_injection_becomes_a_500():
    async def handler(request, responder):
        await responder.send(200, b"", [("X-Echo", "a\r\nSet-Cookie: b")])

    async with serving(handler) as client:
        answer = await client.ask(get())
        assert answer.status == 500
        assert "set-cookie" not in answer.headers


async def test_answering_twice_is_an_error_of_the_handler():
    async def handler(request, responder):
        await responder.send(200, b"1")
        await responder.send(200, b"2")

    async with serving(handler) as client:
        assert (await client.ask(get())).body == b"1"
        assert await client.closed()
    assert isinstance(client.errors[0], RuntimeError)


async def stream_two(request, responder):
    assert not responder.started
    await responder.start_stream(200, [("Content-Type", "text/event-stream")])
    assert responder.started
    await responder.write(b"one,")
    await responder.write(b"")
    await responder.finish(b"two")


async def test_a_streamed_answer_is_chunked_and_the_connection_kept():
    async with serving(stream_two) as client:
        for _ in range(2):
            answer = await client.ask(get())
            assert (answer.body, answer.headers["transfer-encoding"]) == (b"one,two", "chunked")
            assert answer.headers["content-type"] == "text/event-stream"


async def test_the_head_of_a_stream_goes_out_with_the_first_part():
    async with serving(stream_two) as client:
        await client.send(get())
        first = bytes(await client.stream.receive_some())
        assert first.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\n\r\n4\r\none,\r\n" in first


async def test_an_empty_first_part_sends_the_head_alone():
    proceed = trio.Event()

    async def handler(request, responder):
        await responder.start_stream(200, [])
        await responder.write(b"")
        await proceed.wait()
        await responder.finish()

    async with serving(handler) as client:
        await client.send(get())
        client.rest = bytes(await client.stream.receive_some())
        assert client.rest.endswith(b"\r\n\r\n")
        proceed.set()
        assert (await client.answer()).body == b""


async def test_a_stream_to_http_1_0_ends_with_the_connection():
    async with serving(stream_two) as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.read_to_end()).endswith(b"Connection: close\r\n\r\none,two")


async def test_a_stream_to_head_has_no_body():
    async with serving(stream_two) as client:
        await client.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer("HEAD")).body == b""
        assert (await client.ask(get())).body == b"one,two"


async def test_a_stream_left_open_is_ended_when_the_handler_returns():
    async def handler(request, responder):
        await responder.start_stream(200, [])
        await responder.write(b"x")

    async with serving(handler) as client:
        assert (await client.ask(get())).body == b"x"
        assert (await client.ask(get())).body == b"x"
    assert client.errors == []


async def test_the_handler_learns_that_the_client_has_gone_while_it_is_silent():
    seen = trio.Event()

    async def handler(request, responder):
        await responder.wait_client_gone()
        seen.set()
        with pytest.raises(ClientGone):
            await responder.send(200)
        raise ClientGone

    async with serving(handler) as client:
        await client.send(get())
        await client.stream.aclose()
        await seen.wait()
    assert client.errors == []


async def test_a_client_that_goes_during_the_writing_is_no_error():
    raised = []

    async def handler(request, responder):
        await responder.start_stream(200, [])
        try:
            while True:
                await responder.write(b"x" * 1000)
        except ClientGone as exc:
            raised.append(exc)
            raise

    async with serving(handler) as client:
        await client.send(get())
        await client.stream.receive_some(100)
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
    assert len(raised) == 1
    assert client.errors == []


async def test_bytes_that_come_while_watching_belong_to_the_next_request():
    async def handler(request, responder):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(responder.wait_client_gone)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        await echo(request, responder)

    async with serving(handler) as client:
        await client.send(get("/1") + get("/2")[:10])
        assert json.loads((await client.answer()).body)["path"] == "/1"
        await client.send(get("/2")[10:])
        assert json.loads((await client.answer()).body)["path"] == "/2"


async def test_a_client_that_sends_too_far_ahead_is_not_read_any_further(autojump_clock):
    async def handler(request, responder):
        with trio.move_on_after(1) as waiting:
            await responder.wait_client_gone()
        await responder.send(200, b"end not seen" if waiting.cancelled_caught else b"end seen")

    async with serving(handler) as client:
        await client.send(get() + b"x" * 300_000)
        await client.stream.send_eof()
        assert (await client.answer()).body == b"end not seen"


async def test_a_large_answer_arrives_whole():
    body = bytes(range(256)) * 2000

    async def handler(request, responder):
        await responder.send(200, body, content_type="application/octet-stream")

    async with serving(handler) as client:
        assert (await client.ask(get())).body == body


async def test_a_small_answer_is_one_write():
    async with serving() as client:
        await client.send(get())
        data = bytes(await client.stream.receive_some())
        assert data.endswith(b"}")
