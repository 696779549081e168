import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.errors import RequestError
from hermes_trio.http.idempotency import KEPT_BYTES, KEPT_RESULTS, IdempotencyCache, request_fingerprint


def counting(result="answer"):
    async def work():
        work.runs += 1
        await trio.lowlevel.checkpoint()
        return (result, work.runs)

    work.runs = 0
    return work


def fingerprint(key="k", endpoint="chat", place=(None, None), body=None):
    return request_fingerprint(key, endpoint, place, body or {}, ("model", "messages"))


async def test_a_repeated_request_gets_the_first_result():
    cache, work = IdempotencyCache(len), counting()
    assert await cache.once("f", work) == await cache.once("f", work) == ("answer", 1)


async def test_after_five_minutes_the_request_runs_again(autojump_clock):
    cache, work = IdempotencyCache(len), counting()
    await cache.once("f", work)
    await trio.sleep(299)
    await cache.once("f", work)
    assert work.runs == 1
    await trio.sleep(2)
    await cache.once("f", work)
    assert work.runs == 2


async def test_a_request_that_comes_during_the_first_waits_for_its_result(autojump_clock):
    cache, work, results = IdempotencyCache(len), counting(), []

    async def ask() -> None:
        results.append(await cache.once("f", work))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
    assert results == [("answer", 1)] * 2


async def test_a_failure_is_not_kept():
    cache, work = IdempotencyCache(len), counting()

    async def fail():
        raise ValueError("model down")

    with pytest.raises(ValueError, match="model down"):
        await cache.once("f", fail)
    assert await cache.once("f", work) == ("answer", 1)


async def test_a_cancelled_first_request_leaves_the_work_to_the_one_that_waits():
    cache, work, scope = IdempotencyCache(len), counting(), trio.CancelScope()

    async def hang() -> None:
        with scope:
            await cache.once("f", trio.sleep_forever)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang)
        await wait_all_tasks_blocked()
        nursery.start_soon(cache.once, "f", work)
        await wait_all_tasks_blocked()
        scope.cancel()
    assert work.runs == 1


async def test_only_the_newest_thousand_results_are_kept():
    cache, work = IdempotencyCache(len), counting()
    for number in range(KEPT_RESULTS + 2):
        await cache.once(str(number), work)
    runs = work.runs
    await cache.once(str(KEPT_RESULTS + 1), work)
    assert work.runs == runs
    await cache.once("0", work)
    assert work.runs == runs + 1


def test_the_fingerprint_covers_what_is_asked():
    assert fingerprint(body={"model": "a"}) != fingerprint(body={"model": "b"})


def test_the_fingerprint_covers_the_key_the_endpoint_and_the_place_and_nothing_else():
    assert fingerprint(key="other") != fingerprint()
    assert fingerprint(endpoint="other") != fingerprint()
    assert fingerprint(place=("session", None)) != fingerprint(place=(None, "session")) != fingerprint()
    assert fingerprint(body={"temperature": 1}) == fingerprint(body={"temperature": 2})


async def test_a_request_that_runs_is_not_pushed_out_by_others(autojump_clock):
    cache, work, slow, told = IdempotencyCache(len), counting(), trio.Event(), []

    async def first():
        await slow.wait()
        return "the first answer"

    async def ask() -> None:
        told.append(await cache.once("f", first))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        for number in range(KEPT_RESULTS + 2):
            await cache.once(str(number), work)
        nursery.start_soon(cache.once, "f", work)
        await wait_all_tasks_blocked()
        slow.set()
    assert told == ["the first answer"]
    assert work.runs == KEPT_RESULTS + 2


async def test_results_are_kept_within_32_mib(autojump_clock):
    cache, work = IdempotencyCache(lambda _: KEPT_BYTES // 2), counting()
    for number in range(3):
        await cache.once(str(number), work)
    await cache.once("2", work)
    await cache.once("1", work)
    assert work.runs == 3
    await cache.once("0", work)
    assert work.runs == 4


async def test_a_result_that_is_too_large_to_be_kept_reaches_those_that_waited(autojump_clock):
    cache, work, results = IdempotencyCache(lambda _: KEPT_BYTES + 1), counting(), []

    async def ask() -> None:
        results.append(await cache.once("f", work))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
    assert results == [("answer", 1)] * 2
    assert await cache.once("f", work) == ("answer", 2)


async def test_a_result_that_is_not_fresh_is_told_again():
    cache, work, told = IdempotencyCache(len), counting(), []

    async def again(result) -> None:
        told.append(result)

    for fingerprint_ in ("f", "f", None, None):
        await cache.once_or_again(fingerprint_, work, again)
    assert told == [("answer", 1)]
    assert work.runs == 3


def test_a_body_that_is_nested_too_deeply_is_the_clients_mistake():
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(RequestError) as caught:
        fingerprint(body={"messages": deep})
    assert caught.value.status == 400
