"""A chat that remembers what it shows, on the clock of trio."""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from hermes_trio.adapter_api.errors import AdapterError, NotModified
from hermes_trio.adapter_api.outgoing import OutgoingText, SentMessage, Target

HERE = Target("42")


@dataclass
class Chat:
    """Attributes: ``failures`` are raised by the next calls, None lets one pass; ``seconds`` is what a call takes."""

    seconds: float = 0.0
    failures: list[AdapterError | None] = field(default_factory=list)
    messages: dict[str, OutgoingText] = field(default_factory=dict)
    calls: list[tuple[float, str, str]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages.values()]

    def times(self, verb: str) -> list[float]:
        return [at for at, called, _ in self.calls if called == verb]

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        await self._call("send", text.text)
        message_id = str(len(self.calls))
        self.messages[message_id] = text
        return SentMessage(message_id)

    async def edit(self, target: Target, message_id: str, text: OutgoingText) -> None:
        await self._call("edit", text.text)
        if self.messages[message_id] == text:
            raise NotModified("the same")
        self.messages[message_id] = text

    async def delete(self, target: Target, message_id: str) -> None:
        await self._call("delete", message_id)
        del self.messages[message_id]

    async def _call(self, verb: str, what: str) -> None:
        assert HERE
        self.calls.append((trio.current_time(), verb, what))
        await trio.sleep(self.seconds)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
