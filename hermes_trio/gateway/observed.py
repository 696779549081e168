"""What people say in a group without meaning the bot, kept as context of its conversation there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hermes_trio.gateway.chat_request import key_of, origin_of
from hermes_trio.store.chat_sessions import get_or_create
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.session_edits import add_observed

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.scope import ProfileScope


async def observe(scope: ProfileScope, transport_profile: str, message: InboundMessage) -> None:
    """Keep a message as context; one that has come before is not kept again.

    Args:
        scope: The runtime profile, whose context it is.
        transport_profile: Whose bot received it.
        message: The message.

    Raises:
        StoreError: It could not be stored.
        ScopeClosed: The profile is over.
    """
    if not message.text.strip():
        return
    key = key_of(scope, message.source)
    origin = origin_of(message, transport_profile, scope.name)
    session = await get_or_create(scope, key, origin, replace(scope.config.chat.session_reset, mode="none"))
    text = f"[{message.source.user_name or 'somebody'}] {message.text.strip()}"
    row = StoredMessage("user", text, message.at, platform_message_id=message.message_id, observed=True)
    await add_observed(scope, session.session_id, row)
