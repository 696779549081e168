"""Requests at a provider at once: limits, pauses, order, cancellation."""

from __future__ import annotations

import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import trio
import trio.testing

from hermes_trio.errors import ModelError
from hermes_trio.home.config import FallbackConfig, ModelConfig
from hermes_trio.models.events import Finish, TextDelta
from hermes_trio.models.provider_gate import Account, ProviderGate, Seat, enter_gate
from hermes_trio.models.stream import open_stream
from hermes_trio.models.target import ModelTarget
from tests.models.rig import DONE, Pieces, answering, ask, chunk, collect, make_scope, sse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TARGET = ModelTarget("custom", "m", "https://models.test/v1", "key-1")
OTHER_MODEL = ModelTarget("custom", "n", "https://models.test/v1", "key-1")
OTHER_KEY = ModelTarget("custom", "m", "https://models.test/v1", "key-2")
OTHER_PLACE = ModelTarget("custom", "m", "https://elsewhere.test/v1", "key-1")


def too_many(retry_after: float | None = None, *, retryable: bool = True, status: int = 429) -> ModelError:
    return ModelError("slow down", status=status, retryable=retryable, retry_after=retry_after)


def only(gate: ProviderGate) -> Account:
    (account,) = gate.accounts()
    return account


async def fill(gate: ProviderGate, count: int, target: ModelTarget = TARGET) -> list[Seat]:
    """Seats that are there at once."""
    with trio.fail_after(0):
        return [await gate.enter(target) for _ in range(count)]


async def limited(limit: int) -> ProviderGate:
    """A gate whose account has learnt this limit."""
    gate = ProviderGate()
    first, *others = await fill(gate, limit * 2)
    first.leave(too_many())
    for seat in others:
        seat.leave()
    return gate


@asynccontextmanager
async def line(gate: ProviderGate, *names: str) -> AsyncIterator[list[str]]:
    """Tasks that wait in this order, each for as long as the block; yields who has begun."""
    begun: list[str] = []

    async def one(name: str) -> None:
        seat = await gate.enter(OTHER_MODEL if name.endswith("!") else TARGET)
        begun.append(name)
        try:
            await trio.sleep_forever()
        finally:
            seat.leave()

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(one, name)
            await trio.testing.wait_all_tasks_blocked()
        yield begun
        nursery.cancel_scope.cancel()


# Without a limit


async def test_nobody_waits_before_the_first_429(autojump_clock):
    gate = ProviderGate()
    assert len(await fill(gate, 500)) == 500
    assert (only(gate).running, only(gate).limit) == (500, None)


async def test_a_seat_is_given_back_once():
    gate = ProviderGate()
    (seat,) = await fill(gate, 1)
    seat.leave()
    seat.leave()
    assert only(gate).running == 0


async def test_a_model_in_this_process_and_a_missing_gate_need_no_seat():
    assert await enter_gate(None, TARGET) is None
    assert await enter_gate(ProviderGate(), ModelTarget("builtin", "echo")) is None
    assert await enter_gate(ProviderGate(), TARGET) is not None


# Limits


async def test_a_429_halves_what_runs():
    gate = ProviderGate()
    seats = await fill(gate, 10)
    seats[0].leave(too_many())
    assert only(gate).limit == 5


async def test_requests_that_are_refused_together_halve_it_once():
    gate = ProviderGate()
    for seat in await fill(gate, 10):
        seat.leave(too_many())
    assert only(gate).limit == 5


async def test_a_later_refusal_halves_it_again():
    gate = await limited(8)
    seats = await fill(gate, 8)
    seats[0].leave(too_many())
    assert only(gate).limit == 4


async def test_the_limit_never_falls_below_one():
    gate = ProviderGate()
    for _ in range(3):
        (seat,) = await fill(gate, 1)
        seat.leave(too_many())
    assert only(gate).limit == 1


@pytest.mark.parametrize("error", [too_many(retryable=False), too_many(status=529), too_many(status=401)])
async def test_other_failures_do_not_count(error):
    gate = ProviderGate()
    (seat,) = await fill(gate, 1)
    seat.leave(error)
    assert only(gate).limit is None


async def test_a_limit_in_use_grows_by_one_with_each_limit_s_worth_of_good_answers():
    gate = await limited(4)
    for round_limit in (4, 5):
        seats = await fill(gate, round_limit)
        for _ in range(round_limit + 1):
            seats.pop(0).leave(complete=True)
            seats += await fill(gate, 1)
        assert int(only(gate).limit) == round_limit + 1
        for seat in seats:
            seat.leave()


