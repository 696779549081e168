"""What the health endpoints give."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Health(msgspec.Struct, frozen=True):
    """The process lives; under a profile's prefix also: the profile serves."""

    status: Literal["ok"]
    platform: str
    version: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether everything that the profile needs works.

    Attributes:
        status: The sum of the checks.
        checks: By name; each has a `status` of `ok` or `error`, and what else there is to say.
    """

    status: Literal["ready", "not_ready"]
    checks: dict[str, dict[str, Any]]


class DetailedHealth(msgspec.Struct, frozen=True):
    """How a profile is doing.

    Attributes:
        status: `degraded` when a check has failed.
        readiness: The checks.
        platform: The program that it is compatible with.
        version: Version of this gateway.
        profile: The profile.
        gateway_state: `draining`, or the state of the profile.
        platforms: Its bots, by platform: `state`, `error_code`, `error_message`, `updated_at`.
        active_agents: Answers that are being worked on.
        gateway_busy: Whether there are any.
        gateway_drainable: Whether it serves.
        exit_reason: Always null.
        updated_at: Since when it is in this state.
        pid: The process.
    """

    status: Literal["ok", "degraded"]
    readiness: Readiness
    platform: str
    version: str
    profile: str
    gateway_state: str
    platforms: dict[str, Any]
    active_agents: int
    gateway_busy: bool
    gateway_drainable: bool
    exit_reason: None
    updated_at: str
    pid: int
