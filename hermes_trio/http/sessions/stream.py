"""The server-sent events of a chat in a session: named, numbered, each with its session, run and time."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.http.errors import error_answer
from hermes_trio.http.sessions.objects import SessionUsage
from hermes_trio.models.events import ReasoningDelta, TextDelta
from hermes_trio.turns.events import ToolFinished, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.http.message_content import Content
    from hermes_trio.models.events import Usage
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnResult

_encode = msgspec.json.Encoder().encode


def token_usage(usage: Usage) -> SessionUsage:
    """Token counts as Hermes' own endpoints tell them."""
    return SessionUsage(usage.input_tokens, usage.output_tokens, usage.input_tokens + usage.output_tokens)


class SessionEncoder:
    """Encodes the events of one answer; see `hermes_trio.http.turn_relay.StreamEncoder`.

    Args:
        session_id: The session.
        run_id: Names the answer.
        user_message: What the user said.
        now: Seconds since the epoch.
    """

    def __init__(self, session_id: str, run_id: str, user_message: Content, now: Callable[[], float]) -> None:
        self._session_id = session_id
        self._run_id = run_id
        self._user_message = {"role": "user", "content": user_message}
        self._now = now
        self._message_id = f"msg_{secrets.token_hex(12)}"
        self._sequence = 0
        self._after_tools = False
        # Numbered before the first events, after which it is asked for.
        message = {"id": self._message_id, "role": "assistant"}
        self._opening = self._event("run.started", user_message=self._user_message)
        self._opening += self._event("message.started", message=message)

    def opening(self) -> bytes:
        """The answer begins."""
        return self._opening

    def events(self, events: Sequence[TurnEvent]) -> bytes:
        """One event for each piece of text or thought and each step of a tool."""
        return b"".join(self._encoded(event) for event in events)

    def closing(self, result: TurnResult) -> bytes:
        """The whole answer, and what it took."""
        answer = {"role": "assistant", "content": result.text}
        return b"".join(
            (
                self._event("assistant.completed", message_id=self._message_id, content=result.text),
                self._event("run.completed", messages=[self._user_message, answer], usage=token_usage(result.usage)),
                self._event("done"),
            )
        )

    def failure(self, error: HermesTrioError) -> bytes:
        """What went wrong, as other answers tell it."""
        body = msgspec.json.decode(error_answer(error).body)
        return self._event("error", **body) + self._event("done")

    def _encoded(self, event: TurnEvent) -> bytes:
        message_id = self._message_id
        if isinstance(event, TextDelta):
            delta = "\n\n" + event.text if self._after_tools else event.text
            self._after_tools = False
            return self._event("assistant.delta", message_id=message_id, delta=delta)
        if isinstance(event, ReasoningDelta):
            return self._event("tool.progress", message_id=message_id, tool_name="_thinking", delta=event.text)
        if isinstance(event, ToolStarted):
            self._after_tools = True
            told = {"tool_name": event.tool, "tool_call_id": event.call_id}
            arguments = _arguments(event.arguments)
            return self._event("tool.started", message_id=message_id, **told, preview=event.label, args=arguments)
        if isinstance(event, ToolFinished):
            self._after_tools = True
            told = {"tool_name": event.tool, "tool_call_id": event.call_id}
            return self._event("tool.failed" if event.failed else "tool.completed", message_id=message_id, **told)
        return b""

    def _event(self, name: str, **payload: object) -> bytes:
        place = {"session_id": self._session_id, "run_id": self._run_id, "seq": self._sequence, "ts": self._now()}
        self._sequence += 1
        return b"event: " + name.encode() + b"\ndata: " + _encode(payload | place) + b"\n\n"


def _arguments(written: str) -> dict[str, object]:
    """A call's arguments; none when the model did not write an object."""
    try:
        arguments = msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return arguments if isinstance(arguments, dict) else {}
