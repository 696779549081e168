from __future__ import annotations

import httpx
import pytest
import trio
import trio.testing

from hermes_trio.errors import ScopeClosed
from tests.io.fake_upstream import OK, URL, Received, answer, answer_ok, calling


async def collect(response: httpx.Response) -> list[bytes]:
    return [part async for part in response.aiter_raw()]


async def test_a_request_is_answered(autojump_clock):
    seen: list[Received] = []

    async def script(side):
        seen.append(await side.request())
        await side.send(b"HTTP/1.1 201 Made\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody")

    async with calling(script) as rig:
        response = await rig.client.post(URL + "?q=1", json={"a": 1}, headers={"X-Key": "v"})
    assert (response.status_code, response.reason_phrase, response.text) == (201, "Made", "body")
    assert (response.headers["x-a"], response.http_version) == ("b", "HTTP/1.1")
    assert (seen[0].method, seen[0].target, seen[0].body) == ("POST", "/path?q=1", b'{"a":1}')
    assert (seen[0].headers["host"], seen[0].headers["x-key"]) == ("upstream", "v")
    assert rig.upstream.places == [("http", "upstream", 80)]


async def test_a_secret_path_need_not_be_in_the_url(autojump_clock, caplog):
    seen: list[Received] = []

    async def script(side):
        seen.append(await side.request())
        await side.send(OK)

    with caplog.at_level("DEBUG"):
        async with calling(script) as rig:
            await rig.client.get("http://upstream/shown", extensions={"target": b"/secret?a=b"})
    assert seen[0].target == "/secret?a=b"
    assert "/shown" in caplog.text
    assert "secret" not in caplog.text


async def test_where_to_connect_is_taken_from_the_url(autojump_clock):
    async with calling(answer_ok) as rig:
        await rig.client.get("https://secure/")
        await rig.client.get("http://[::1]:8080/")
    assert rig.upstream.places == [("https", "secure", 443), ("http", "::1", 8080)]


async def test_a_connection_is_used_again(autojump_clock):
    async with calling(answer_ok) as rig:
        for _ in range(3):
            assert (await rig.client.get(URL)).text == "ok"
        assert rig.upstream.connections == 1
        assert rig.counts == (0, 1, 1)


async def test_every_origin_has_connections_of_its_own(autojump_clock):
    async with calling(answer_ok) as rig:
        for url in ("http://a/", "http://b/", "http://a:81/", "https://a/", "http://a/"):
            await rig.client.get(url)
        assert rig.upstream.connections == 4


async def test_concurrent_requests_have_connections_of_their_own(autojump_clock):
    async with calling(answer_ok) as rig, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(rig.client.get, URL)
    assert rig.upstream.connections == 20


async def test_the_connection_used_last_is_used_next(autojump_clock):
    async with calling(answer_ok) as rig:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.client.get, URL)
            nursery.start_soon(rig.client.get, URL)
        for _ in range(3):
            await trio.sleep(20)
            await rig.client.get(URL)
        assert rig.upstream.connections == 2
        assert rig.counts == (0, 1, 1)


async def test_only_so_many_connections_are_kept(autojump_clock):
    async with calling(answer_ok, max_idle=4) as rig:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(rig.client.get, URL)
        assert rig.counts == (0, 4, 4)


async def test_idle_connections_are_closed_after_a_while_by_a_task_that_then_ends(autojump_clock):
    async with calling(answer_ok, idle_seconds=30) as rig:
        tasks = trio.lowlevel.current_statistics().tasks_living
        await rig.client.get(URL)
        await trio.sleep(29)
        assert rig.counts == (0, 1, 1)
        await trio.sleep(2)
        assert rig.counts == (0, 0, 0)
        await trio.testing.wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living == tasks


async def test_a_used_connection_grows_old_from_its_last_use(autojump_clock):
    async with calling(answer_ok, idle_seconds=30) as rig:
        for _ in range(5):
            await rig.client.get(URL)
            await trio.sleep(20)
        assert rig.upstream.connections == 1
        assert rig.counts == (0, 1, 1)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok-surplus",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok-surplus"),
    ],
)
async def test_a_connection_that_cannot_be_used_again_is_closed(autojump_clock, pieces):
    async with calling(answer(*pieces)) as rig:
        assert (await rig.client.get(URL)).text == "ok"
        assert rig.counts == (0, 0, 0)


