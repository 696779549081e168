"""The wire formats by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.models import anthropic_messages, chat_completions, providers, responses

if TYPE_CHECKING:
    from hermes_trio.models.wire import WireFormat


def find_format(api_mode: str) -> WireFormat:
    """The wire format of this name; chat completions for any other name."""
    match api_mode:
        case providers.MESSAGES:
            return anthropic_messages.FORMAT
        case providers.RESPONSES:
            return responses.FORMAT
        case _:
            return chat_completions.FORMAT
