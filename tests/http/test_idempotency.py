import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.http.idempotency import KEPT_RESULTS, IdempotencyCache, request_fingerprint


def counting(result="answer"):
    async def work():
        work.runs += 1
        await trio.lowlevel.checkpoint()
        return (result, work.runs)

    work.runs = 0
    return work


def fingerprint(key="k", endpoint="chat", body=None):
    return request_fingerprint(key, endpoint, body or {}, ("model", "messages"))


async def test_a_repeated_request_gets_the_first_result():
    cache, work = IdempotencyCache(), counting()
    assert await cache.once("f", work) == await cache.once("f", work) == ("answer", 1)


async def test_after_five_minutes_the_request_runs_again(autojump_clock):
    cache, work = IdempotencyCache(), counting()
    await cache.once("f", work)
    await trio.sleep(299)
    await cache.once("f", work)
    assert work.runs == 1
    await trio.sleep(2)
    await cache.once("f", work)
    assert work.runs == 2


async def test_a_request_that_comes_during_the_first_waits_for_its_result(autojump_clock):
    cache, work, results = IdempotencyCache(), counting(), []

    async def ask() -> None:
        results.append(await cache.once("f", work))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
    assert results == [("answer", 1)] * 2


async def test_a_failure_is_not_kept():
    cache, work = IdempotencyCache(), counting()

    async def fail():
        raise ValueError("model down")

    with pytest.raises(ValueError, match="model down"):
        await cache.once("f", fail)
    assert await cache.once("f", work) == ("answer", 1)


async def test_a_cancelled_first_request_leaves_the_work_to_the_one_that_waits():
    cache, work, scope = IdempotencyCache(), counting(), trio.CancelScope()

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
    cache, work = IdempotencyCache(), counting()
    for number in range(KEPT_RESULTS + 2):
        await cache.once(str(number), work)
    runs = work.runs
    await cache.once(str(KEPT_RESULTS + 1), work)
    assert work.runs == runs
    await cache.once("0", work)
    assert work.runs == runs + 1


def test_the_fingerprint_covers_what_is_asked():
    assert fingerprint(body={"model": "a"}) != fingerprint(body={"model": "b"})


def test_the_fingerprint_covers_the_key_and_the_endpoint_and_nothing_else():
    assert fingerprint(key="other") != fingerprint()
    assert fingerprint(endpoint="other") != fingerprint()
    assert fingerprint(body={"temperature": 1}) == fingerprint(body={"temperature": 2})


async def test_a_cancelled_request_that_others_pushed_out_takes_nothing_with_it(autojump_clock):
    cache, work, scope = IdempotencyCache(), counting(), trio.CancelScope()

    async def hang() -> None:
        with scope:
            await cache.once("f", trio.sleep_forever)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang)
        await wait_all_tasks_blocked()
        for number in range(KEPT_RESULTS + 2):
            await cache.once(str(number), work)
        again = counting()
        assert await cache.once("f", again) == ("answer", 1)
        scope.cancel()
    assert await cache.once("f", again) == ("answer", 1)


async def test_a_result_that_is_not_fresh_is_told_again():
    cache, work, told = IdempotencyCache(), counting(), []

    async def again(result) -> None:
        told.append(result)

    for fingerprint_ in ("f", "f", None, None):
        await cache.once_or_again(fingerprint_, work, again)
    assert told == [("answer", 1)]
    assert work.runs == 3
