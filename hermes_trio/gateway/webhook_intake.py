"""Takes deliveries of webhooks into the inbox of the profile that will work on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.gateway.accepted import Accepted, new_row
from hermes_trio.gateway.chat_request import key_of
from hermes_trio.routing.source import MessageSource
from hermes_trio.store import inbox

if TYPE_CHECKING:
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.errand import Errand
    from hermes_trio.scope import ProfileScope

PLATFORM: Final = "webhook"
END_REASON: Final = "webhook_complete"
#: So long the id of a delivery is known; who sends it again later means it.
SEEN_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One delivery.

    Attributes:
        route: The route's name.
        delivery_id: The sender's id.
        text: What the agent is told.
    """

    route: str
    delivery_id: str
    text: str = ""

    @property
    def source(self) -> MessageSource:
        """Where it comes from; each delivery is a chat of its own."""
        user = f"webhook:{self.route}"
        return MessageSource(PLATFORM, PLATFORM, chat_id=f"{user}:{self.delivery_id}", user_id=user)


async def was_seen(scope: ProfileScope, delivery: WebhookDelivery) -> bool:
    """Whether a delivery with this id has been taken within the last hour, or waits to be worked on still.

    It is then in good hands, and whoever sends it again needs to know no more than that. It need not have been answered
    yet: the inbox sees to that, also after a crash.

    Raises:
        StoreError: The inbox cannot be read.
        ScopeClosed: The profile is over.
    """
    return await _free_message_id(scope, delivery) is None


async def accept_delivery(scope: ProfileScope, chats: Chats, delivery: WebhookDelivery, errand: Errand) -> bool:
    """Commit a delivery to the inbox and let it be worked on; False when it was seen.

    Raises:
        StoreError: It was not stored.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit; once committed it will be worked on.
    """
    message_id = await _free_message_id(scope, delivery)
    if message_id is None:
        return False
    message = InboundMessage(delivery.source, message_id, delivery.text, scope.clock.now())
    key = key_of(scope, delivery.source)
    row_id = await inbox.accept(scope, new_row(message, scope.name, key, internal=True, errand=errand))
    if row_id is None:
        return False
    # Without a checkpoint after the commit.
    chats.lanes.deliver(Accepted(row_id, scope.name, key, message, internal=True, errand=errand))
    return True


async def remember_delivery(scope: ProfileScope, delivery: WebhookDelivery) -> None:
    """Commit that a delivery needs no more work.

    Raises:
        StoreError: It was not stored.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    message_id = await _free_message_id(scope, delivery) or delivery.delivery_id
    message = InboundMessage(delivery.source, message_id, "", scope.clock.now())
    await inbox.remember(scope, new_row(message, scope.name, key_of(scope, delivery.source)))


async def _free_message_id(scope: ProfileScope, delivery: WebhookDelivery) -> str | None:
    """The id under which a delivery goes into the inbox, whose rows live longer than an hour; None when it was seen."""
    last = await inbox.latest_in_chat(scope, scope.name, PLATFORM, delivery.source.chat_id or "")
    if last is None:
        return delivery.delivery_id
    waits = last.state in ("accepted", "running")
    if waits or scope.clock.now() - last.accepted_at < SEEN_SECONDS:
        return None
    # The same for all who come at the same time, so that only one of them gets in.
    return f"{delivery.delivery_id}@{last.id}"
