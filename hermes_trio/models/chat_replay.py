"""What chat-completions providers want back with the next request of the same turn. Pure.

OpenAI's format has nothing of the kind; providers have added to it: DeepSeek and Moonshot ``reasoning_content``,
OpenRouter ``reasoning_details``, Google ``extra_content`` at each tool call, with the signature of what it thought.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.models.events import ReplayItem
from hermes_trio.models.providers import CHAT_COMPLETIONS, wants_reasoning_back

if TYPE_CHECKING:
    from hermes_trio.models.target import ModelTarget

_decode_details = msgspec.json.Decoder(list[dict[str, object]]).decode
_encode = msgspec.json.Encoder().encode
_GROWING = ("text", "summary", "data")


class ReplayKeeper:
    """Gathers it from one answer; what it does not understand it leaves out."""

    __slots__ = ("_details", "_extras", "_text", "_wants_text")

    def __init__(self, target: ModelTarget) -> None:
        self._wants_text = wants_reasoning_back(target.base_url)
        self._text: list[str] = []
        self._details: list[dict[str, object]] = []
        self._extras: dict[str, msgspec.Raw] = {}

    def add_text(self, text: str) -> None:
        """A piece of the reasoning."""
        if self._wants_text:
            self._text.append(text)

    def add_details(self, details: msgspec.Raw) -> None:
        """A chunk's ``reasoning_details``: pieces of the same number and kind belong together."""
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            for detail in _decode_details(details) if bytes(details) != b"null" else ():
                self._add_detail(detail)

    def add_extra(self, call_id: str, extra: msgspec.Raw) -> None:
        """A tool call's ``extra_content``."""
        if bytes(extra) != b"null":
            self._extras[call_id] = extra.copy()

    def items(self) -> list[ReplayItem]:
        """What is to be sent back: keys to merge into the assistant's message."""
        kept: dict[str, object] = {}
        if self._text:
            kept["reasoning_content"] = "".join(self._text)
        if self._details:
            kept["reasoning_details"] = self._details
        if self._extras:
            kept["tool_calls"] = self._extras
        return [ReplayItem(CHAT_COMPLETIONS, _encode(kept))] if kept else []

    def _add_detail(self, detail: dict[str, object]) -> None:
        last = self._details[-1] if self._details else {}
        if any(detail.get(key) != last.get(key) for key in ("type", "index")) or not last:
            self._details.append(detail)
            return
        for key, value in detail.items():
            before = last.get(key)
            grows = key in _GROWING and isinstance(value, str) and isinstance(before, str)
            if grows:
                last[key] = f"{before}{value}"
            elif value is not None:
                last[key] = value
