"""Waiting for a commit that somebody has to act on."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import StoreError
from hermes_trio.store.commit import COMMIT_SECONDS, wait_for_commit
from tests.store.stand_in import open_store


async def test_what_is_slow_for_too_long_is_an_error(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        with pytest.raises(StoreError) as caught:
            await wait_for_commit(scope, trio.sleep_forever)
    assert caught.value.code == "store_slow"
    assert trio.current_time() == pytest.approx(COMMIT_SECONDS)


async def test_a_cancelled_caller_gets_the_result_and_can_act_before_it_notices(autojump_clock):
    acted = []

    async def write():
        await trio.sleep(1)
        return 42

    with trio.CancelScope() as scope:
        scope.cancel()
        acted.append(await wait_for_commit(None, write))
        acted.append("acted")
        await trio.lowlevel.checkpoint()
        acted.append("never")
    assert acted == [42, "acted"]


async def test_what_the_write_raises_is_raised(autojump_clock):
    async def write():
        raise LookupError

    with pytest.raises(LookupError):
        await wait_for_commit(None, write)
