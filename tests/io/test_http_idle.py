from __future__ import annotations

import pytest
import trio
import trio.testing

from hermes_trio.io.http_idle import ClientConnection, IdleConnections, Origin
from hermes_trio.io.tls import PUBLIC_AUTHORITIES

A = Origin("http", "a", 80, PUBLIC_AUTHORITIES)
B = Origin("http", "b", 80, PUBLIC_AUTHORITIES)


def connection(origin: Origin = A) -> ClientConnection:
    return ClientConnection(origin, trio.testing.memory_stream_pair()[0])


async def test_the_last_one_in_is_the_first_one_out():
    idle = IdleConnections(10)
    first, second, other = connection(), connection(), connection(B)
    for each in (first, second, other):
        assert idle.put(each) is None
    assert [idle.take(A), idle.take(A), idle.take(A), idle.take(B)] == [second, first, None, other]
    assert len(idle) == 0


async def test_the_oldest_of_all_origins_makes_room():
    idle = IdleConnections(2)
    first, second, third = connection(), connection(B), connection(B)
    idle.put(first)
    idle.put(second)
    assert idle.put(third) is first
    assert idle.take(A) is None
    assert len(idle) == 2


async def test_the_oldest_is_known_by_its_time(autojump_clock):
    idle = IdleConnections(10)
    assert idle.oldest_since is None
    assert idle.take_oldest() is None
    first, second = connection(), connection()
    idle.put(first)
    begin = trio.current_time()
    await trio.sleep(5)
    idle.put(second)
    assert idle.oldest_since == pytest.approx(begin)
    assert idle.take_oldest() is first
    assert idle.oldest_since == pytest.approx(begin + 5)


async def test_a_socket_has_news_when_the_other_side_closes():
    left, right = trio.socket.socketpair()
    kept = ClientConnection(A, trio.SocketStream(left))
    assert not kept.has_news()
    right.close()
    assert kept.has_news()
    await kept.close()
    assert not kept.has_news()