async def test_a_kept_connection_that_turns_out_dead_is_replaced_once(autojump_clock):
    async def one_then_gone(side):
        await side.request()
        await side.send(OK)
        await side.close()

    async with calling(one_then_gone, answer_ok) as rig:
        assert (await rig.client.post(URL, content=b"first")).text == "ok"
        assert (await rig.client.post(URL, content=b"second")).text == "ok"
        assert rig.upstream.connections == 2
        assert rig.counts == (0, 1, 1)


async def test_a_request_that_must_go_out_once_is_not_sent_again(autojump_clock):
    async def one_then_gone(side):
        await side.request()
        await side.send(OK)
        await side.request()
        await side.close()

    async with calling(one_then_gone, answer_ok) as rig:
        assert (await rig.client.post(URL, content=b"first")).text == "ok"
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await rig.client.post(URL, content=b"second", extensions={"once": True})
        assert rig.upstream.connections == 1


async def test_a_new_connection_that_dies_is_not_tried_again(autojump_clock):
    async def gone(side):
        await side.request()
        await side.close()

    async with calling(gone) as rig:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await rig.client.get(URL)
        assert rig.upstream.connections == 1
        assert rig.counts == (0, 0, 0)


async def test_a_kept_connection_that_dies_twice_is_an_error(autojump_clock):
    async def one_then_gone(side):
        await side.request()
        await side.send(OK)
        await side.request()
        await side.close()

    async def gone(side):
        await side.request()
        await side.close()

    async with calling(one_then_gone, gone) as rig:
        await rig.client.get(URL)
        with pytest.raises(httpx.RemoteProtocolError):
            await rig.client.get(URL)
        assert rig.upstream.connections == 2


async def test_a_kept_connection_that_dies_after_the_first_byte_is_an_error(autojump_clock):
    async def half(side):
        await side.request()
        await side.send(OK)
        await side.request()
        await side.send(b"HTTP/1.1 ")
        await side.close()

    async with calling(half, answer_ok) as rig:
        await rig.client.get(URL)
        with pytest.raises(httpx.RemoteProtocolError):
            await rig.client.get(URL)
        assert rig.upstream.connections == 1


async def test_a_streamed_request_body_is_sent_in_chunks(autojump_clock):
    seen = []

    async def script(side):
        seen.append(await side.request())
        await side.send(OK)

    async def body():
        yield b"one,"
        yield b""
        await trio.sleep(100)
        yield b"two"

    async with calling(script) as rig:
        await rig.client.post(URL, content=body())
    assert (seen[0].body, seen[0].headers["transfer-encoding"]) == (b"one,two", "chunked")


async def test_a_streamed_request_body_of_known_length_is_sent_as_it_is(autojump_clock):
    seen = []

    async def script(side):
        seen.append(await side.request())
        await side.send(OK)

    async def body():
        yield b"12"
        yield b"345"

    async with calling(script) as rig:
        await rig.client.post(URL, content=body(), headers={"Content-Length": "5"})
    assert seen[0].body == b"12345"
    assert "transfer-encoding" not in seen[0].headers


async def test_a_large_request_body_arrives_whole(autojump_clock):
    seen = []

    async def script(side):
        seen.append(await side.request())
        await side.send(OK)

    async with calling(script) as rig:
        await rig.client.post(URL, content=b"x" * 500_000)
    assert len(seen[0].body) == 500_000


async def test_an_answer_before_the_request_was_sent_is_read_and_the_connection_closed(autojump_clock):
    async def impatient(side):
        await side.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        side.stream.receive_stream.close()

    class Body:
        def __aiter__(self):
            return self

        async def __anext__(self):
            await trio.sleep(1)
            return b"x" * 1000

    async with calling(impatient) as rig:
        response = await rig.client.post(URL, content=Body())
        assert (response.status_code, response.text) == (413, "big")
        assert rig.counts == (0, 0, 0)


async def test_parts_of_a_response_are_handed_on_as_they_arrive(autojump_clock):
    async def script(side):
        await side.request()
        await side.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for word in (b"one", b"two"):
            await trio.sleep(1)
            await side.send(b"3\r\n%b\r\n" % word)
        await trio.sleep(1)
        await side.send(b"0\r\n\r\n")

    async with calling(script) as rig:
        async with rig.client.stream("GET", URL) as response:
            start = trio.current_time()
            moments = [(part, trio.current_time() - start) async for part in response.aiter_raw()]
        assert moments == [(b"one", pytest.approx(1)), (b"two", pytest.approx(2))]
        assert rig.counts == (0, 1, 1)


