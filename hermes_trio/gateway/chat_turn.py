"""One turn of a lane: from messages in the inbox to an answer in the outbox, in one transaction."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import HermesTrioError, ProfileUnavailable, ScopeClosed, TurnCrashed
from hermes_trio.gateway.chat_display import display_here, footer_line
from hermes_trio.gateway.chat_request import message_text, origin_of, place_of, special_of
from hermes_trio.gateway.inbound_files import take_in
from hermes_trio.gateway.reply import ReplyPlace, answer_rows, notice_rows
from hermes_trio.gateway.session_context import errand_context, session_context
from hermes_trio.gateway.turn_view import open_turn_view
from hermes_trio.io.log_format import one_line
from hermes_trio.io.supervise import main_leaf, reason_code
from hermes_trio.store import inbox, outbox, routing_index
from hermes_trio.store.chat_entries import TurnCounts, turn_counter
from hermes_trio.store.chat_sessions import end_for_good, get_or_create
from hermes_trio.turns.commands.skill_commands import with_skills
from hermes_trio.turns.request import TurnRequest
from hermes_trio.turns.turn_hooks import SESSION_RESET, tell_of_session_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.lane import Lane
    from hermes_trio.gateway.lane_turn import LaneTurn
    from hermes_trio.gateway.turn_view import TurnView
    from hermes_trio.home.chat_config import DisplayConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.chat_sessions import ChatSession
    from hermes_trio.store.sessions import SqlJob
    from hermes_trio.turns.request import TurnResult


#: The profile ends meanwhile; what is not noted by then counts as an attempt.
RELEASE_SECONDS: Final = 2.0
#: Characters of an errand's answer that go to the log.
_LOGGED: Final = 2000


async def answer_in_lane(chats: Chats, lane: Lane, turn: LaneTurn) -> None:
    """Answer the messages of a turn; whatever goes wrong is dealt with here.

    A failure that the user can do something about is told and the messages are done with. What should not have happened
    sets them back: they are answered again, and put aside when that fails too often. A turn that the gateway's or the
    profile's end interrupts stays in the inbox for the next start.

    Cancellation: the messages stay in the inbox for the next start.
    """
    scope = chats.scope
    try:
        # From the moment on in which the lane shows it: a drain waits for what people see running.
        with chats.runtime.admission():
            await _run_in_lane(chats, lane, turn)
    except (ProfileUnavailable, ScopeClosed):
        chats.log.info("a turn stops with its profile and is taken up at the next start", turn=turn.turn_id)
        await _release(scope, turn)
    except trio.Cancelled:
        with trio.move_on_after(RELEASE_SECONDS, shield=True):
            await _release(scope, turn)
        raise
    except Exception as error:  # noqa: BLE001  one turn's failure is its own, whatever it is
        await _set_back(chats, turn, error)


async def _run_in_lane(chats: Chats, lane: Lane, turn: LaneTurn) -> None:
    scope = chats.scope
    wanted = await inbox.mark_running(scope, [one.row_id for one in turn.messages])
    turn.messages = tuple(one for one in turn.messages if one.row_id in wanted)
    if not turn.messages:
        return
    work = _ChatTurn(chats, lane, turn)
    with turn.scope:
        await work.run()
    if turn.gave_way and not turn.control.has_begun:
        turn.put_back = True
        await _release(scope, turn)
    elif turn.interrupted:
        await work.leave()


async def _release(scope: ProfileScope, turn: LaneTurn) -> None:
    """An orderly end is nobody's failure: it does not count towards being put aside."""
    with suppress(HermesTrioError):  # then it counts
        await inbox.set_back(scope, [one.row_id for one in turn.messages], "interrupted", counts=False)


async def _set_back(chats: Chats, turn: LaneTurn, error: Exception) -> None:
    """After something that should not have happened."""
    scope, leaf = chats.scope, main_leaf(error)
    if not isinstance(leaf, HermesTrioError):
        text = "".join(traceback.format_exception(error))
        chats.log.error(f"a turn crashed: {scope.log.redact(text)}", turn=turn.turn_id)
    reason = f"{reason_code(leaf)}: {scope.log.redact(str(leaf))}"
    begun = scope.clock.now()
    tried = tuple(replace(one, attempts=one.attempts + 1, begun=begun) for one in turn.answered())
    states: Mapping[int, inbox.InboxState] = {}
    try:
        states = await inbox.set_back(scope, [one.row_id for one in tried], reason, scope.config.chat.inbox_attempts)
    except HermesTrioError as failure:
        chats.log.warning(f"a failed turn cannot be noted: {failure}", turn=turn.turn_id)
    dead = tuple(one for one in tried if states.get(one.row_id) == "dead")
    # What the store could not even begin is tried again too; what is done with meanwhile is not begun again.
    again = tuple(one for one in tried if one not in dead)
    if again:
        chats.retry_later(again)
    if dead:
        chats.log.error(f"a message failed too often and was put aside ({reason})", turn=turn.turn_id)
        chats.say(dead[-1], f"⚠️ This message failed several times and was put aside ({reason_code(leaf)}).")


