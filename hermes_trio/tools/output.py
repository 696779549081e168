"""Keeps what a tool says within what a model can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from hermes_trio.home.agent_config import ToolOutputConfig
    from hermes_trio.tools.tool import Reply

_HEAD_SHARE = 0.6


def cap_reply(reply: Reply, limits: ToolOutputConfig) -> str:
    """The text that the model gets: a mapping as JSON, each of its texts capped for itself, so that it stays JSON."""
    if isinstance(reply, str):
        return cap_text(reply, limits)
    capped = {name: cap_text(value, limits) if isinstance(value, str) else value for name, value in reply.items()}
    return _cap_bytes(msgspec.json.encode(capped, enc_hook=dict).decode(), 2 * limits.max_bytes)


def cap_text(text: str, limits: ToolOutputConfig) -> str:
    """Cut long lines, then the middle out of too many lines or bytes; what was left out is said in its place."""
    if len(text) <= limits.max_line_length and len(text) <= limits.max_bytes // 4:
        return text  # short for any alphabet, the usual case
    lines = [_cap_line(line, limits.max_line_length) for line in text.split("\n")]
    if len(lines) > limits.max_lines:
        head = int(limits.max_lines * _HEAD_SHARE)
        tail = limits.max_lines - head
        left_out = len(lines) - limits.max_lines
        lines = [*lines[:head], f"[... {left_out} lines left out ...]", *lines[-tail:]]
    return _cap_bytes("\n".join(lines), limits.max_bytes)


def _cap_line(line: str, length: int) -> str:
    if len(line) <= length:
        return line
    return f"{line[:length]} [... {len(line) - length} characters left out]"


def _cap_bytes(text: str, size: int) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= size:
        return text
    head = int(size * _HEAD_SHARE)
    tail = size - head
    middle = f"\n[... {len(data) - size} bytes left out ...]\n"
    return data[:head].decode("utf-8", "ignore") + middle + data[-tail:].decode("utf-8", "ignore")
