"""What an earlier generation of a profile left unfinished is taken up: messages to answer, answers to send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.access.authorize import check_access
from hermes_trio.access.decision import Reason
from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.delivery.parts import encode_markdown
from hermes_trio.gateway.accepted import Accepted, decode_row
from hermes_trio.gateway.chat_request import source_of, transport_of
from hermes_trio.gateway.chat_turn import say_and_close
from hermes_trio.gateway.lane import Notice
from hermes_trio.gateway.last_stop import take_note
from hermes_trio.gateway.notices import notice_text
from hermes_trio.routing.source import MessageSource
from hermes_trio.store import inbox, outbox
from hermes_trio.store.chat_entries import clear_resume_pending, list_resume_pending
from hermes_trio.store.obligations import take_over_obligations

RESUME: Final = "The gateway was restarted while you were at work here. Go on with what you were asked last."

if TYPE_CHECKING:
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.store.inbox import InboxRow


async def take_up(chats: Chats) -> int:
    """Let everything that an earlier generation accepted be answered, and all that it said be sent.

    Returns:
        How many messages it had accepted and not answered.

    Raises:
        StoreError: What was left cannot be read.
        ScopeClosed: The profile is over.
    """
    scope = chats.scope
    await outbox.recover(scope)
    await take_over_obligations(scope, encode_markdown)
    unfinished = await inbox.unfinished(scope)
    wanted = [accepted for row in unfinished if (accepted := await _take_up_row(chats, row)) is not None]
    # Without a checkpoint in between, so that what was answered together is there together. It was accepted before, so
    # it is not refused now, however much it is.
    for accepted in wanted:
        chats.lanes.put_last(accepted)
    await _go_on(chats)
    await _tell_restarted(chats)
    return len(unfinished)


async def take_up_replayed(chats: Chats) -> None:
    """Answer what somebody has replayed while we run.

    Raises:
        StoreError: The inbox cannot be read.
        ScopeClosed: The profile is over.
    """
    known = {one.row_id for lane in chats.lanes for one in lane.messages()}
    for row in await inbox.unfinished(chats.scope):
        # What waits for another try has attempts; what has just come in has no error yet.
        was_replayed = row.state == "accepted" and not row.attempts and row.last_error is not None
        if was_replayed and row.id not in known:
            accepted = await _take_up_row(chats, row)
            if accepted is not None:
                chats.lanes.deliver(accepted)


async def _tell_restarted(chats: Chats) -> None:
    """Tell whoever asked for the restart that it is done."""
    note = await take_note(chats.scope)
    if note is None:
        return
    source = MessageSource(note.platform, note.chat_type, chat_id=note.chat_id, thread_id=note.thread_id)
    transport = chats.transport_to(source, note.transport_profile)
    slot = chats.senders.slot(transport, note.platform) if transport is not None else None
    if transport is None or slot is None or not slot.config.gateway_restart_notification:
        return
    asked = InboundMessage(source, note.message_id or "restart", "", chats.scope.clock.now())
    chats.say(Accepted(0, transport, "", asked), notice_text(Notice.RESTARTED))


async def _go_on(chats: Chats) -> None:
    """Take up the turns that hermes-agent marked when it was stopped; it keeps no inbox, so the agent is told."""
    scope = chats.scope
    for entry in await list_resume_pending(scope, chats.chat.gateway_auto_continue_freshness):
        origin = entry.more.get("origin")
        place = source_of(origin)
        transport = chats.transport_to(place, transport_of(origin)) if place is not None else None
        if place is not None and transport is not None and await _may_still(chats, place, transport):
            marked = str(entry.more.get("last_resume_marked_at"))
            message = InboundMessage(place, f"resume:{entry.session_id}:{marked}", RESUME, scope.clock.now())
            await chats.tell_agent(message, transport, entry.session_key)
        # Only now: a crash in between tells the agent once more, which it then has been told already.
        await clear_resume_pending(scope, (entry.session_key,))


async def _take_up_row(chats: Chats, row: InboxRow) -> Accepted | None:
    """The message of a row that is to be answered; None when it is dealt with here."""
    try:
        accepted = decode_row(row)
    except ValueError as error:
        chats.log.warning(f"a message in the inbox cannot be read and is dropped: {error}", row=row.id)
        await inbox.drop(chats.scope, row.id)
        return None
    if not accepted.internal and not await _may_still(chats, accepted.message.source, accepted.transport_profile):
        await inbox.drop(chats.scope, row.id)
        return None
    if row.state != "running":
        return accepted
    if accepted.command is not None:
        # It may have done its work, and most do more harm when they do it twice.
        await _close(chats, accepted, Notice.COMMAND_CUT_OFF)
        return None
    return accepted if await _may_run_again(chats, row, accepted) else None


async def _may_still(chats: Chats, source: MessageSource, transport_profile: str) -> bool:
    """Whether who wrote a message would be let in now as well: the settings may have changed since.

    What a platform says that has gone from the settings counts no more, nor that of a profile that does not serve now;
    a place without a person was decided about when it was taken.
    """
    own = transport_profile == chats.scope.name
    bot = chats if own else chats.router.chats_of(transport_profile)
    if bot is None or source.platform not in bot.scope.config.platforms:
        return True
    decision = await check_access(bot.scope, source)
    if not decision.allowed and decision.reason is not Reason.NO_USER_ID:
        chats.log.info(f"a message is not answered any more: {decision.text}", reason=decision.reason)
        return False
    return True


async def _may_run_again(chats: Chats, row: InboxRow, accepted: Accepted) -> bool:
    """Whether a message is answered whose process died over it; if not, its chat is told."""
    # A message that kills its process time and again must not do so for ever.
    states = await inbox.set_back(chats.scope, (row.id,), "its process died", chats.chat.inbox_attempts)
    if states.get(row.id) == "dead":
        chats.log.error("a message was interrupted too often and was put aside", row=row.id)
        chats.say(accepted, notice_text(Notice.PUT_ASIDE))
        return False
    # People go on meanwhile, and ask again if they still want to know; nobody asks again for an errand.
    is_old = chats.scope.clock.now() - row.updated_at > chats.chat.gateway_auto_continue_freshness
    if is_old and accepted.errand is None:
        await _close(chats, accepted, Notice.INTERRUPTED)
        return False
    return True


async def _close(chats: Chats, accepted: Accepted, notice: Notice) -> None:
    """Be done with a message by a notice."""
    place = chats.reply_place(accepted, notice.value)
    await say_and_close(chats.scope, place, notice_text(notice), (accepted.row_id,))
