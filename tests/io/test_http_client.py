from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import httpx
import pytest
import trio
import trio.testing

from hermes_trio.errors import ConfigError, ScopeClosed
from hermes_trio.http.listener import open_tcp_listeners, serve_listener
from hermes_trio.http.types import ListenerLimits
from hermes_trio.io.http_client import open_http
from hermes_trio.io.http_proxy import check_proxy, direct_mounts
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers


@dataclass(frozen=True)
class Network:
    proxy: str = ""
    no_proxy: str = ""


def tls() -> SharedTls:
    return SharedTls(InlineWorkers())


async def test_there_is_one_client_built_when_it_is_wanted():
    async with open_http(Network(), tls()) as http:
        client = http.client()
        assert http.client() is client
        assert client.timeout == httpx.Timeout(connect=10, read=120, write=30, pool=5)
        assert not client.follow_redirects
        assert not client.trust_env


async def test_after_the_end_nothing_is_sent_any_more():
    async with open_http(Network(), tls()) as http:
        client = http.client()
    with pytest.raises(ScopeClosed):
        http.client()
    with pytest.raises(ScopeClosed):
        await client.get("http://127.0.0.1:1/")


async def test_what_the_body_raises_comes_out_as_it_is():
    error = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        async with open_http(Network(), tls()):
            raise error
    assert caught.value is error


async def test_a_group_that_the_body_raises_comes_out_as_it_is():
    inner = LookupError()
    with pytest.raises(ExceptionGroup, match="mine") as caught:
        async with open_http(Network(), tls()):
            raise ExceptionGroup("mine", [inner])
    assert caught.value.exceptions == (inner,)


async def test_cancelling_the_owner_ends_it(autojump_clock):
    with trio.move_on_after(5) as scope:
        async with open_http(Network(), tls(), connect=no_server) as http:
            http.client()
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def no_server(scheme, host, port):
    raise ConnectionRefusedError(111, "Connection refused")


async def test_a_given_way_to_connect_is_used_even_with_a_proxy():
    async with open_http(Network(proxy="http://proxy:3128"), tls(), connect=no_server) as http:
        with pytest.raises(httpx.ConnectError, match="Connection refused"):
            await http.client().get("http://model/")


async def test_idle_connections_hold_up_nothing_at_the_end(autojump_clock):
    async def connect(scheme, host, port):
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.send_all(b"HTTP/1.1 204 x\r\n\r\n")
        return ours

    async with open_http(Network(), tls(), connect=connect) as http:
        await http.client().get("http://model/")
        start = trio.current_time()
    assert trio.current_time() == start


@pytest.mark.slow
def test_httpx_is_not_imported_before_it_is_used():
    code = "import sys, hermes_trio.io.http_client, hermes_trio.io.tls; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        (" proxy:3128 ", "http://proxy:3128"),
        ("https://user:pass@proxy", "https://user:pass@proxy"),
    ],
)
def test_a_proxy_is_a_url_or_a_host_and_port(given, used):
    assert check_proxy(given) == used


@pytest.mark.parametrize("given", ["socks5://user:secret@proxy:1080", "http://", "http://secret@:1", "http://h:secret"])
def test_an_unusable_proxy_is_named_without_its_password(given):
    with pytest.raises(ConfigError) as caught:
        check_proxy(given)
    assert "network.proxy" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("http://localhost:1234/", True),
        ("http://127.0.0.1/", True),
        ("http://[::1]/", True),
        ("https://api.example.com/", True),
        ("https://example.com/", True),
        ("https://notexample.com/", False),
        ("https://a.sub.local/", True),
        ("https://openrouter.ai/", False),
        ("http://127.0.0.2/", False),
    ],
)
async def test_no_proxy_names_what_is_reached_directly(url, direct):
    network = Network("http://proxy:3128", "localhost, 127.0.0.1,::1 ,example.com,.sub.local,")
    async with open_http(network, tls()) as http:
        client = http.client()
        assert (client._transport_for_url(httpx.URL(url)) is client._transport) is direct


async def test_a_star_in_no_proxy_is_for_everything():
    assert direct_mounts("localhost, *") is None
    async with open_http(Network("http://proxy:3128", "*"), tls()) as http:
        client = http.client()
        assert client._transport_for_url(httpx.URL("https://x/")) is client._transport


@pytest.mark.slow
async def test_a_proxy_gets_the_requests():
    async def proxy(request, responder):
        await responder.send(200, f"{request.method} {request.target}".encode(), content_type="text/plain")

    async with trio.open_nursery() as nursery:
        listeners = await open_tcp_listeners("127.0.0.1", 0)
        listener = await nursery.start(serve_listener, listeners, proxy, ListenerLimits(), [].append)
        port = listener.address[1]
        async with open_http(Network(f"http://127.0.0.1:{port}", "127.0.0.1"), tls()) as http:
            client = http.client()
            assert (await client.get("http://model.invalid/v1")).text == "GET http://model.invalid/v1"
            assert (await client.get(f"http://127.0.0.1:{port}/v1")).text == "GET /v1"
        with pytest.raises(ScopeClosed):
            await client.get("http://model.invalid/v1")
        nursery.cancel_scope.cancel()


async def test_a_proxy_asked_for_by_name_has_a_client_of_its_own():
    async with open_http(Network(proxy="http://proxy:3128", no_proxy="*"), tls()) as http:
        usual, own = http.client(), http.client("http://other:3128")
        assert own is not usual
        assert own is http.client("http://other:3128")
        assert usual is http.client()
        assert [type(transport).__name__ for transport in own._mounts.values()] == ["ProxyTransport"]
        assert not usual._mounts
    with pytest.raises(ScopeClosed):
        await own.get("http://127.0.0.1:1/")