@dataclass(slots=True)
class _ChatTurn:
    chats: Chats
    lane: Lane
    turn: LaneTurn
    session: ChatSession | None = None

    async def leave(self) -> None:
        """Be done with messages whose turn somebody has ended on purpose."""
        end = None if self.session is None else self._ends_errand(self.session)
        await _close_with(self.chats.scope, [], self.turn.answered_rows(), end)
        self._mark_changes()

    async def run(self) -> None:
        chats, scope, last = self.chats, self.chats.scope, self.turn.messages[-1]
        session = self.session = await get_or_create(
            scope,
            self.lane.session_key,
            origin_of(last.message, last.transport_profile, scope.name),
            scope.config.chat.session_reset,
            chats.root_db,
            has_live_processes=chats.has_live_processes,
        )
        await self._tell_reset(last, session)
        if session.is_new and session.reset_reason:
            await self._tell_hooks_of_reset(last, session)
        place = self.place(last)
        display = display_here(chats.display(place.platform), session.entry.more)
        async with open_turn_view(chats, self.lane, self.turn, place, display) as view:
            try:
                await self._answer(session, place, display, view)
            except (ProfileUnavailable, ScopeClosed, TurnCrashed):
                raise
            except HermesTrioError as error:
                await self._tell_failure(session, place, error, view)

    def place(self, accepted: Accepted) -> ReplyPlace:
        """Where the answer goes: to where the last message came from, through the bot that received it."""
        return self.chats.reply_place(accepted)

    async def _answer(self, session: ChatSession, place: ReplyPlace, display: DisplayConfig, view: TurnView) -> None:
        chats, scope, turn = self.chats, self.chats.scope, self.turn
        last = turn.messages[-1]
        special = special_of(chats.platform(last), last.message, session.entry.more)
        request = TurnRequest(
            turn_id=turn.turn_id,
            session_id=session.session_id,
            user_message=await take_in(scope, chats.senders, turn.messages, await self._text(session)),
            source=last.message.source.platform,
            session_key=self.lane.session_key,
            user_id=last.message.source.user_id or "",
            route=special.route,
            system_text=special.system_text,
            root_db=chats.root_db,
            can_ask=not last.internal,
            place=place_of(last.message, last.transport_profile),
            context_text=self._context(last, place),
            control=turn.control,
            seal=lambda result: self._seal(session, result, place, display, view),
            sealed=self._mark_changes,
            # Only then is what is stored of it taken up: a chat that has moved, or goes on with another chat's
            # conversation, has numbers of messages that mean others there.
            resumed=any(one.attempts for one in turn.messages),
            keeps_message=True,
            reasoning_effort=str(session.entry.more.get("reasoning_effort") or ""),
        )
        await chats.run_turn(request, view.emit)

    async def _text(self, session: ChatSession) -> str:
        """What the model reads; of an errand together with the skills that were chosen for it."""
        last, text = self.turn.messages[-1], message_text(self.chats.scope, self.turn.messages)
        if last.errand is None:
            return text
        platform = last.message.source.platform
        return await with_skills(self.chats.scope, last.errand.skills, text, session.session_id, platform)

    def _context(self, last: Accepted, place: ReplyPlace) -> str:
        config, connected = self.chats.scope.config, self.chats.connected_platforms()
        if last.errand is not None:
            return errand_context(last.errand)
        return session_context(config, last.message.source, place.capabilities, connected)

    def _mark_changes(self) -> None:
        """Wake those who wait for what the end of the turn has stored."""
        self.chats.scope.db.changes.mark(outbox.TOPIC)
        if self.turn.messages[-1].errand is not None:
            self.chats.scope.db.changes.mark(routing_index.TOPIC)

    def _ends_errand(self, session: ChatSession) -> SqlJob | None:
        """What ends the session of an errand in the transaction that is done with it; None for a chat's, which stays.

        Nobody comes back to it, so its entry in the routing index goes too.
        """
        errand = self.turn.messages[-1].errand
        if errand is None:
            return None
        return end_for_good(self.chats.scope, self.lane.session_key, session.session_id, errand.end_reason)

    async def _seal(
        self, session: ChatSession, result: TurnResult, place: ReplyPlace, display: DisplayConfig, view: TurnView
    ) -> SqlJob:
        scope = self.chats.scope
        footer = await footer_line(scope, display, result, view.last_prompt) if display.footer_enabled else ""
        rows = await answer_rows(scope, place, result.text, grown=await view.stop_growing(), footer=footer)
        usage = result.usage
        counts = TurnCounts(
            usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens, view.last_prompt
        )
        count = turn_counter(scope, self.lane.session_key, counts)
        answered, at, end = self.turn.answered_rows(), scope.clock.now(), self._ends_errand(session)
        self._log_errand(result.text)

        def job(connection: sqlite3.Connection) -> None:
            outbox.insert_parts(connection, rows, at)
            inbox.close_rows(connection, answered, at)
            count(connection)
            if end is not None:
                end(connection)

        return job

    async def _tell_failure(
        self, session: ChatSession, place: ReplyPlace, error: HermesTrioError, view: TurnView
    ) -> None:
        """Tell the chat why there is no answer; the message is done with, its text stays in the conversation."""
        scope = self.chats.scope
        text = f"⚠️ {failure_text(scope, error)}"
        if self.turn.messages[-1].errand is None:
            rows = await answer_rows(scope, place, text, grown=await view.stop_growing())
        else:
            rows = await notice_rows(scope, place, text)
            self._log_errand(text)
        await _close_with(scope, rows, self.turn.answered_rows(), self._ends_errand(session))
        self._mark_changes()

    def _log_errand(self, text: str) -> None:
        """What an errand has come to: nobody else may see it."""
        errand = self.turn.messages[-1].errand
        if errand is not None:
            said = one_line(self.chats.scope.log.redact(text))[:_LOGGED]
            where = self.chats.destination_of(errand) or "nowhere but here"
            self.chats.log.info(f"{errand.name} is answered, to {where}: {said}", turn=self.turn.turn_id)

    async def _tell_reset(self, last: Accepted, session: ChatSession) -> None:
        policy = self.chats.scope.config.chat.session_reset
        platform = last.message.source.platform
        if not session.reset_reason or not session.had_activity or not policy.notify:
            return
        if session.is_new and platform not in policy.notify_exclude_platforms:
            why = {"idle": "after a pause", "daily": "for the new day"}.get(session.reset_reason, "after a stop")
            self.chats.say(last, f"🆕 A new conversation begins {why}. `/resume` goes back to the one before.")

    async def _tell_hooks_of_reset(self, last: Accepted, session: ChatSession) -> None:
        source = last.message.source
        await tell_of_session_id(
            self.chats.agent.workplace.hooks,
            SESSION_RESET,
            session_id=session.session_id,
            platform=source.platform,
            user_id=source.user_id or "",
            session_key=self.lane.session_key,
        )


def failure_text(scope: ProfileScope, error: HermesTrioError) -> str:
    """What a chat is told of a failed turn: what happened and what helps, without secrets and paths."""
    problem = scope.log.redact(error.problem)
    again = " Try again in a moment." if getattr(error, "retryable", False) else ""
    return f"No answer this time: {problem} (`{error.code}`).{again}"


async def _close_with(
    scope: ProfileScope, rows: list[outbox.NewOutboxRow], answered: tuple[int, ...], also: SqlJob | None = None
) -> None:
    """Commit what is said and that the messages are done with, in one transaction."""
    at = scope.clock.now()

    def job(connection: sqlite3.Connection) -> None:
        outbox.insert_parts(connection, rows, at)
        inbox.close_rows(connection, answered, at)
        if also is not None:
            also(connection)

    await outbox.commit_and_wake(scope, lambda: scope.db.write(job))


async def say_and_close(scope: ProfileScope, place: ReplyPlace, text: str, answered: tuple[int, ...]) -> None:
    """Say something beside the conversation; the messages it answers are done with, in the same transaction.

    Raises:
        StoreError: Nothing was stored.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    await _close_with(scope, await notice_rows(scope, place, text), answered)
