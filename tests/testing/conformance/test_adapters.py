"""The kit's checks, run against our adapters."""

from __future__ import annotations

import pytest

from hermes_trio.testing.conformance import conformance_checks
from hermes_trio.testing.loopback.rig import LoopbackRig
from tests.testing.conformance.telegram_rig import TelegramRig


@pytest.mark.parametrize("check", conformance_checks(LoopbackRig()), ids=str)
async def test_loopback(check, autojump_clock):
    await check()


@pytest.mark.parametrize("check", conformance_checks(TelegramRig()), ids=str)
async def test_telegram(check, autojump_clock):
    await check()
