"""What the SDK's requests become on their way through the profile's client."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import httpx2
import msgspec
import pytest
import trio

from hermes_trio.errors import ScopeClosed
from hermes_trio.tools.mcp_http import GRACE_SECONDS, LARGEST_ANSWER, NOTICE_SECONDS, ProfileTransport, ServerAddress
from tests.models.rig import Pieces

URL = "https://mcp.test/mcp"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
NOTICE = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


class Way:
    """A transport whose requests are answered by a function."""

    def __init__(self, handler, *, call_seconds: float = 60.0) -> None:
        self.requests: list[httpx.Request] = []
        self.doubts = 0

        async def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            answer = handler(request)
            return await answer if hasattr(answer, "__await__") else answer

        client = httpx.AsyncClient(transport=httpx.MockTransport(handle), trust_env=False)
        address = ServerAddress(URL, {"Authorization": "Bearer mine"}, 5.0, call_seconds)
        self.transport = ProfileTransport(SimpleNamespace(client=lambda: client), address, self.doubt)

    def doubt(self) -> None:
        self.doubts += 1

    async def send(self, message: object = None, method: str = "POST", **headers: str) -> httpx2.Response:
        content = b"" if message is None else msgspec.json.encode(message)
        return await self.transport.handle_async_request(httpx2.Request(method, URL, headers=headers, content=content))

    async def error(self, message: object = CALL) -> str:
        """Send, and give the words of the error that comes back."""
        response = await self.send(message)
        assert response.headers["content-type"] == "application/json"
        return msgspec.json.decode(await response.aread())["error"]["message"]


def answering(*args: object, **kwargs: object):
    return lambda _request: httpx.Response(*args, **kwargs)


def raising(error: BaseException):
    def handler(_request: httpx.Request) -> httpx.Response:
        raise error

    return handler


async def sleep_forever(_request: httpx.Request) -> httpx.Response:
    await trio.sleep_forever()


async def test_a_request_goes_out_with_the_servers_own_headers_above_all_others():
    way = Way(answering(200, headers=JSON, content=b"{}"))
    await way.send(CALL, authorization="Bearer other", **{"mcp-method": "tools/call"})
    (request,) = way.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers.get_list("authorization") == ["Bearer mine"]
    assert request.headers["mcp-method"] == "tools/call"
    assert msgspec.json.decode(request.content) == CALL


async def test_an_answer_comes_back_as_it_was():
    way = Way(answering(200, headers={**JSON, "x-more": "1"}, content=b'{"a":1}'))
    response = await way.send(CALL)
    assert (response.status_code, response.headers["x-more"]) == (200, "1")
    assert await response.aread() == b'{"a":1}'
    assert way.doubts == 0


async def test_events_come_as_they_arrive():
    body = Pieces([b"data: 1\n\n", b"data: 2\n\n"])
    way = Way(answering(200, headers=EVENTS, stream=body))
    response = await way.send(CALL)
    assert [piece async for piece in response.aiter_raw()] == [b"data: 1\n\n", b"data: 2\n\n"]


async def test_a_closed_stream_of_events_closes_its_connection():
    body = Pieces([b"data: 1\n\n", b"data: 2\n\n"])
    response = await Way(answering(200, headers=EVENTS, stream=body)).send(CALL)
    await anext(response.stream.__aiter__())
    await response.aclose()
    assert body.closed


@pytest.mark.parametrize("error", [httpx.ConnectError("no route"), ScopeClosed("the profile is over")])
async def test_a_request_that_cannot_be_sent_fails_alone_and_says_why(error):
    way = Way(raising(error))
    assert str(error) in await way.error()
    assert way.doubts == 1


async def test_an_error_status_without_a_word_is_put_into_words():
    way = Way(answering(401, text="<html>go away</html>"))
    assert await way.error() == "HTTP 401 Unauthorized"
    assert way.doubts == 0


async def test_an_error_status_with_a_word_of_the_protocol_keeps_it():
    content = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "own words"}})
    assert await Way(answering(400, headers=JSON, content=content)).error() == "own words"


async def test_a_broken_server_is_doubted():
    way = Way(answering(502, text="bad gateway"))
    assert await way.error() == "HTTP 502 Bad Gateway"
    assert way.doubts == 1


async def test_a_session_that_the_server_does_not_know_any_more_is_doubted():
    answers = [httpx.Response(200, headers={**JSON, "mcp-session-id": "s1"}, content=b"{}"), httpx.Response(404)]
    way = Way(lambda _request: answers.pop(0))
    await way.send(CALL)
    await way.send(CALL)
    assert way.doubts == 1


async def test_without_a_session_an_unknown_address_is_no_news():
    way = Way(answering(404))
    await way.send(CALL)
    assert way.doubts == 0


async def test_an_answer_that_breaks_off_fails_alone():
    way = Way(answering(200, headers=JSON, stream=Pieces([b'{"a"', httpx.ReadError("cut")])))
    assert "cut" in await way.error()


async def test_an_answer_without_measure_is_refused():
    pieces = [bytes(LARGEST_ANSWER // 4)] * 5
    way = Way(answering(200, headers=JSON, stream=Pieces(pieces)))
    assert "larger than" in await way.error()


async def test_a_stream_of_events_that_breaks_off_raises_what_the_sdk_knows():
    way = Way(answering(200, headers=EVENTS, stream=Pieces([b"data: 1\n\n", httpx.ReadError("cut")])))
    response = await way.send(CALL)
    with pytest.raises(httpx2.ReadError, match="cut"):
        await response.aread()


async def test_a_call_is_waited_for_a_little_longer_than_its_deadline(autojump_clock):
    way = Way(sleep_forever, call_seconds=60.0)
    assert await way.error(CALL) == "no answer in time"
    assert trio.current_time() == 60.0 + GRACE_SECONDS


async def test_the_events_of_a_call_do_not_last_for_ever(autojump_clock):
    way = Way(answering(200, headers=EVENTS, stream=Pieces([b":ping\n\n", 10.0] * 100)), call_seconds=60.0)
    response = await way.send(CALL)
    with pytest.raises(httpx2.ReadTimeout):
        await response.aread()
    assert trio.current_time() == 60.0 + GRACE_SECONDS


async def test_a_notice_does_not_hold_up_what_comes_after_it(autojump_clock):
    way = Way(sleep_forever)
    assert await way.error(NOTICE) == "no answer in time"
    assert trio.current_time() == NOTICE_SECONDS


async def test_a_servers_own_stream_of_events_has_no_deadline(autojump_clock):
    way = Way(answering(200, headers=EVENTS, stream=Pieces([100_000.0, b"data: 1\n\n"])))
    response = await way.send(method="GET")
    assert await response.aread() == b"data: 1\n\n"


async def test_a_server_that_gave_a_session_is_told_of_its_end():
    way = Way(answering(200, headers={**JSON, "mcp-session-id": "s1"}, content=b"{}"))
    await way.send(CALL, **{"mcp-protocol-version": "2025-06-18"})
    await way.transport.say_goodbye()
    last = way.requests[-1]
    assert (last.method, last.headers["mcp-session-id"], last.headers["mcp-protocol-version"]) == (
        "DELETE",
        "s1",
        "2025-06-18",
    )
    assert last.headers["authorization"] == "Bearer mine"


async def test_a_goodbye_takes_a_second_at_most_even_when_cancelled(autojump_clock):
    answers = [httpx.Response(200, headers={**JSON, "mcp-session-id": "s1"}, content=b"{}")]

    async def once(request: httpx.Request) -> httpx.Response:
        return answers.pop() if answers else await sleep_forever(request)

    way = Way(once)
    await way.send(CALL)
    with trio.CancelScope() as scope:
        scope.cancel()
        await way.transport.say_goodbye()
    assert trio.current_time() == 1.0


async def test_without_a_session_there_is_no_goodbye():
    way = Way(answering(200))
    await way.transport.say_goodbye()
    assert way.requests == []


def test_neither_address_nor_headers_print():
    address = ServerAddress("https://user:CANARY@mcp.test", {"Authorization": "CANARY"}, 1.0, 1.0)
    assert "CANARY" not in repr(address)