async def test_a_limit_that_is_not_in_use_does_not_grow():
    gate = await limited(4)
    for _ in range(50):
        (seat,) = await fill(gate, 1)
        seat.leave(complete=True)
    assert only(gate).limit == 4


async def test_a_configured_maximum_holds_from_the_beginning_and_is_never_exceeded(autojump_clock):
    gate = ProviderGate(most=2)
    seats = await fill(gate, 2)
    with trio.move_on_after(10) as waiting:
        await gate.enter(TARGET)
    assert waiting.cancelled_caught
    for _ in range(20):
        seats.pop(0).leave(complete=True)
        seats += await fill(gate, 1)
    assert only(gate).limit == 2


# Accounts


async def test_accounts_are_told_apart_by_address_and_key(autojump_clock):
    gate = ProviderGate(most=1)
    for target in (TARGET, OTHER_KEY, OTHER_PLACE):
        await fill(gate, 1, target)
    with trio.move_on_after(10) as waiting:
        await gate.enter(OTHER_MODEL)
    assert waiting.cancelled_caught
    assert [account.name for account in gate.accounts()] == ["models.test", "models.test", "elsewhere.test"]


async def test_the_gate_does_not_keep_keys():
    gate = ProviderGate()
    await fill(gate, 1, ModelTarget("custom", "m", "https://models.test/v1", "sk-" + "unusual" * 3))
    texts = [one for one in _reachable(gate) if isinstance(one, str)]
    assert not any("unusual" in text for text in texts)


def _reachable(root: object) -> list[object]:
    """Everything below the gate that is data."""
    seen: dict[int, object] = {}
    left = [root]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen[id(one)] = one
        left += gc.get_referents(one)
    return list(seen.values())


async def test_idle_accounts_are_forgotten(autojump_clock):
    gate = ProviderGate()
    for number in range(50):
        (seat,) = await fill(gate, 1, ModelTarget("custom", "m", f"https://{number}.test"))
        seat.leave(complete=True)
    await trio.sleep(61)
    await fill(gate, 1)
    assert [account.name for account in gate.accounts()] == ["models.test"]


async def test_a_learnt_limit_is_remembered_for_a_while_and_then_forgotten(autojump_clock):
    gate = await limited(4)
    await trio.sleep(300)
    (seat,) = await fill(gate, 1, OTHER_PLACE)
    assert [account.limit for account in gate.accounts()] == [4, None]
    seat.leave()
    await trio.sleep(301)
    await fill(gate, 1)
    assert [account.limit for account in gate.accounts()] == [None]


async def test_an_account_in_use_is_never_forgotten(autojump_clock):
    gate = ProviderGate()
    seats = await fill(gate, 1)
    await trio.sleep(10_000)
    seats += await fill(gate, 1)
    assert only(gate).running == 2


# The line


async def test_whoever_waits_is_served_in_order(autojump_clock):
    gate = ProviderGate(most=1)
    (seat,) = await fill(gate, 1)
    order: list[str] = []

    async def one(name: str) -> None:
        mine = await gate.enter(TARGET)
        order.append(name)
        await trio.sleep(1)
        mine.leave(complete=True)

    async with trio.open_nursery() as nursery:
        for name in "abcdefgh":
            nursery.start_soon(one, name)
            await trio.testing.wait_all_tasks_blocked()
        assert only(gate).waiting == 8
        seat.leave()
    assert "".join(order) == "abcdefgh"


async def test_a_newcomer_does_not_overtake(autojump_clock):
    gate = ProviderGate(most=1)
    (seat,) = await fill(gate, 1)
    async with line(gate, "first") as begun:
        seat.leave()  # the first in line has not run yet
        with trio.move_on_after(5):
            await gate.enter(TARGET)
        assert begun == ["first"]


async def test_a_limit_that_grows_lets_several_begin():
    gate = ProviderGate(most=3)
    seats = await fill(gate, 3)
    async with line(gate, "a", "b", "c", "d") as begun:
        for seat in seats[:2]:
            seat.leave()
        await trio.testing.wait_all_tasks_blocked()
        assert begun == ["a", "b"]


