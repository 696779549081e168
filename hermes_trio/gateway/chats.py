"""The conversations of one generation of a profile: its adapters, its lanes, its outbox, and their begin and end."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.delivery.compose import compose_reply
from hermes_trio.delivery.outbox_worker import send_in_plain_if_refused, serve_outbox
from hermes_trio.errors import CapacityExceeded, HermesTrioError
from hermes_trio.gateway.accepted import Accepted, decode_row
from hermes_trio.gateway.adapter_context import CoreContext
from hermes_trio.gateway.adapter_runner import AdapterRunner
from hermes_trio.gateway.adapter_slot import AdapterSlot, AdapterState
from hermes_trio.gateway.asked import Asked, AskedQuestions
from hermes_trio.gateway.chat_command import run_command_of
from hermes_trio.gateway.chat_turn import answer_in_lane, say_and_close
from hermes_trio.gateway.ingress import Ingress
from hermes_trio.gateway.lane import Lane, LaneTable, LaneTurn, Notice
from hermes_trio.gateway.notices import notice_text
from hermes_trio.gateway.reply import ReplyPlace, reply_key
from hermes_trio.home.platform_config import PlatformConfig
from hermes_trio.io.supervise import main_leaf
from hermes_trio.store import inbox, outbox
from hermes_trio.turns.commands.registry import may_run_while_busy, menu_commands

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from hermes_trio.adapter_api.adapter import AdapterFactory
    from hermes_trio.adapter_api.messages import ButtonPress
    from hermes_trio.gateway.adapter_runner import CredentialLocks
    from hermes_trio.gateway.mounts import MountTable
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.home.chat_config import ChatConfig, DisplayConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.inbox import InboxRow
    from hermes_trio.turns.request import TurnRequest, TurnResult
    from hermes_trio.turns.turn import Emit

#: Platforms that are served without an adapter.
BUILT_IN: Final = frozenset({"api_server", "webhook", "local"})
FLUSH_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 2.0
PRUNE_SECONDS: Final = 6 * 3600.0


class Chats:
    """A profile's conversations on chat platforms; see `Chats.serve`.

    Args:
        runtime: The generation.
        nursery: The profile's nursery; owns lanes and what they begin.
        senders: The bots of all profiles.
        mounts: The paths that adapters serve.
        find_factory: Finds a platform's factory.
        locks: Where the locks of credentials are; None where nobody else could use them.
        files_changed: Returns when a file of the profile's settings has changed.
        restart_profile: Starts the profile again.
        restart_gateway: Starts the gateway again.

    Attributes:
        slots: The profile's adapters, by platform.
        lanes: The conversations in which something happens.
        asked: Questions below which people can press buttons.
        recovered: Set when what an earlier generation left has been taken up.
        draining: Whether nothing new is to be begun.
        menu: The slash commands for platforms' menus.
    """

    def __init__(
        self,
        runtime: ProfileRuntime,
        nursery: trio.Nursery,
        *,
        senders: Senders,
        mounts: MountTable,
        find_factory: Callable[[str], AdapterFactory],
        locks: CredentialLocks | None,
        files_changed: Callable[[], Awaitable[None]],
        restart_profile: Callable[[], None],
        restart_gateway: Callable[[], None],
    ) -> None:
        self.runtime = runtime
        self.scope = runtime.scope
        self.agent = runtime.agent
        self.root_db: Path | None = runtime.root_db
        self.log = self.scope.log.bind(component="gateway.chats")
        self.senders = senders
        self.mounts = mounts
        self.restart_profile = restart_profile
        self.restart_gateway = restart_gateway
        self.slots = {
            name: AdapterSlot(self.scope.name, config, self.scope.clock, senders.note_change)
            for name, config in self.scope.config.platforms.items()
            if config.enabled and name not in BUILT_IN
        }
        self.runners = {
            name: AdapterRunner(
                self.scope,
                slot,
                make_context=lambda slot, adapter: CoreContext(self, slot, adapter),
                find_factory=find_factory,
                locks=locks,
                files_changed=files_changed,
                restart_profile=restart_profile,
            )
            for name, slot in self.slots.items()
        }
        self.lanes = LaneTable(self, nursery, f"{self.scope.name}#{self.scope.generation}")
        self.asked = AskedQuestions()
        self.recovered = trio.Event()
        self.draining = False
        self.menu = menu_commands(self.scope)
        self._nursery = nursery
        self._ingresses = {name: Ingress(self, slot) for name, slot in self.slots.items()}

    # What the profile's tree needs.

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the adapters, send the outbox, and take up what an earlier generation left, until cancelled.

        Raises:
            StoreError: What was left cannot be read.
        """
        try:
            async with trio.open_nursery() as nursery:
                for name, runner in self.runners.items():
                    self.senders.add(self.slots[name])
                    nursery.start_soon(runner.run, name=f"{self.scope.name} adapter {name}")
                task_status.started()
                await outbox.recover(self.scope)
                await self._take_up()
                await nursery.start(serve_outbox, self.scope, self.senders, name=f"{self.scope.name} outbox")
                await self._prune_forever()
        finally:
            for slot in self.slots.values():
                slot.enter(AdapterState.STOPPED)
                self.senders.remove(slot)

    async def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until what can be sent is sent, at most ``seconds``."""
        with trio.move_on_after(seconds):
            seen = self.scope.db.changes.count(outbox.TOPIC)
            while await self._has_something_to_send():
                seen = await self.scope.db.changes.wait_beyond(outbox.TOPIC, seen)

    async def take_up_replayed(self, _scope: ProfileScope) -> None:
        """Answer what somebody has replayed while we run.

        Raises:
            StoreError: The inbox cannot be read.
        """
        known = {one.row_id for lane in self.lanes for one in lane.messages()}
        for row in await inbox.unfinished(self.scope):
            if row.state == "accepted" and row.id not in known:
                await self._take_up_row(row)

    def cancel_turn(self, turn_id: str) -> bool:
        """End a turn by its id; False when none of this id runs here."""
        turn = next((lane.turn for lane in self.lanes if lane.turn is not None and lane.turn.turn_id == turn_id), None)
        if turn is not None:
            turn.interrupt()
        return turn is not None

    def ingress(self, slot: AdapterSlot) -> Ingress:
        """What takes the messages of an adapter."""
        return self._ingresses[slot.platform]

    # What lanes need; see `hermes_trio.gateway.lane.Front`.

    @property
    def chat(self) -> ChatConfig:
        """The profile's settings for conversations."""
        return self.scope.config.chat

    def display(self, platform: str) -> DisplayConfig:
        """What people see on a platform."""
        return self.chat.display_on(platform)

    async def answer(self, lane: Lane, turn: LaneTurn) -> None:
        """Run a turn to its end."""
        await answer_in_lane(self, lane, turn)

    async def run_command(self, lane: Lane, accepted: Accepted) -> None:
        """Run the slash command of a message."""
        await self._guard(run_command_of, self, lane, accepted)

    def run_beside(self, lane: Lane, accepted: Accepted) -> None:
        """Run a command while a turn runs."""
        self.begin(run_command_of, self, lane, accepted)

    def may_run_beside(self, name: str) -> bool:
        """Whether a command may be given while a turn runs."""
        return may_run_while_busy(name)

    def settle_question(self, lane: Lane, accepted: Accepted) -> bool:
        """Take a message as the answer to a question that waits."""
        if not self.asked.settle(self.agent.workplace, lane.session_key, accepted.message.text):
            return False
        self.begin(inbox.finish, self.scope, (accepted.row_id,))
        return True

    def notice(self, accepted: Accepted, notice: Notice, *, done: bool = False) -> None:
        """Tell the chat something about a message."""
        rows = (accepted.row_id,) if done else ()
        self.begin(say_and_close, self.scope, self.reply_place(accepted, notice.value), notice_text(notice), rows)

    # What turns and commands need.

    def begin(self, work: Callable[..., Awaitable[object]], *args: object) -> None:
        """Do something in the profile's nursery whose failure is nobody else's."""
        self._nursery.start_soon(self._guard, work, *args)

    def say(self, accepted: Accepted, text: str) -> None:
        """Say something beside the conversation, in reply to a message."""
        self.begin(say_and_close, self.scope, self.reply_place(accepted, f"say:{text}"), text, ())

    def retry_later(self, messages: Sequence[Accepted]) -> None:
        """Answer messages again after a pause; one that ends first leaves them to the next start."""
        self.begin(self._deliver_after, RETRY_SECONDS * 2.0 ** messages[0].attempts, tuple(messages))

    async def show_question(self, place: ReplyPlace, text: str, asked: Asked, in_words: str = "") -> None:
        """Show a question with buttons where the platform has them, in words elsewhere; it is not kept for later."""
        buttons = self.asked.buttons(asked) if place.capabilities.buttons else ()
        shown = text if buttons else f"{text}\n\n{in_words}"
        parts = await compose_reply(self.scope, shown, place.capabilities, buttons=buttons)
        adapter = self.senders.find(place.transport_profile, place.platform)
        if adapter is None:
            return
        for part in parts:
            sent = await send_in_plain_if_refused(adapter, Target(place.chat_id, place.thread_id), part)
            if part is parts[-1]:
                self.asked.note_shown(asked.question_id, sent, part)

    async def close_question(self, place: ReplyPlace, question_id: str) -> None:
        """Take the buttons off a question that waits no more."""
        shown = self.asked.forget(question_id)
        adapter = self.senders.find(place.transport_profile, place.platform)
        if shown is None or adapter is None or not place.capabilities.edits:
            return
        message_id, text = shown
        with suppress(AdapterError):  # the answer counts, not how its question looks
            await adapter.edit(Target(place.chat_id, place.thread_id), message_id, replace(text, buttons=()))

    def platform(self, accepted: Accepted) -> PlatformConfig:
        """Settings of the bot that received a message."""
        slot = self.senders.slot(accepted.transport_profile, accepted.message.source.platform)
        return PlatformConfig(accepted.message.source.platform) if slot is None else slot.config

    def connected_platforms(self) -> tuple[str, ...]:
        """The platforms on which the profile can be reached now."""
        return tuple(name for name, slot in self.slots.items() if slot.adapter is not None)

    def has_live_processes(self, session_key: str) -> bool:
        """Whether young commands of a conversation still run in the background."""
        oldest = self.scope.clock.now() - self.chat.session_reset.bg_process_max_age_hours * 3600
        return any(
            process.is_running and process.entry.session_key == session_key and process.entry.started_at >= oldest
            for process in self.agent.workplace.processes.list()
        )

    def reply_place(self, accepted: Accepted, what: str = "answer") -> ReplyPlace:
        """Where to say something in reply to a message: where it came from, through the bot that received it.

        Args:
            accepted: The message.
            what: Tells what is said from other things that are said in reply to the same message.
        """
        message, source = accepted.message, accepted.message.source
        return ReplyPlace(
            transport_profile=accepted.transport_profile,
            platform=source.platform,
            chat_id=source.chat_id or source.user_id or "",
            thread_id=source.thread_id,
            session_key=accepted.session_key,
            key=f"{reply_key(accepted.transport_profile, message)}:{what}",
            reply_to=None if accepted.internal else message.message_id,
            reply_to_mode="off" if source.chat_type == "dm" else self.platform(accepted).reply_to_mode,
            inbox_id=accepted.row_id or None,
            capabilities=self.senders.capabilities(accepted.transport_profile, source.platform),
        )

    async def run_turn(self, request: TurnRequest, emit: Emit) -> TurnResult:
        """Run a turn as soon as there is a seat for it; errors as `ProfileRuntime.run_turn`, but for want of a seat."""
        while True:
            freed = self.runtime.capacity.freed
            try:
                return await self.runtime.run_turn(request, emit)
            except CapacityExceeded:
                await freed.wait()

    async def press(self, slot: AdapterSlot, press: ButtonPress) -> str:
        """Take a press of a button below a question."""
        return await self.asked.press(self.scope, self.agent.workplace, slot, press)

    # Own business.

    async def _take_up(self) -> None:
        """Let everything that an earlier generation accepted be answered."""
        for row in await inbox.unfinished(self.scope):
            await self._take_up_row(row)
        self.recovered.set()

    async def _take_up_row(self, row: InboxRow) -> None:
        try:
            accepted = decode_row(row)
        except ValueError as error:
            self.log.error(f"a message in the inbox cannot be read and is dropped: {error}", row=row.id)  # noqa: TRY400
            await inbox.drop(self.scope, row.id)
            return
        if row.state == "running":
            # Whoever ran it is dead; a message that kills its process time and again must not do so for ever.
            states = await inbox.set_back(self.scope, (row.id,), "interrupted by an end", self.chat.inbox_attempts)
            if states.get(row.id) == "dead":
                self.log.error("a message was interrupted too often and was put aside", row=row.id)
                self.say(accepted, notice_text(Notice.PUT_ASIDE))
                return
            if self.scope.clock.now() - row.updated_at > self.chat.gateway_auto_continue_freshness:
                await say_and_close(
                    self.scope, self.reply_place(accepted, "stale"), notice_text(Notice.INTERRUPTED), (row.id,)
                )
                return
        self.lanes.deliver(accepted)

    async def _has_something_to_send(self) -> bool:
        without = {slot.transport for slot in self.slots.values() if slot.adapter is None}
        due = await outbox.next_due(self.scope, without)
        return due is not None and due <= self.scope.clock.now()

    async def _prune_forever(self) -> None:
        while True:
            await trio.sleep(PRUNE_SECONDS)
            await inbox.prune(self.scope)
            await outbox.prune(self.scope)

    async def _deliver_after(self, seconds: float, messages: tuple[Accepted, ...]) -> None:
        await trio.sleep(seconds)
        for accepted in messages:
            self.lanes.deliver(accepted)

    async def _guard(self, work: Callable[..., Awaitable[object]], *args: object) -> None:
        """Do something beside; what goes wrong in it is logged and harms nobody."""
        try:
            await work(*args)
        except Exception as error:  # noqa: BLE001  the boundary of one piece of work
            leaf = main_leaf(error)
            if isinstance(leaf, HermesTrioError):
                self.log.warning(f"something was not done: {leaf}", code=leaf.code)
            else:
                self.log.error(
                    f"something crashed: {self.scope.log.redact(''.join(traceback.format_exception(error)))}"
                )
