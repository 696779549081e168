"""Clients that misbehave, byte by byte, against a real gateway process."""

import json
import socket
import time

from hermes_trio.testing.home import test_key as key_of


def connect(gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=15)


def post(body: bytes, *, path: str = "/p/ada/v1/chat/completions", key: str = key_of("ada"), extra: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    )
    return head.encode() + body


def chat(text: str, **more) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}], **more}).encode()


def read_all(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def exchange(gateway, data: bytes) -> bytes:
    with connect(gateway) as sock:
        sock.sendall(data)
        return read_all(sock)


CLOSE = "Connection: close\r\n"


def test_malformed_json_is_400_with_a_typed_body(gateway):
    answer = exchange(gateway, post(b"{not json", extra=CLOSE))
    assert status_of(answer) == 400
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"


def test_an_oversized_header_is_431(gateway):
    assert status_of(exchange(gateway, b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")) == 431


def test_an_oversized_body_is_413_before_it_is_read(gateway):
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {11_000_000}\r\n\r\n"
    answer = exchange(gateway, head.encode())
    assert status_of(answer) == 413
    assert b"body_too_large" in answer


def test_a_request_that_trickles_in_is_answered(gateway):
    with connect(gateway) as sock:
        for byte in post(chat("slow"), extra=CLOSE):
            sock.sendall(bytes([byte]))
            time.sleep(0.002)
        assert status_of(read_all(sock)) == 200


def test_pipelined_requests_are_answered_in_order(gateway):
    first, second = post(chat("!say first")), post(chat("!say second"), extra=CLOSE)
    answer = exchange(gateway, first + second)
    assert 0 < answer.index(b"first") < answer.index(b"second")
    assert answer.count(b"HTTP/1.1 200") == 2


def test_a_client_that_leaves_mid_stream_takes_its_turn_with_it(gateway):
    with connect(gateway) as sock:
        sock.sendall(post(chat("!tokens 100000 20", stream=True)))
        assert b"200" in sock.recv(65536)
        gateway.wait_for(lambda: active_turns(gateway) == 1)
    gateway.wait_for(lambda: active_turns(gateway) == 0)


def test_a_client_that_leaves_before_the_answer_takes_its_turn_with_it(gateway):
    with connect(gateway) as sock:
        sock.sendall(post(chat("!hang")))
        gateway.wait_for(lambda: active_turns(gateway) == 1)
    gateway.wait_for(lambda: active_turns(gateway) == 0)


def test_a_web_page_of_another_origin_is_refused(gateway):
    answer = exchange(
        gateway, b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n"
    )
    assert status_of(answer) == 403


def test_unknown_paths_are_404_and_wrong_methods_405(gateway):
    assert gateway.get("/v1/nothing", key_of("default"))[0] == 404
    assert gateway.get("/v1/chat/completions", key_of("default"))[0] == 405


def active_turns(gateway) -> int:
    status, body = gateway.get("/p/ada/health/detailed", key_of("ada"))
    assert status == 200
    return json.loads(body)["active_agents"]