async def test_cancelling_one_that_waits_leaves_the_others_their_order(autojump_clock):
    gate = ProviderGate(most=1)
    (seat,) = await fill(gate, 1)
    order: list[str] = []
    scopes: dict[str, trio.CancelScope] = {}

    async def one(name: str) -> None:
        with trio.CancelScope() as scopes[name]:
            mine = await gate.enter(TARGET)
            order.append(name)
            mine.leave()

    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(one, name)
            await trio.testing.wait_all_tasks_blocked()
        scopes["a"].cancel()
        scopes["c"].cancel()
        seat.leave()
    assert order == ["b", "d"]
    assert (only(gate).running, only(gate).waiting) == (0, 0)


async def test_one_that_is_cancelled_just_when_its_turn_comes_takes_no_seat():
    gate = ProviderGate(most=1)
    (seat,) = await fill(gate, 1)
    async with line(gate, "a"):
        seat.leave()
    assert (only(gate).running, only(gate).waiting) == (0, 0)
    await fill(gate, 1)


# Pauses


async def test_after_retry_after_nobody_begins_until_then_and_then_in_order(autojump_clock):
    gate = ProviderGate()
    seats = await fill(gate, 8)
    seats.pop().leave(too_many(7))
    for seat in seats:
        seat.leave()
    async with line(gate, "a", "b", "c") as begun:
        await trio.sleep(6.9)
        assert begun == []
        await trio.sleep(0.2)
        assert begun == ["a", "b", "c"]


async def test_a_longer_pause_replaces_a_shorter_one_but_not_the_other_way_round(autojump_clock):
    gate = ProviderGate()
    first, second, third = await fill(gate, 3)
    for seat, pause in ((first, 5), (second, 20), (third, 1)):
        seat.leave(too_many(pause))
    await gate.enter(TARGET)
    assert trio.current_time() == 20


async def test_a_pause_that_begins_while_others_wait_holds_them_back(autojump_clock):
    gate = ProviderGate(most=2)
    first, second = await fill(gate, 2)
    async with line(gate, "a") as begun:
        first.leave(too_many(10))
        second.leave()
        await trio.sleep(9)
        assert begun == []
        await trio.sleep(2)
        assert begun == ["a"]


async def test_a_pause_is_about_one_model_so_that_a_fallback_can_answer(autojump_clock):
    gate = ProviderGate()
    seats = await fill(gate, 4)
    seats.pop().leave(too_many(10))
    for seat in seats:
        seat.leave()
    async with line(gate, "a", "b!", "c") as begun:
        assert begun == ["b!"]
        await trio.sleep(11)
        assert begun == ["b!", "a"]  # the limit is two


async def test_a_pause_nobody_waits_for_is_told_at_once(autojump_clock):
    gate = ProviderGate()
    (seat,) = await fill(gate, 1)
    seat.leave(too_many(600))
    await trio.sleep(100)
    with pytest.raises(ModelError) as caught:
        await gate.enter(TARGET)
    assert (caught.value.code, caught.value.retry_after) == ("model_rate_limited", 500)
    assert trio.current_time() == 100


async def test_a_long_pause_sends_those_away_who_wait_already(autojump_clock):
    gate = ProviderGate(most=1)
    (seat,) = await fill(gate, 1)
    failures: list[float | None] = []

    async def one() -> None:
        try:
            await gate.enter(TARGET)
        except ModelError as error:
            failures.append(error.retry_after)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(one)
        await trio.testing.wait_all_tasks_blocked()
        seat.leave(too_many(600))
    assert failures == [600, 600, 600]
    assert only(gate).waiting == 0


async def test_after_an_hour_a_provider_is_tried_again_whatever_it_said(autojump_clock):
    gate = ProviderGate()
    (seat,) = await fill(gate, 1)
    seat.leave(too_many(1e9))
    await trio.sleep(3600)
    await fill(gate, 1)


# In a stream


