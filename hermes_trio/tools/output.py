"""Keeps what a tool says within what a model can take, and the profile's secrets out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.io.log_redaction import make_value_redactor
from hermes_trio.tools.paths import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.home.agent_config import ToolOutputConfig
    from hermes_trio.io.log_format import Redactor
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Reply

_WORD = re.compile("[A-Z]?[a-z]{0,19}")
"""A password such as ``postgres`` or ``changeme`` is no secret, and to blacken it would garble every other text."""

_HEAD_SHARE = 0.6
_LOOKED_AT = 4
"""Times the length of a reply, twice of what may be shown of it."""


def reply_redactor(scope: ProfileScope) -> Redactor:
    """What blackens the profile's own secrets in the replies of its tools; ``security.redact_secrets`` switches it."""
    return scope.files.derive("reply redactor", (scope.secrets, scope.config), lambda: _make_redactor(scope))


def secrets_redactor(scope: ProfileScope) -> Redactor:
    """What blackens the profile's own secrets whatever the settings say, for readers outside such as hooks."""
    return scope.files.derive("secrets redactor", (scope.secrets,), lambda: _value_redactor(scope))


def _make_redactor(scope: ProfileScope) -> Redactor:
    return _value_redactor(scope) if scope.config.security.redact_secrets else make_value_redactor([])


def _value_redactor(scope: ProfileScope) -> Redactor:
    return make_value_redactor([value for value in scope.secrets.values_to_redact() if not _WORD.fullmatch(value)])


def cap_reply(reply: Reply, limits: ToolOutputConfig, redact: Redactor) -> str:
    """The text that the model gets: a mapping as JSON, each of its texts capped for itself, so that it stays JSON.

    Args:
        reply: What the tool says.
        limits: How long a text may be.
        redact: Blackens secrets; before anything is cut, so that none is left in halves.
    """
    clean_text = partial(_clean_text, limits=limits, redact=redact)
    if isinstance(reply, str):
        return cap_text(clean_text(reply), limits)
    clean = {str(name): map_texts(value, clean_text) for name, value in reply.items()}
    capped = {name: cap_text(value, limits) if isinstance(value, str) else value for name, value in clean.items()}
    return _cap_bytes(msgspec.json.encode(capped).decode(), 2 * limits.max_bytes)


def map_texts(value: object, change: Callable[[str], str]) -> object:
    """The same with all its texts changed, also those within mappings and lists; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {str(key): map_texts(item, change) for key, item in value.items()}
    return [map_texts(item, change) for item in value] if isinstance(value, list | tuple) else value


def _clean_text(text: str, limits: ToolOutputConfig, redact: Redactor) -> str:
    """The same without secrets, and without what UTF-8 cannot say.

    A text of megabytes loses its middle first; where it was cut, nothing is left after the last cut.
    """
    if len(text) > _LOOKED_AT * limits.max_bytes:
        text = _cap_bytes(text, _LOOKED_AT * limits.max_bytes)
    return redact(printable(text))


def cap_text(text: str, limits: ToolOutputConfig) -> str:
    """Cut long lines, then the middle out of too many lines or bytes; what was left out is said in its place."""
    fits = len(text) <= min(limits.max_line_length, limits.max_bytes // 4)  # for any alphabet, the usual case
    if fits and text.count("\n") < limits.max_lines:
        return text
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
