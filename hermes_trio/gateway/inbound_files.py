"""Takes in the files that came with messages, through the bot they came through, into the runtime profile's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.delivery.inbound_media import (
    AttachmentRefused,
    MissingAttachment,
    StoredAttachment,
    describe_attachments,
    store_attachment,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api.messages import Attachment
    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.history import GivenContent


async def take_in(scope: ProfileScope, senders: Senders, messages: Sequence[Accepted], text: str) -> GivenContent:
    """The content of a user's message: its text, notes about its files, and its images.

    A file that cannot be had is a note as well, so that the agent can say so.

    Args:
        scope: The runtime profile.
        senders: The bots of all profiles.
        messages: What was said.
        text: Its words.

    Raises:
        ScopeClosed: This generation of the profile is over.

    Cancellation: what has been fetched in part is deleted.
    """
    taken = [
        await _take(scope, senders, accepted, attachment)
        for accepted in messages
        for attachment in accepted.message.attachments
    ]
    return await describe_attachments(scope, text, taken) if taken else text


async def _take(
    scope: ProfileScope, senders: Senders, accepted: Accepted, attachment: Attachment
) -> StoredAttachment | MissingAttachment:
    platform = accepted.message.source.platform
    adapter = senders.find(accepted.transport_profile, platform)
    if adapter is None:
        return MissingAttachment(attachment.kind, attachment.name, f"{platform} is not connected")
    try:
        return await store_attachment(scope, attachment, adapter.fetch)
    except (AdapterError, AttachmentRefused) as error:
        scope.log.bind(component="delivery").warning(f"a file was not taken in: {error}", code=error.code)
        return MissingAttachment(attachment.kind, attachment.name, error.problem)
