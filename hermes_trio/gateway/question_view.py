"""Shows questions in a chat, and takes their buttons off when they wait no more.

A question dies with the turn that asks it, so it is sent at once and not kept for later.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.delivery.compose import compose_reply
from hermes_trio.delivery.outbox_worker import send_in_plain_if_refused

if TYPE_CHECKING:
    from hermes_trio.adapter_api.adapter import Adapter
    from hermes_trio.adapter_api.outgoing import OutgoingText
    from hermes_trio.gateway.asked import Asked
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.reply import ReplyPlace


async def show_question(chats: Chats, place: ReplyPlace, text: str, asked: Asked, in_words: str) -> None:
    """Show a question with buttons where the platform has them.

    Args:
        chats: The conversations of the runtime profile.
        place: Where to ask.
        text: The question, in Markdown.
        asked: What the answers mean.
        in_words: How to answer where there are no buttons.

    Raises:
        AdapterError: It was not shown; words in the chat answer it all the same.
    """
    buttons = chats.asked.buttons(asked) if place.capabilities.buttons else ()
    shown = text if buttons or not in_words else f"{text}\n\n{in_words}"
    adapter = chats.senders.find(place.transport_profile, place.platform)
    if adapter is None:
        return
    target = Target(place.chat_id, place.thread_id)
    for part in await compose_reply(chats.scope, shown, place.capabilities, buttons=buttons):
        message_id = await send_in_plain_if_refused(adapter, target, part)
        if part.buttons and not chats.asked.note_shown(asked.question_id, message_id, part):
            await _take_buttons_off(adapter, place, message_id, part)


async def close_question(chats: Chats, place: ReplyPlace, question_id: str) -> None:
    """Take the buttons off a question that waits no more."""
    shown = chats.asked.forget(question_id)
    adapter = chats.senders.find(place.transport_profile, place.platform)
    if shown is None or adapter is None or not place.capabilities.edits:
        return
    await _take_buttons_off(adapter, place, *shown)


async def _take_buttons_off(adapter: Adapter, place: ReplyPlace, message_id: str, text: OutgoingText) -> None:
    with suppress(AdapterError):  # the answer counts, not how its question looks
        await adapter.edit(Target(place.chat_id, place.thread_id), message_id, replace(text, buttons=()))
