"""Sends what stands in the outbox, through the bot it belongs to and no other.

Chats are served side by side, each in its order. What fails for a while is tried again with growing pauses and holds up
its own chat only; what fails for good is recorded, and the next part follows.
"""

from __future__ import annotations

import math
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import trio

from hermes_trio.adapter_api.errors import (
    AdapterError,
    ChatMigrated,
    CredentialMissing,
    CredentialRefused,
    MarkupRefused,
    NotModified,
    RateLimited,
    Refused,
)
from hermes_trio.adapter_api.outgoing import OutgoingText, Target
from hermes_trio.delivery.compose import compose_reply
from hermes_trio.delivery.outbound_media import discard_outbound
from hermes_trio.delivery.parts import (
    StoredMarkdown,
    StoredMedia,
    StoredText,
    decode_part,
    to_outgoing_media,
    to_outgoing_text,
)
from hermes_trio.delivery.resent import mark_as_resent
from hermes_trio.errors import HermesTrioError, StoreError
from hermes_trio.store import outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hermes_trio.adapter_api.adapter import Adapter
    from hermes_trio.adapter_api.outgoing import OutgoingMedia
    from hermes_trio.delivery.shown import Sender
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.outbox import OutboxRow

AT_ONCE: Final = 64
"""Chats of one profile that are sent to at the same time."""

SEND_SECONDS: Final = 60.0
UPLOAD_SECONDS: Final = 600.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
GIVE_UP_AFTER: Final = 24 * 3600.0
STORE_PAUSE: Final = 5.0
MOST_CRASHES: Final = 3


class Senders(Protocol):
    """Finds the bots through which a profile may send."""

    def find(self, transport_profile: str, platform: str) -> Adapter | None:
        """The adapter of that profile on that platform while it is connected, else None."""
        ...

    async def changed(self) -> None:
        """Wait until an adapter has connected or gone away."""
        ...

    def note_sent(self, transport_profile: str, platform: str) -> None:
        """A message has gone out."""
        ...


