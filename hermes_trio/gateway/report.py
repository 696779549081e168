"""How the gateway and its profiles are doing, computed from the live tree."""

from __future__ import annotations

import msgspec


class AdapterReport(msgspec.Struct, frozen=True):
    """One bot.

    Attributes:
        platform: The platform's name.
        state: One of the states of `hermes_trio.gateway.adapter_slot.AdapterState`.
        reason: Stable code that explains the state.
        detail: One line for people, with what mends it.
        since: Wall time of the last change of state, seconds since the epoch.
        next_retry: Wall time of the next try.
        bot: The bot's name at its platform, empty before it has connected.
        received: Messages that came in since the profile started.
        sent: Messages that went out since then.
        dropped: How many of those that came in were not taken, by reason.
    """

    platform: str
    state: str
    reason: str | None
    detail: str | None
    since: float
    next_retry: float | None
    bot: str
    received: int
    sent: int
    dropped: dict[str, int]


class TurnReport(msgspec.Struct, frozen=True):
    """One answer to a chat that is being made.

    Attributes:
        turn: Its id.
        session_key: The conversation.
        transport_profile: Whose bot received the message and will answer.
        seconds: How long it has been running.
        idle_seconds: How long nothing has happened in it.
        tool: The tool that runs now, or an empty text.
        api_calls: How often the model has answered.
        queued: Messages of the conversation that wait for its end.
    """

    turn: str
    session_key: str
    transport_profile: str
    seconds: float
    idle_seconds: float
    tool: str
    api_calls: int
    queued: int


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
        adapters: Its bots.
        turns: The answers to chats that are being made; those for HTTP clients are not among them.
        held: Messages of its bots that wait for other profiles.
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
    adapters: list[AdapterReport] = msgspec.field(default_factory=list)
    turns: list[TurnReport] = msgspec.field(default_factory=list)
    held: int = 0


class GatewayReport(msgspec.Struct, frozen=True):
    """The whole gateway.

    Attributes:
        state: ``starting``, ``running``, ``degraded`` (some profile does not serve) or ``draining``.
        since: Wall time of the start, seconds since the epoch.
        address: Where the listener accepts, e.g. ``http://127.0.0.1:8642``; empty before it does.
        webhook_address: Where webhooks have a listener of their own, or empty.
        webhook_problem: What is wrong with the webhook platform, or empty.
    """

    pid: int
    version: str
    home: str
    address: str
    state: str
    since: float
    active_turns: int
    profiles: list[ProfileReport]
    webhook_address: str = ""
    webhook_problem: str = ""