async def test_chunks_that_come_together_are_handed_on_together(autojump_clock):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script = answer(head + b"1\r\na\r\n1\r\nb\r\n", b"1\r\nc\r\n1\r\nd\r\n0\r\n\r\n")
    async with calling(script) as rig, rig.client.stream("GET", URL) as response:
        assert await collect(response) == [b"ab", b"cd"]


async def test_informational_answers_are_skipped(autojump_clock):
    async with calling(answer(b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 E\r\nA: b\r\n\r\n" + OK)) as rig:
        assert (await rig.client.get(URL)).text == "ok"


async def test_a_response_without_a_length_ends_with_the_connection(autojump_clock):
    async with calling(answer(b"HTTP/1.1 200 OK\r\n\r\nsome ", b"more", close=True)) as rig:
        assert (await rig.client.get(URL)).text == "some more"
        assert rig.counts == (0, 0, 0)


async def test_head_and_204_leave_the_connection_usable(autojump_clock):
    async with calling(answer(b"HTTP/1.1 204 No Content\r\n\r\n")) as rig:
        await rig.client.get(URL)
        await rig.client.head(URL)
        assert (rig.upstream.connections, rig.counts) == (1, (0, 1, 1))


async def test_a_response_that_is_left_early_closes_its_connection(autojump_clock):
    async with calling(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")) as rig:
        async with rig.client.stream("GET", URL) as response:
            parts = aiter(response.stream)
            assert await anext(parts) == b"some"
            assert rig.counts == (1, 0, 1)
            await parts.aclose()
        assert rig.counts == (0, 0, 0)


async def test_a_response_cut_in_the_middle_is_an_error(autojump_clock):
    async with calling(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome", close=True)) as rig:
        with pytest.raises(httpx.RemoteProtocolError, match="before the response was complete"):
            await rig.client.get(URL)
        assert rig.counts == (0, 0, 0)


async def test_a_response_with_broken_chunks_is_an_error(autojump_clock):
    async with calling(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n")) as rig:
        with pytest.raises(httpx.RemoteProtocolError):
            await rig.client.get(URL)
        assert rig.counts == (0, 0, 0)


async def test_garbage_is_an_error(autojump_clock):
    async with calling(answer(b"SSH-2.0-OpenSSH\r\n\r\n")) as rig:
        with pytest.raises(httpx.RemoteProtocolError):
            await rig.client.get(URL)
        assert rig.counts == (0, 0, 0)


async def test_a_header_that_would_make_two_is_not_sent(autojump_clock):
    async with calling(answer_ok) as rig:
        with pytest.raises(httpx.LocalProtocolError):
            await rig.client.get(URL, headers={"X-A": "b\r\nX-C: d"})
        assert rig.counts == (0, 0, 0)


async def test_an_unknown_scheme_is_refused(autojump_clock):
    async with calling(answer_ok) as rig:
        with pytest.raises(httpx.UnsupportedProtocol):
            await rig.client.get("ftp://a/")


async def test_a_failed_connection_is_an_error_in_words(autojump_clock):
    async with calling(answer_ok) as rig:

        async def refuse(scheme, host, port):
            raise ConnectionRefusedError(111, "Connection refused")

        rig.transport._connect = refuse
        with pytest.raises(httpx.ConnectError, match=r"cannot connect to upstream:80: .*Connection refused"):
            await rig.client.get(URL)


async def silent(side):
    await trio.sleep_forever()


async def test_a_connection_that_takes_too_long_is_a_connect_timeout(autojump_clock):
    async with calling(silent, timeout=httpx.Timeout(100, connect=3)) as rig:

        async def hang(scheme, host, port):
            await trio.sleep_forever()

        rig.transport._connect = hang
        start = trio.current_time()
        with pytest.raises(httpx.ConnectTimeout):
            await rig.client.get(URL)
        assert trio.current_time() - start == pytest.approx(3)


async def test_an_answer_that_takes_too_long_is_a_read_timeout(autojump_clock):
    async with calling(silent, timeout=httpx.Timeout(100, read=3)) as rig:
        start = trio.current_time()
        with pytest.raises(httpx.ReadTimeout):
            await rig.client.get(URL)
        assert trio.current_time() - start == pytest.approx(3)
        assert rig.counts == (0, 0, 0)


async def test_each_read_of_a_body_has_the_read_timeout(autojump_clock):
    async def script(side):
        await side.request()
        await side.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(4):
            await trio.sleep(2)
            await side.send(b"x")
        await trio.sleep_forever()

    async with calling(script, timeout=httpx.Timeout(100, read=3)) as rig:
        start = trio.current_time()
        with pytest.raises(httpx.ReadTimeout):
            await rig.client.get(URL)
        assert trio.current_time() - start == pytest.approx(11)
        assert rig.counts == (0, 0, 0)


async def test_a_server_that_does_not_read_is_a_write_timeout(autojump_clock):
    class Deaf(trio.abc.SendStream):
        async def send_all(self, data):
            await trio.sleep_forever()

        async def wait_send_all_might_not_block(self):
            await trio.sleep_forever()

        async def aclose(self):
            await trio.lowlevel.checkpoint()

    async with calling(silent, timeout=httpx.Timeout(100, write=3)) as rig:
        connect = rig.upstream.connect

        async def deaf(scheme, host, port):
            stream = await connect(scheme, host, port)
            stream.send_stream = Deaf()
            return stream

        rig.transport._connect = deaf
        start = trio.current_time()
        with pytest.raises(httpx.WriteTimeout):
            await rig.client.post(URL, content=b"x")
        assert trio.current_time() - start == pytest.approx(3)
        assert rig.counts == (0, 0, 0)


async def test_without_timeouts_it_waits(autojump_clock):
    async def late(side):
        await side.request()
        await trio.sleep(100_000)
        await side.send(OK)

    async with calling(late, timeout=None) as rig:
        assert (await rig.client.get(URL)).text == "ok"


async def test_a_connection_reset_is_a_read_error(autojump_clock):
    async with calling(silent) as rig:
        connect = rig.upstream.connect

        class Reset(trio.abc.ReceiveStream):
            async def receive_some(self, max_bytes=None):
                await trio.lowlevel.checkpoint()
                raise trio.BrokenResourceError from ConnectionResetError(104, "Connection reset by peer")

            async def aclose(self):
                await trio.lowlevel.checkpoint()

        async def resetting(scheme, host, port):
            stream = await connect(scheme, host, port)
            stream.receive_stream = Reset()
            return stream

        rig.transport._connect = resetting
        with pytest.raises(httpx.ReadError, match="Connection reset by peer"):
            await rig.client.get(URL)
        assert rig.counts == (0, 0, 0)


async def test_a_closed_transport_refuses_and_has_closed_everything(autojump_clock):
    async with calling(answer_ok) as rig:
        await rig.client.get(URL)
        await rig.transport.aclose()
        assert rig.counts == (0, 0, 0)
        with pytest.raises(ScopeClosed):
            await rig.client.get(URL)


async def test_closing_the_transport_ends_a_response_that_is_being_read(autojump_clock):
    raised = []
    async with calling(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")) as rig:

        async def read():
            try:
                await rig.client.get(URL)
            except httpx.ReadError as exc:
                raised.append(exc)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            await rig.transport.aclose()
        assert rig.counts == (0, 0, 0)
    assert len(raised) == 1


async def test_a_request_that_was_connecting_during_the_closing_is_not_sent(autojump_clock):
    proceed, received = trio.Event(), []

    async def script(side):
        received.append(await side.request())

    async with calling(script) as rig:
        connect = rig.upstream.connect

        async def late(scheme, host, port):
            await proceed.wait()
            return await connect(scheme, host, port)

        rig.transport._connect = late
        async with trio.open_nursery() as nursery:
            nursery.start_soon(attempt, rig.client)
            await trio.testing.wait_all_tasks_blocked()
            await rig.transport.aclose()
            proceed.set()
        assert rig.counts == (0, 0, 0)
        await trio.testing.wait_all_tasks_blocked()
        assert received == [None]


async def attempt(client: httpx.AsyncClient) -> None:
    with pytest.raises(ScopeClosed):
        await client.get(URL)
