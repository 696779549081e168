"""The kit's checks, run against our adapters."""

from __future__ import annotations

import pytest

from hermes_trio.testing.conformance import conformance_checks
from hermes_trio.testing.loopback.rig import LoopbackRig
from tests.testing.conformance.plain_rig import PlainRig
from tests.testing.conformance.telegram_rig import TelegramRig, TelegramWebhookRig

SLOW = (
    "rides_out_an_outage_at_connect",
    "parks_on_a_refused_credential",
    "parks_on_a_revoked_credential",
    "parks_the_second_user_of_a_credential",
    "leaves_nothing_behind",
)


def checks(rig):
    return [
        pytest.param(check, marks=[pytest.mark.slow] if check.name.startswith(SLOW) else [])
        for check in conformance_checks(rig)
    ]


@pytest.mark.parametrize("check", checks(LoopbackRig()), ids=str)
async def test_loopback(check, autojump_clock):
    await check()


@pytest.mark.parametrize("check", checks(TelegramRig()), ids=str)
async def test_telegram(check, autojump_clock):
    await check()


@pytest.mark.parametrize("check", checks(TelegramWebhookRig()), ids=str)
async def test_telegram_with_webhooks(check, autojump_clock):
    await check()


@pytest.mark.slow
@pytest.mark.parametrize("check", checks(PlainRig()), ids=str)
async def test_an_adapter_that_can_do_very_little(check, autojump_clock):
    await check()
