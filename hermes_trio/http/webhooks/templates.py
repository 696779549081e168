"""Templates of prompts: ``{a.b.c}`` is replaced by what the payload has there. Pure.

One pass over the template: what a payload says is never looked at for placeholders, whatever it holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.http.webhooks.lookup import MISSING, as_text, look_up

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_DUMP: Final = 4000
LONGEST_PART: Final = 2000
#: A template may name a long text many times.
LONGEST_TEXT: Final = 200_000
_PLACEHOLDER: Final = re.compile(r"\{([^{}\s]{1,200})\}")


def render(template: str, payload: object, event: str) -> str:
    """Fill in a template.

    ``{__raw__}`` is the whole payload as JSON, cut at 4000 characters; ``{event_type}`` is the event. Objects and lists
    are JSON, cut at 2000. A placeholder that leads nowhere stays as it is. An empty template is ``{__raw__}``.
    """
    if not template.strip():
        return dump(payload)

    def fill_in(match: re.Match[str]) -> str:
        name = match[1]
        if name == "__raw__":
            return dump(payload)
        if name == "event_type":
            return event
        value = look_up(payload, name)
        if value is MISSING:
            return match[0]
        return as_text(value)[:LONGEST_PART] if isinstance(value, dict | list) else as_text(value)

    return _cut(_PLACEHOLDER.sub(fill_in, template))


def render_each(templates: Mapping[str, str], payload: object, event: str) -> dict[str, str]:
    """Fill in several templates."""
    return {name: render(template, payload, event) for name, template in templates.items()}


def dump(payload: object) -> str:
    """The payload as JSON, cut at 4000 characters."""
    return as_text(payload)[:LONGEST_DUMP] if not isinstance(payload, str) else payload[:LONGEST_DUMP]


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n... [{len(text) - LONGEST_TEXT} characters left out]"
