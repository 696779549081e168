"""How the gateway and its profiles are doing, computed from the live tree."""

from __future__ import annotations

import msgspec


class ProfileReport(msgspec.Struct, frozen=True):
    """One profile.

    Attributes:
        state: One of the states of `hermes_trio.gateway.states.ProfileState`.
        reason: Stable code that explains the state.
        detail: One line for people.
        since: Wall time of the last change of state, seconds since the epoch.
        next_retry: Wall time of the next try.
        generation: Number of starts so far.
        active_turns: Turns that run now.
        model: The configured model, empty while the profile does not serve.
        path_prefix: What a client puts before ``/v1``.
    """

    name: str
    state: str
    reason: str | None
    detail: str | None
    since: float
    next_retry: float | None
    generation: int
    active_turns: int
    model: str
    path_prefix: str


class GatewayReport(msgspec.Struct, frozen=True):
    """The whole gateway.

    Attributes:
        state: ``starting``, ``running``, ``degraded`` (some profile does not serve) or ``draining``.
        since: Wall time of the start, seconds since the epoch.
        address: Where the listener accepts, e.g. ``http://127.0.0.1:8642``; empty before it does.
    """

    pid: int
    version: str
    home: str
    address: str
    state: str
    since: float
    active_turns: int
    profiles: list[ProfileReport]
