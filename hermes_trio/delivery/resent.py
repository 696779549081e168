"""The mark on a part that may have reached its chat before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hermes_trio.adapter_api.capabilities import TextUnit
from hermes_trio.adapter_api.document import Paragraph, Text

if TYPE_CHECKING:
    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.outgoing import OutgoingText
    from hermes_trio.home.chat_config import ChatConfig, DisplayConfig


def mark_as_resent(text: OutgoingText, display: DisplayConfig, capabilities: Capabilities) -> OutgoingText:
    """The text with ``display.resent_label`` in front; as it is when there is no label, or no room for one."""
    label = display.resent_label
    if not label:
        return text
    formatted = None
    if text.formatted is not None and capabilities.render is not None:
        formatted = f"{_rendered(label, capabilities)}\n{text.formatted}"
    marked = replace(text, text=f"{label}\n{text.text}".rstrip(), formatted=formatted)
    longest = max(_length(one, capabilities.text_unit) for one in (marked.text, formatted or ""))
    return marked if longest <= capabilities.text_limit else text


def leaving_room(capabilities: Capabilities, chat: ChatConfig) -> Capabilities:
    """A platform on which texts are so much shorter that the longest mark fits before each of them.

    Where the platform itself drops what it has already there is no mark, nor where it would take half of the text.
    """
    if capabilities.idempotent_sends:
        return capabilities
    labels = {display.resent_label for display in (chat.display, *chat.platform_display.values())} - {""}
    marks = [mark for label in labels for mark in (label, _rendered(label, capabilities))]
    room = max((_length(mark, capabilities.text_unit) + 1 for mark in marks), default=0)
    limit = capabilities.text_limit - room
    return replace(capabilities, text_limit=limit) if limit > capabilities.text_limit // 2 else capabilities


def _rendered(label: str, capabilities: Capabilities) -> str:
    return label if capabilities.render is None else capabilities.render((Paragraph((Text(label),)),))


def _length(text: str, unit: TextUnit) -> int:
    if unit is TextUnit.CHARACTERS:
        return len(text)
    return len(text.encode("utf-16-le" if unit is TextUnit.UTF16 else "utf-8", "surrogatepass")) // (
        2 if unit is TextUnit.UTF16 else 1
    )