class Limited:
    """A provider that answers each request for a second, and refuses the ones beyond its limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self.most = 0
        self.refused = 0

    def __call__(self, _request: httpx.Request) -> httpx.Response:
        if self.running >= self.limit:
            self.refused += 1
            return httpx.Response(429, headers={"Retry-After": "2"}, json={"error": {"message": "slow down"}})
        self.running += 1
        self.most = max(self.most, self.running)
        return httpx.Response(200, stream=Running(self))


class Running(Pieces):
    """An answer that counts as running until it is closed."""

    def __init__(self, provider: Limited) -> None:
        super().__init__([1.0, sse(chunk("Hi", "stop"), DONE)])
        self.provider = provider

    async def aclose(self) -> None:
        if not self.closed:
            self.provider.running -= 1
        await super().aclose()


async def test_three_profiles_share_a_limit_of_one_without_a_single_429(autojump_clock):
    provider, gate = Limited(1), ProviderGate(most=1)
    scopes = [make_scope(handler=provider, gate=gate) for _ in range(3)]
    order: list[int] = []

    async def one(number: int) -> None:
        await collect(scopes[number % 3])
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(one, number)
            await trio.testing.wait_all_tasks_blocked()
    assert (provider.refused, provider.most) == (0, 1)
    assert order == list(range(12))


async def test_without_a_configured_limit_the_provider_s_own_is_found(autojump_clock):
    provider, gate = Limited(4), ProviderGate()
    scope = make_scope(handler=provider, gate=gate, attempts=10)
    answered = 0

    async def one() -> None:
        nonlocal answered
        assert await collect(scope) == [TextDelta("Hi"), Finish("stop")]
        answered += 1

    async with trio.open_nursery() as nursery:
        for _ in range(60):
            nursery.start_soon(one)
    assert answered == 60
    assert provider.most == 4
    assert provider.refused < 60 + 60


async def test_a_failed_request_gives_its_seat_back_before_the_retry_waits(autojump_clock):
    gate = ProviderGate(most=1)
    handlers = [httpx.Response(503), None]

    def answer(request: httpx.Request) -> httpx.Response:
        assert only(gate).running == 1
        return handlers.pop(0) or answering(chunk("Hi", "stop"), DONE)(request)

    assert await collect(make_scope(handler=answer, gate=gate)) == [TextDelta("Hi"), Finish("stop")]
    assert only(gate).running == 0


@pytest.mark.parametrize("end", ["leave", "cancel", "fail"])
async def test_every_end_of_a_stream_gives_the_seat_back(autojump_clock, end):
    gate = ProviderGate()
    tail = [httpx.ReadError("lost")] if end == "fail" else [3600.0]
    scope = make_scope(handler=lambda _request: httpx.Response(200, stream=Pieces([sse(chunk("a")), *tail])), gate=gate)
    with trio.move_on_after(10):
        try:
            async with open_stream(scope, ask()) as stream:
                await stream.__anext__()
                assert only(gate).running == 1
                if end != "leave":
                    await stream.__anext__()
        except ModelError:
            pass
    assert only(gate).running == 0


async def test_waiting_in_line_does_not_use_up_the_first_token_s_time(autojump_clock):
    gate = ProviderGate(most=1)
    target_like = ModelTarget("custom", "small", "https://models.test/v1", "sk-very-secret-key")
    (seat,) = await fill(gate, 1, target_like)
    async with trio.open_nursery() as nursery:
        got: list[object] = []

        async def one() -> None:
            got.extend(await collect(make_scope(handler=answering(chunk("Hi", "stop"), DONE), gate=gate)))

        nursery.start_soon(one)
        await trio.sleep(1000)
        seat.leave()
    assert got == [TextDelta("Hi"), Finish("stop")]


async def test_a_long_pause_of_the_main_model_leads_to_the_fallback_at_once(autojump_clock):
    models: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        models.append("big" if b'"big"' in request.content else "small")
        if models[-1] == "big":
            return httpx.Response(429, headers={"Retry-After": "600"})
        return answering(chunk("Hi", "stop"), DONE)(request)

    gate = ProviderGate()
    base = {"base_url": "https://models.test/v1", "api_key": "key-of-both"}
    scope = make_scope(
        ModelConfig(name="big", **base),
        answer,
        fallbacks=(FallbackConfig("custom", "small", **base),),
        gate=gate,
    )
    for _ in range(3):
        assert await collect(scope) == [TextDelta("Hi"), Finish("stop")]
    assert models == ["big", "small", "small", "small"]
    assert trio.current_time() < 1


async def test_good_answers_let_the_limit_grow_and_broken_ones_do_not(autojump_clock):
    gate = ProviderGate()
    (seat,) = await fill(gate, 1, ModelTarget("custom", "small", "https://models.test/v1", "sk-very-secret-key"))
    seat.leave(too_many())
    broken = make_scope(handler=answering(chunk("Hi")), gate=gate)
    with pytest.raises(ModelError):
        await collect(broken)
    assert only(gate).limit == 1
    await collect(make_scope(handler=answering(chunk("Hi", "stop"), DONE), gate=gate))
    assert only(gate).limit == 2