async def serve_outbox(
    scope: ProfileScope, senders: Senders, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Send what is in the outbox, and what comes into it, until cancelled.

    Cancellation: a part that is being sent then is sent again later, marked as one that may have arrived.
    """
    worker = _OutboxWorker(scope, senders)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker.watch_senders)
        task_status.started()
        await worker.run(nursery)


class _OutboxWorker:
    def __init__(self, scope: ProfileScope, senders: Senders) -> None:
        self._scope = scope
        self._senders = senders
        self._log = scope.log.bind(component="delivery")
        self._busy: set[tuple[str, str, str]] = set()
        self._sent_media: set[int] = set()
        self._missed: set[tuple[str, str]] = set()

    async def watch_senders(self) -> None:
        """Look again when a bot comes that something waits for; all others are none of this profile's business."""
        while True:
            await self._senders.changed()
            if any(self._senders.find(*transport) is not None for transport in self._missed):
                self._scope.db.changes.mark(outbox.TOPIC)

    async def run(self, nursery: trio.Nursery) -> None:
        changes, seen = self._scope.db.changes, -1
        while True:
            until = float("inf")
            seen = changes.count(outbox.TOPIC)
            try:
                until = await self._start_due(nursery)
            except HermesTrioError as error:
                self._log.warning(f"the outbox cannot be read; next try in {STORE_PAUSE:g} s: {error}")
                until = trio.current_time() + STORE_PAUSE
            with trio.CancelScope(deadline=until):
                await changes.wait_beyond(outbox.TOPIC, seen)

    async def _start_due(self, nursery: trio.Nursery) -> float:
        """Start sending what may be sent now; when to look again, in trio's time."""
        scope = self._scope
        without = self._missed = set[tuple[str, str]]()
        while True:
            now = scope.clock.now()
            rows = await outbox.due(scope, now, AT_ONCE + len(self._busy), without)
            gone = {row.transport for row in rows if self._senders.find(*row.transport) is None}
            if not gone:
                break
            without |= gone
        for row in rows:
            chat = (*row.transport, row.chat_id)
            if chat not in self._busy and len(self._busy) < AT_ONCE:
                self._busy.add(chat)
                nursery.start_soon(self._deliver, row, chat, name=f"{scope.name} sends to {row.platform}")
        # What is being sent now wakes us at its end; what waits for a better time does not.
        due = await outbox.next_due(scope, without, after=math.nextafter(now, math.inf))
        return float("inf") if due is None else trio.current_time() + max(0.0, due - now)

    async def _deliver(self, row: OutboxRow, chat: tuple[str, str, str]) -> None:
        try:
            await self._try(row)
        except HermesTrioError as error:
            # The store's trouble before anything was sent: the row is as it was, and is looked at again after a while.
            self._log.warning(f"an answer to {row.platform} waits for the store: {error}")
            await trio.sleep(STORE_PAUSE)
        finally:
            self._busy.discard(chat)
            self._scope.db.changes.mark(outbox.TOPIC)

    async def _try(self, row: OutboxRow) -> None:
        adapter = self._senders.find(*row.transport)
        if adapter is None or not await outbox.mark_sending(self._scope, row.id):
            return
        try:
            message_id = await self._send(adapter, row)
        except AdapterError as error:
            settle = partial(self._failed, row, error)
        except ValueError as error:
            settle = partial(outbox.fail, self._scope, row.id, f"cannot be read: {error}")
        except Exception as error:  # noqa: BLE001  an adapter's crash is its own, and its profile has other chats
            settle = partial(self._crashed, row, error)
        else:
            self._senders.note_sent(*row.transport)
            settle = partial(outbox.mark_sent, self._scope, row.id, message_id)
        await self._settle(row, settle)
        await self._discard(row)

    async def _settle(self, row: OutboxRow, settle: Callable[[], Awaitable[None]]) -> None:
        """Note how it went, however long the store takes: until then nothing else may be sent to the chat."""
        while True:
            try:
                await settle()
                return
            except StoreError as error:
                self._log.warning(f"what became of an answer to {row.platform} cannot be noted yet: {error}")
            await trio.sleep(STORE_PAUSE)

    async def _discard(self, row: OutboxRow) -> None:
        """Delete the copy of a file that was sent; one that was not sent waits for the next try, or is swept."""
        if row.kind == "media" and row.id in self._sent_media:
            self._sent_media.discard(row.id)
            part = decode_part(row.content)
            if isinstance(part, StoredMedia):
                await discard_outbound(self._scope, Path(part.path))

    async def _send(self, adapter: Adapter, row: OutboxRow) -> str | None:
        target, part = Target(row.chat_id, row.thread_id), decode_part(row.content)
        seconds = UPLOAD_SECONDS if isinstance(part, StoredMedia) else SEND_SECONDS
        with trio.move_on_after(seconds):
            if isinstance(part, StoredText):
                return await self._send_text(adapter, target, part, row)
            if isinstance(part, StoredMedia):
                sent = await adapter.upload(target, self._marked_media(adapter, to_outgoing_media(part, row), row))
                self._sent_media.add(row.id)
                return sent.message_id
            if isinstance(part, StoredMarkdown):
                return await self._send_markdown(adapter, target, part, row)
            if adapter.capabilities.deletes:
                await adapter.delete(target, part.message_id)
            return None
        raise AdapterError(f"took more than {seconds:g} s", code="platform_timeout", may_have_arrived=True)

    async def _send_text(self, adapter: Adapter, target: Target, part: StoredText, row: OutboxRow) -> str:
        text = to_outgoing_text(part, row)
        if part.edit is not None:
            try:
                await edit_in_plain_if_refused(adapter, target, part.edit, text)
            except NotModified:
                return part.edit
            except Refused:
                pass  # the message is gone or too old to be edited; the answer is not
            else:
                return part.edit
        return await send_in_plain_if_refused(adapter, target, self._marked(adapter, text, row))

    async def _send_markdown(
        self, adapter: Adapter, target: Target, part: StoredMarkdown, row: OutboxRow
    ) -> str | None:
        message_id = None
        texts = await compose_reply(self._scope, part.text, adapter.capabilities)
        for number, text in enumerate(texts):
            keyed = replace(text, idempotency_key=f"{row.idempotency_key}:{number}")
            if number == 0:
                keyed = self._marked(adapter, keyed, row)
            message_id = await send_in_plain_if_refused(adapter, target, keyed)
        return message_id

    def _marked(self, adapter: Adapter, text: OutgoingText, row: OutboxRow) -> OutgoingText:
        """A text that says so if it may have arrived before, unless the platform drops what it has already."""
        if not row.may_have_arrived or adapter.capabilities.idempotent_sends:
            return text
        return mark_as_resent(text, self._scope.config.chat.display_on(row.platform), adapter.capabilities)

    def _marked_media(self, adapter: Adapter, media: OutgoingMedia, row: OutboxRow) -> OutgoingMedia:
        """Likewise a file, in the text below it where the platform has such texts."""
        if not adapter.capabilities.caption_limit:
            return media
        caption = self._marked(adapter, media.caption or OutgoingText(""), row)
        if len(caption.text) > adapter.capabilities.caption_limit or not caption.text:
            return media
        return replace(media, caption=caption)

    async def _crashed(self, row: OutboxRow, error: Exception) -> None:
        """After an error that adapters do not raise: it may pass, but it must not hold up its chat for long."""
        text = self._scope.log.redact("".join(traceback.format_exception(error)))
        self._log.error(f"the adapter of {row.platform} crashed while it sent: {text}")
        reason = f"crashed: {type(error).__name__}"
        if row.attempts + 1 < MOST_CRASHES:
            later = self._scope.clock.now() + FIRST_PAUSE
            await outbox.postpone(self._scope, row.id, later, reason, may_have_arrived=True)
        else:
            await outbox.fail(self._scope, row.id, reason)

    async def _failed(self, row: OutboxRow, error: AdapterError) -> None:
        scope, reason = self._scope, f"{error.code}: {error}"
        now = scope.clock.now()
        if isinstance(error, ChatMigrated) and error.new_chat_id != row.chat_id:
            await outbox.move_chat(scope, row.transport, row.chat_id, error.new_chat_id)
        elif not _may_work_later(error) or now - row.created_at > GIVE_UP_AFTER:
            self._log.warning(f"an answer to {row.platform} was given up: {error}", chat=row.chat_id)
            await outbox.fail(scope, row.id, reason)
        else:
            pause = error.retry_after
            if pause is None:
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(row.attempts, 16))
                pause *= 0.8 + 0.4 * scope.shared.jitter()
            if not isinstance(error, RateLimited):
                self._log.info(f"{row.platform} did not take an answer; next try in {pause:.0f} s: {error}")
            await outbox.postpone(scope, row.id, now + pause, reason, may_have_arrived=error.may_have_arrived)


def _may_work_later(error: AdapterError) -> bool:
    """Whether to try again: a bad credential says nothing about the message, and somebody will mend it."""
    return error.retryable or isinstance(error, CredentialRefused | CredentialMissing)


async def send_in_plain_if_refused(adapter: Sender, target: Target, text: OutgoingText) -> str:
    """Send a text, without its markup if the platform cannot read that; the platform's id of the message.

    Raises:
        AdapterError: It was not sent.
    """
    try:
        return (await adapter.send(target, text)).message_id
    except MarkupRefused:
        return (await adapter.send(target, replace(text, formatted=None))).message_id


async def edit_in_plain_if_refused(adapter: Adapter, target: Target, message_id: str, text: OutgoingText) -> None:
    """Edit a message, without markup if the platform cannot read that.

    Raises:
        AdapterError: It was not edited.
    """
    try:
        await adapter.edit(target, message_id, text)
    except MarkupRefused:
        await adapter.edit(target, message_id, replace(text, formatted=None))
