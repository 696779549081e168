"""The egress policy in front of a profile's HTTP client."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import httpx
import pytest
import trio

from hermes_trio.io.egress import MOST_REMEMBERED, EgressDenied, EgressGate
from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from tests.io.fake_upstream import Upstream, answer_ok


@dataclass(frozen=True)
class Network:
    proxy: str = ""
    no_proxy: str = ""


@dataclass
class Rules:
    allowed: frozenset[tuple[str, int]] = frozenset()
    asked: list[tuple[str, int]] = field(default_factory=list)

    def allows(self, host, port):
        self.asked.append((host, port))
        return (host, port) in self.allowed


def tls():
    return SharedTls(InlineWorkers())


async def no_server(scheme, host, port):
    raise AssertionError("a connection was made")


async def test_an_enforced_policy_stops_a_request_before_any_connection(autojump_clock):
    lines = []
    gate = EgressGate(Rules(), enforce=True, report=lines.append, profile="ada")
    async with open_http(Network(), tls(), connect=no_server, egress=gate) as http:
        for _ in range(3):
            with pytest.raises(EgressDenied) as caught:
                await http.client().get("https://evil.example/x?secret=1")
    assert caught.value.code == "egress_denied"
    assert str(caught.value).startswith("profile 'ada': evil.example:443: connections to this host are not allowed")
    assert "security.egress.allow" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert lines == [
        "egress: a connection to evil.example:443 stopped: it is not in security.egress.allow",
    ]


async def test_a_reported_host_is_reached_and_reported_once(autojump_clock):
    lines = []
    gate = EgressGate(Rules(frozenset({("good.example", 80)})), enforce=False, report=lines.append)
    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, (answer_ok,))
        async with open_http(Network(), tls(), connect=upstream.connect, egress=gate) as http:
            for url in (
                "http://good.example/",
                "http://other.example/",
                "http://other.example/2",
                "http://other.example:81/",
            ):
                assert (await http.client().get(url)).text == "ok"
        nursery.cancel_scope.cancel()
    assert [line.split()[4] for line in lines] == ["other.example:80", "other.example:81"]


async def test_what_is_allowed_passes_with_its_body_and_its_errors(autojump_clock):
    async def refused(scheme, host, port):
        raise ConnectionRefusedError(111, "Connection refused")

    gate = EgressGate(Rules(frozenset({("good.example", 80)})), enforce=True, report=lambda line: None)
    async with open_http(Network(), tls(), connect=refused, egress=gate) as http:
        with pytest.raises(httpx.ConnectError, match="refused"):
            await http.client().get("http://good.example/")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://A.Example/", ("a.example", 80)),
        ("https://a.example:8443/", ("a.example", 8443)),
        ("https://bücher.example/", ("xn--bcher-kva.example", 443)),
        ("http://[::1]:9/", ("::1", 9)),
        ("http://good.example@evil.example/", ("evil.example", 80)),
        ("http://good.example#@evil.example/", ("good.example", 80)),
    ],
)
async def test_the_policy_is_asked_about_the_host_that_is_connected_to(autojump_clock, url, place):
    rules = Rules()
    async with open_http(
        Network(), tls(), connect=no_server, egress=EgressGate(rules, enforce=True, report=lambda line: None)
    ) as http:
        with pytest.raises(EgressDenied):
            await http.client().get(url)
    assert rules.asked == [place]


async def test_requests_through_a_proxy_are_asked_about_as_well(autojump_clock):
    gate = EgressGate(Rules(), enforce=True, report=lambda line: None)
    network = Network("http://127.0.0.1:1", "direct.example")
    async with open_http(network, tls(), egress=gate) as http:
        for url in ("http://a.example/", "https://direct.example/"):
            with pytest.raises(EgressDenied):
                await http.client().get(url)


async def test_redirects_that_a_caller_wants_followed_are_asked_about(autojump_clock):
    async def elsewhere(side):
        while await side.request() is not None:
            await side.send(b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n")

    gate = EgressGate(Rules(frozenset({("good.example", 80)})), enforce=True, report=lambda line: None)
    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, (elsewhere,))
        async with open_http(Network(), tls(), connect=upstream.connect, egress=gate) as http:
            with pytest.raises(EgressDenied):
                await http.client().get("http://good.example/", follow_redirects=True)
        nursery.cancel_scope.cancel()
    assert [host for _, host, _ in upstream.places] == ["good.example"]


def test_made_up_hosts_do_not_fill_log_and_memory():
    lines = []
    gate = EgressGate(Rules(), enforce=False, report=lines.append)
    for number in range(MOST_REMEMBERED + 500):
        gate.check(f"host{number}.example", 443)
    assert len(lines) == MOST_REMEMBERED


async def test_without_a_policy_nothing_stands_in_the_way():
    async with open_http(Network(), tls()) as http:
        assert http.egress is None
        assert type(http.client()._transport).__name__ == "TrioTransport"


async def test_a_request_pinned_to_an_address_keeps_its_name_and_its_own_connection(autojump_clock):
    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, (answer_ok,))
        async with open_http(Network(), tls(), connect=upstream.connect) as http:
            client = http.client()
            for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", ""):
                await client.get("http://a.example/", extensions={"address": address})
        nursery.cancel_scope.cancel()
    assert [host for _, host, _ in upstream.places] == ["192.0.2.1", "192.0.2.2", "a.example"]


async def test_cookies_are_not_kept(autojump_clock):
    async def cookie(side):
        while (request := await side.request()) is not None:
            assert "cookie" not in request.headers
            await side.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, (cookie,))
        async with open_http(Network(), tls(), connect=upstream.connect) as http:
            for _ in range(2):
                assert (await http.client().get("http://a.example/")).status_code == 200
            assert not http.client().cookies
        nursery.cancel_scope.cancel()


@pytest.mark.slow
def test_the_gate_does_not_import_httpx():
    code = "import sys, hermes_trio.io.egress, hermes_trio.home.egress; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "False"
