from __future__ import annotations

import ssl
import subprocess
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import PUBLIC_AUTHORITIES, SharedTls, TlsChoice, build_context
from hermes_trio.io.workers import InlineWorkers, ThreadWorkers

if TYPE_CHECKING:
    from pathlib import Path

DIRECT = SimpleNamespace(proxy="", no_proxy="")


async def test_a_context_checks_servers_and_offers_http_1_1():
    context = await SharedTls(InlineWorkers()).context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 50


@pytest.mark.slow
async def test_a_context_is_built_once_even_for_many_at_once():
    tls, built = SharedTls(ThreadWorkers()), []

    async def get():
        built.append(await tls.context())

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(get)
    assert len({id(context) for context in built}) == 1


async def test_a_profile_may_trust_other_authorities_or_none(certificate):
    tls = SharedTls(InlineWorkers())
    own = await tls.context(TlsChoice(ca_file=str(certificate)))
    assert own.cert_store_stats()["x509"] == 1
    none = await tls.context(TlsChoice(verify=False))
    assert none.verify_mode is ssl.CERT_NONE
    assert await tls.context(TlsChoice(ca_file=str(certificate))) is own


async def test_a_missing_authorities_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        await SharedTls(InlineWorkers()).context(TlsChoice(ca_file=str(tmp_path / "absent.pem")))


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:1"])
async def test_a_request_with_unreadable_authorities_is_a_connect_error(tmp_path, proxy):
    choice = TlsChoice(ca_file=str(tmp_path / "absent.pem"))
    async with open_http(SimpleNamespace(proxy=proxy, no_proxy=""), SharedTls(InlineWorkers())) as http:
        with pytest.raises(httpx.ConnectError, match="No such file"):
            await http.client().get("https://model.invalid/", extensions={"tls": choice})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for localhost with its key, made by the openssl command."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


class TlsServer:
    """Answers requests over TLS; remembers what the handshakes were about."""

    def __init__(self, certificate: Path) -> None:
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate)
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        self.protocols: list[str | None] = []
        self.proceed = trio.Event()

    async def serve(self, task_status=trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, self.handle, 0)
            task_status.started(listeners[0].socket.getsockname()[1])

    async def handle(self, stream: trio.SocketStream) -> None:
        secured = trio.SSLStream(stream, self.context, server_side=True, https_compatible=True)
        try:
            await secured.do_handshake()
            self.protocols.append(secured.selected_alpn_protocol())
            while data := await secured.receive_some():
                if data.startswith(b"GET /stream"):
                    await secured.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in range(100):
                        await secured.send_all(b"9\r\ndata: x\n\n\r\n")
                    await secured.send_all(b"0\r\n\r\n")
                else:
                    await secured.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(secured)


@pytest.mark.slow
async def test_requests_go_over_verified_tls(certificate):
    server, choice = TlsServer(certificate), TlsChoice(ca_file=str(certificate))
    async with trio.open_nursery() as nursery:
        port = await nursery.start(server.serve)
        url = f"https://localhost:{port}/"
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            client = http.client()
            for _ in range(3):
                assert (await client.get(url, extensions={"tls": choice})).text == "ok"
            assert server.protocols == ["http/1.1"]
            response = await client.get(url + "stream", extensions={"tls": choice})
            assert response.text == "data: x\n\n" * 100
            assert len(server.protocols) == 1
        nursery.cancel_scope.cancel()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "own_authority", "problem"),
    [("localhost", False, "self-signed certificate"), ("127.0.0.2", True, "IP address mismatch")],
)
async def test_a_certificate_that_does_not_fit_is_refused_in_words(certificate, host, own_authority, problem):
    choice = TlsChoice(ca_file=str(certificate)) if own_authority else PUBLIC_AUTHORITIES
    async with trio.open_nursery() as nursery:
        port = await nursery.start(TlsServer(certificate).serve)
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            with pytest.raises(httpx.ConnectError, match=problem):
                await http.client().get(f"https://{host}:{port}/", extensions={"tls": choice})
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_a_server_at_a_given_address_still_has_to_prove_the_name(certificate):
    choice, address = TlsChoice(ca_file=str(certificate)), {"address": "127.0.0.1"}
    async with trio.open_nursery() as nursery:
        port = await nursery.start(TlsServer(certificate).serve)
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            client = http.client()
            extensions = {"tls": choice, **address}
            assert (await client.get(f"https://localhost:{port}/", extensions=extensions)).text == "ok"
            with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
                await client.get(f"https://unknown.example:{port}/", extensions=extensions)
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_verification_can_be_given_up_for_one_provider_only(certificate):
    async with trio.open_nursery() as nursery:
        port = await nursery.start(TlsServer(certificate).serve)
        url = f"https://localhost:{port}/"
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            client = http.client()
            answered = await client.get(url, extensions={"tls": TlsChoice(verify=False)})
            assert answered.text == "ok"
            with pytest.raises(httpx.ConnectError):
                await client.get(url)
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_contexts_are_built_off_the_loop():
    names = []

    class Recording(ThreadWorkers):
        async def run(self, fn, *args, limiter):
            def noted(*args):
                names.append(threading.current_thread().name)
                return fn(*args)

            return await super().run(noted, *args, limiter=limiter)

    await SharedTls(Recording()).context()
    assert names != [threading.current_thread().name]


def test_a_context_without_verification_still_offers_http_1_1():
    assert build_context(TlsChoice(verify=False)).check_hostname is False
