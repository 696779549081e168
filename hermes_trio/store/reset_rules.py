"""When a chat's conversation begins anew by itself. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import tzinfo

    from hermes_trio.home.chat_config import ResetPolicy
    from hermes_trio.io.clock import Clock

ResetReason = Literal["", "idle", "daily", "suspended"]


def reset_reason(policy: ResetPolicy, last_active: float, clock: Clock, zone: tzinfo | None) -> ResetReason:
    """Why a conversation is to begin anew now: ``idle`` or ``daily``; empty when it goes on.

    Args:
        policy: The user's rules.
        last_active: When the last message came, in seconds since the epoch.
        clock: Tells the time.
        zone: Zone of the hour of a daily reset; None for the machine's.
    """
    if policy.mode in ("idle", "both") and clock.now() - last_active >= policy.idle_minutes * 60:
        return "idle"
    if policy.mode in ("daily", "both") and last_active < last_daily_reset(policy.at_hour, clock, zone):
        return "daily"
    return ""


def last_daily_reset(at_hour: int, clock: Clock, zone: tzinfo | None) -> float:
    """The last time that clocks in ``zone`` showed the full hour, in seconds since the epoch.

    An hour that a change of clocks leaves out counts as the moment of the change; one that comes twice counts once.
    """
    today = clock.local(zone).date()
    days = (datetime.combine(today - timedelta(days=back), time(at_hour)) for back in (0, 1, 2))
    moments = (clock.instant(day) if zone is None else day.replace(tzinfo=zone).timestamp() for day in days)
    return next(moment for moment in moments if moment <= clock.now())
