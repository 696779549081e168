"""A small streaming client of one profile's chat endpoint."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.models.sse import SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 300.0
"""Seconds without a byte; the gateway sends a comment every 30 s while a model thinks."""


class ChatError(HermesTrioError):
    """The gateway or the model refused or broke off; the code is the gateway's own where it gave one."""

    default_code = "chat_failed"


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """Where and as whom to chat.

    Attributes:
        host: Host to connect to, without brackets.
        port: Port to connect to.
        path_prefix: The profile's path, e.g. ``/p/coder``.
        profile: The profile's name.
        key: Its API key.
    """

    host: str
    port: int
    path_prefix: str
    profile: str
    key: str = field(repr=False)

    def ask(self, question: str, session_id: str) -> Iterator[str]:
        """Ask within a session and yield the answer's text as it arrives; closing the iterator stops the answer.

        Raises:
            ChatError: The question was refused, or the answer broke off.
        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=CONNECT_TIMEOUT)
        with closing(connection):
            try:
                yield from self._exchange(connection, question, session_id)
            except (OSError, http.client.HTTPException) as exc:
                raise ChatError(
                    "the connection to the gateway broke",
                    profile=self.profile,
                    where=f"{self.host}:{self.port}",
                    found=f"{type(exc).__name__}: {exc}",
                    mend="look at `hermes-trio status` and at the gateway's log",
                ) from exc

    def _exchange(self, connection: http.client.HTTPConnection, question: str, session_id: str) -> Iterator[str]:
        body = {"model": self.profile, "stream": True, "messages": [{"role": "user", "content": question}]}
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "X-Hermes-Session-Id": session_id,
        }
        connection.request("POST", f"{self.path_prefix}/v1/chat/completions", json.dumps(body), headers)
        if connection.sock is not None:
            connection.sock.settimeout(ANSWER_TIMEOUT)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise self._refusal(response.status, response.read())
        decoder = SseDecoder()
        while data := response.read1(65_536):
            for payload in decoder.feed(data):
                yield from self._text(payload)

    def _text(self, payload: bytes) -> Iterator[str]:
        if payload == b"[DONE]":
            return
        event = json.loads(payload)
        if "error" in event:
            raise self._error(event["error"], "the answer broke off")
        for choice in event.get("choices", ()):
            if text := choice.get("delta", {}).get("content"):
                yield text

    def _refusal(self, status: int, body: bytes) -> ChatError:
        try:
            error = json.loads(body).get("error")
        except (ValueError, AttributeError):
            error = None
        return self._error(error, f"the gateway answered with HTTP {status}")

    def _error(self, error: object, otherwise: str) -> ChatError:
        if not isinstance(error, dict):
            return ChatError(otherwise, profile=self.profile)
        code = error.get("code")
        message = error.get("message")
        return ChatError(str(message or otherwise), code=code if isinstance(code, str) else None, profile=self.profile)
