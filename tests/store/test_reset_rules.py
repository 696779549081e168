"""When a conversation begins anew: by hours of idleness, by a clock on the wall, around changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.chat_config import ResetPolicy
from hermes_trio.io.clock import FixedClock, SystemClock
from hermes_trio.store.reset_rules import last_daily_reset, reset_reason

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    None,
    *map(
        ZoneInfo,
        ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"),
    ),
]


def epoch(text, zone=UTC, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("mode", "quiet_minutes", "expected"),
    [("idle", 29, ""), ("idle", 30, "idle"), ("both", 30, "idle"), ("none", 30, ""), ("daily", 30, "")],
)
def test_idle(mode, quiet_minutes, expected):
    clock = FixedClock(epoch("2026-06-01T12:00"))
    policy = ResetPolicy(mode=mode, idle_minutes=30)
    assert reset_reason(policy, clock.now() - quiet_minutes * 60, clock, None) == expected


@pytest.mark.parametrize(
    ("now", "last_active", "expected"),
    [
        ("2026-06-02T03:59", "2026-06-01T04:01", ""),
        ("2026-06-02T04:00", "2026-06-02T03:59", "daily"),
        ("2026-06-02T04:00", "2026-06-02T04:00", ""),
        ("2026-06-02T12:00", "2026-06-02T04:00", ""),
        ("2026-06-02T12:00", "2026-05-01T00:00", "daily"),
        ("2026-06-02T03:59", "2026-06-01T03:59", "daily"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_daily_goes_by_the_clocks_of_the_zone(now, last_active, expected, zone):
    zone = ZoneInfo(zone)
    policy = ResetPolicy(mode="daily", at_hour=4)
    assert reset_reason(policy, epoch(last_active, zone), FixedClock(epoch(now, zone)), zone) == expected


def test_both_asks_for_either():
    clock = FixedClock(epoch("2026-06-02T04:10"))
    policy = ResetPolicy(mode="both", at_hour=4, idle_minutes=60)
    assert reset_reason(policy, epoch("2026-06-02T03:55"), clock, None) == "daily"


def test_an_hour_that_is_left_out_counts_as_the_change_of_clocks():
    """On 29 March 2026 the clocks of Berlin went from 2 to 3."""
    clock = FixedClock(epoch("2026-03-29T12:00", BERLIN))
    assert last_daily_reset(2, clock, BERLIN) == epoch("2026-03-29T03:00", BERLIN)


def test_an_hour_that_comes_twice_counts_once():
    """On 25 October 2026 the clocks of Berlin go from 3 back to 2."""
    first, second = epoch("2026-10-25T02:00", BERLIN), epoch("2026-10-25T02:00", BERLIN, fold=1)
    assert second - first == 3600
    for now in (first, first + 1800, second, second + 1800):
        assert last_daily_reset(2, FixedClock(now), BERLIN) == first


@given(
    at_hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    zone=st.sampled_from(ZONES),
)
def test_the_last_reset_is_past_less_than_a_day_and_some_hours_ago_and_stays_until_the_next(at_hour, moment, zone):
    now = moment.replace(tzinfo=UTC).timestamp()
    clock = FixedClock(now)
    last = last_daily_reset(at_hour, clock, zone)
    assert last <= now
    assert now - last <= 26 * 3600
    shown = datetime.fromtimestamp(last, zone or UTC)
    assert shown.hour == at_hour or shown - timedelta(hours=2) < shown.replace(hour=at_hour) < shown
    assert last_daily_reset(at_hour, FixedClock(last), zone) == last


@given(
    hours=st.lists(st.floats(0.1, 40), min_size=1, max_size=30),
    at_hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
)
def test_a_conversation_is_reset_once_per_passing_of_the_hour(hours, at_hour, zone):
    """However messages fall, each is reset exactly when the hour passed since the one before."""
    clock, policy = FixedClock(), ResetPolicy(mode="daily", at_hour=at_hour)
    before = clock.now()
    passed = last_daily_reset(at_hour, clock, zone)
    for pause in hours:
        clock.advance(pause * 3600)
        latest = last_daily_reset(at_hour, clock, zone)
        assert (reset_reason(policy, before, clock, zone) == "daily") == (latest > passed)
        before, passed = clock.now(), latest


def test_the_clock_of_the_machine_reads_its_own_local_time():
    clock = SystemClock()
    for offset in (0, 100 * 86_400, 200 * 86_400):
        moment = clock.now() - offset
        local = datetime.fromtimestamp(moment)
        assert abs(clock.instant(local) - moment) in (pytest.approx(0, abs=1e-3), pytest.approx(3600, abs=1e-3))
