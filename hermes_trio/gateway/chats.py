"""The conversations of one generation of a profile: its adapters, its lanes, its outbox, and their begin and end."""

from __future__ import annotations

import hashlib
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.access.commands import is_named_admin
from hermes_trio.delivery.outbound_media import sweep_outbound
from hermes_trio.delivery.outbox_worker import serve_outbox
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.accepted import Accepted, new_row
from hermes_trio.gateway.adapter_context import CoreContext
from hermes_trio.gateway.adapter_runner import AdapterRunner
from hermes_trio.gateway.adapter_slot import AdapterSlot, AdapterState
from hermes_trio.gateway.asked import NOT_YOURS, AskedQuestions
from hermes_trio.gateway.bot_rules import bot_rules, wait_for_rules
from hermes_trio.gateway.chat_command import run_command_of
from hermes_trio.gateway.chat_turn import answer_in_lane, say_and_close
from hermes_trio.gateway.destinations import DestinationSenders, destination_now, place_at
from hermes_trio.gateway.held_messages import HeldMessages
from hermes_trio.gateway.ingress import Ingress
from hermes_trio.gateway.lane_table import LaneTable
from hermes_trio.gateway.last_stop import note_orderly_stop, was_orderly
from hermes_trio.gateway.notices import notice_text
from hermes_trio.gateway.reply import ReplyPlace, reply_key
from hermes_trio.gateway.select_profile import SELECT_PROFILE
from hermes_trio.gateway.take_up import take_up
from hermes_trio.gateway.transports import find_transport
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.io.supervise import main_leaf
from hermes_trio.store import inbox, outbox
from hermes_trio.store.chat_entries import prune_entries
from hermes_trio.turns.commands.registry import may_run_while_busy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from hermes_trio.adapter_api.adapter import AdapterFactory
    from hermes_trio.adapter_api.messages import ButtonPress, InboundMessage
    from hermes_trio.gateway.adapter_runner import CredentialLocks
    from hermes_trio.gateway.credential_claims import ProfileClaims
    from hermes_trio.gateway.errand import Destination, Errand
    from hermes_trio.gateway.lane import Lane, Notice
    from hermes_trio.gateway.lane_turn import LaneTurn
    from hermes_trio.gateway.mounts import MountTable
    from hermes_trio.gateway.router import Router
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.home.chat_config import ChatConfig, DisplayConfig
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.turns.request import TurnRequest, TurnResult
    from hermes_trio.turns.turn import Emit

#: Platforms that are served without an adapter.
BUILT_IN: Final = frozenset({"api_server", "webhook", "local"})
FLUSH_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 300.0
PRUNE_SECONDS: Final = 6 * 3600.0
#: Longer than an answer waits for its bot, so nobody sends a copy of a file that is older.
OUTBOUND_SECONDS: Final = outbox.WAITS_FOR_BOT_SECONDS + outbox.DAY


class Chats:
    """A profile's conversations on chat platforms; see `Chats.serve`.

    Args:
        runtime: The generation.
        nursery: The profile's nursery; owns lanes and what they begin.
        senders: The bots of all profiles.
        router: Decides which profile answers what the bots receive.
        mounts: The paths that adapters serve.
        claims: Which of the profile's adapters may use its credential.
        find_factory: Finds a platform's factory.
        locks: Where the locks of credentials are; None where nobody else could use them.
        files_changed: Returns when a file of the profile's settings has changed.
        restart_profile: Starts the profile again.
        restart_gateway: Starts the gateway again.

    Attributes:
        slots: The profile's adapters, by platform.
        lanes: The conversations in which something happens.
        asked: Questions below which people can press buttons.
        held: What its bots have received for other profiles that cannot be had.
        recovered: Set when what an earlier generation left has been taken up.
    """

    def __init__(
        self,
        runtime: ProfileRuntime,
        nursery: trio.Nursery,
        *,
        senders: Senders,
        router: Router,
        mounts: MountTable,
        claims: ProfileClaims,
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
        self.router = router
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
                claims=claims,
                locks=locks,
                files_changed=files_changed,
                restart_profile=restart_profile,
            )
            for name, slot in self.slots.items()
        }
        claims.returned(self.slots)
        self.lanes = LaneTable(self, nursery, f"{self.scope.name}#{self.scope.generation}")
        self.asked = AskedQuestions()
        self.held = HeldMessages(self)
        self.recovered = trio.Event()
        self._line = trio.Lock()
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
                orderly = await was_orderly(self.scope)
                taken_up = await take_up(self)
                if taken_up and not orderly:
                    self.log.warning(f"the last stop was no orderly one; messages taken up: {taken_up}")
                await self.held.load()
                self.recovered.set()
                if self.slots or len(self.held):
                    nursery.start_soon(self.held.serve, name=f"{self.scope.name} held messages")
                senders = DestinationSenders(self.scope, self.senders)
                await nursery.start(serve_outbox, self.scope, senders, name=f"{self.scope.name} outbox")
                await self._prune_forever()
        finally:
            for slot in self.slots.values():
                slot.enter(AdapterState.STOPPED)
                self.senders.remove(slot)

    async def close(self, *, orderly: bool) -> None:
        """After the last turn: wait until what can be sent is sent, at most 5 s.

        Args:
            orderly: Whether all turns ended by themselves.
        """
        with trio.move_on_after(FLUSH_SECONDS):
            await self.lanes.idle()
            seen = self.scope.db.changes.count(outbox.TOPIC)
            # What is cut off while it is sent has to be sent again, and nobody knows whether it arrives twice.
            while await outbox.is_busy(self.scope, self.scope.clock.now(), self.senders.unreachable()):
                seen = await self.scope.db.changes.wait_beyond(outbox.TOPIC, seen)
        if orderly and not any(self.lanes):
            await note_orderly_stop(self.scope)

    def cancel_turn(self, turn_id: str) -> bool:
        """End a turn by its id; False when none of this id runs here."""
        turn = next((lane.turn for lane in self.lanes if lane.turn is not None and lane.turn.turn_id == turn_id), None)
        if turn is not None:
            turn.interrupt()
            self.log.info("an answer was stopped by whoever runs the gateway", turn=turn_id)
            self.say(turn.messages[-1], "⏹ This answer was stopped by whoever runs the gateway.")
        return turn is not None

    def count_dropped(self, platform: str, reason: str) -> None:
        """Count a message that was not taken after all."""
        ingress = self._ingresses.get(platform)
        if ingress is not None:
            ingress.dropped[reason] += 1

    def ingress(self, slot: AdapterSlot) -> Ingress:
        """What takes the messages of an adapter."""
        return self._ingresses[slot.platform]

    # What lanes need; see `hermes_trio.gateway.lane.Front`.

    @property
    def draining(self) -> bool:
        """Whether nothing new is to be begun."""
        return not self.runtime.accepting

    @property
    def chat(self) -> ChatConfig:
        """The profile's settings for conversations."""
        return self.scope.config.chat

    def display(self, platform: str) -> DisplayConfig:
        """What people see on a platform."""
        return self.chat.display_on(platform)

    async def answer(self, lane: Lane, turn: LaneTurn) -> None:
        """Run a turn to its end."""
        await wait_for_rules(self.scope, self.senders, turn.messages[-1])
        await answer_in_lane(self, lane, turn)

    async def run_command(self, lane: Lane, accepted: Accepted) -> None:
        """Run the slash command of a message."""
        await wait_for_rules(self.scope, self.senders, accepted)
        await self._guard(run_command_of, self, lane, accepted)

    def run_beside(self, lane: Lane, accepted: Accepted) -> None:
        """Run a command while a turn runs."""
        self.begin(run_command_of, self, lane, accepted)

    def may_run_beside(self, name: str) -> bool:
        """Whether a command may be given while a turn runs."""
        return may_run_while_busy(name)

    def settle_question(self, lane: Lane, accepted: Accepted) -> bool:
        """Take a message as the answer to a question that waits."""
        access = self.platform(accepted).access
        refusal = self.asked.settle(self.agent.workplace, lane.session_key, accepted.message, access)
        if refusal is None:
            return False
        if refusal:
            place = self.reply_place(accepted, "consent")
            self.begin(say_and_close, self.scope, place, refusal, (accepted.row_id,))
        else:
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

    async def say_interim(self, place: ReplyPlace, text: str, number: int) -> None:
        """Say what an agent says between its tools; before its answer, and once, even if the turn is begun again."""
        # Begun again it may say something else, and parts of two texts are no text.
        key = f"{place.key}:interim:{number}:{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"
        await self._guard(say_and_close, self.scope, replace(place, key=key), text, ())

    async def tell_agent(self, message: InboundMessage, transport_profile: str, session_key: str) -> None:
        """Let the agent of a conversation know something that nobody wrote; what came before is not told again.

        Raises:
            StoreError: It could not be stored.
            ScopeClosed: The profile is over.
        """
        row_id = await inbox.accept(self.scope, new_row(message, transport_profile, session_key, internal=True))
        if row_id is not None:
            self.lanes.deliver(Accepted(row_id, transport_profile, session_key, message, internal=True))

    def retry_later(self, messages: Sequence[Accepted]) -> None:
        """Answer messages again after a pause; one that ends first leaves them to the next start."""
        pause = min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2.0 ** min(messages[0].attempts, 16))
        self.begin(self._deliver_after, pause, tuple(messages))

    def platform(self, accepted: Accepted) -> PlatformConfig:
        """Settings of the bot that received a message."""
        return bot_rules(self.scope, self.senders, accepted)

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

        In reply to an errand: at its destination, or nowhere.

        Args:
            accepted: The message.
            what: Tells what is said from other things that are said in reply to the same message.
        """
        message, source, errand = accepted.message, accepted.message.source, accepted.errand
        key = f"{reply_key(accepted.transport_profile, message)}:{what}"
        destination = self.destination_of(errand) if errand is not None else None
        if destination is not None:
            place = place_at(self.senders, destination, accepted.session_key, key)
            return replace(place, inbox_id=accepted.row_id or None)
        return ReplyPlace(
            transport_profile=accepted.transport_profile,
            platform=source.platform,
            chat_id=source.chat_id or source.user_id or "",
            thread_id=source.thread_id,
            session_key=accepted.session_key,
            key=key,
            reply_to=None if accepted.internal else message.message_id,
            reply_to_mode="off" if source.chat_type == "dm" else self.platform(accepted).reply_to_mode,
            inbox_id=accepted.row_id or None,
            capabilities=self.senders.capabilities(accepted.transport_profile, source.platform),
            says="all" if errand is None else "nothing",
        )

    def destination_of(self, errand: Errand) -> Destination | None:
        """Where the answer to an errand goes, as the routes are now; None for nowhere."""
        known = errand.destination
        return None if known is None else destination_now(self.scope, self.router, self.senders, known)

    async def run_turn(self, request: TurnRequest, emit: Emit) -> TurnResult:
        """Run a turn of an admitted caller (`ProfileRuntime.admission`) as soon as there is a seat for it.

        Errors as `ProfileRuntime.run_turn`, but for want of a seat; what still waits for one when a drain begins is
        `ProfileUnavailable`, because it would make others wait for the end of the drain.
        """
        capacity, most = self.runtime.capacity, self.scope.config.max_concurrent_sessions
        # Only the first in line watches, or each seat that is freed would wake all who wait in all profiles.
        async with self._line:
            while not capacity.has_free(self.scope.name, most):
                self.runtime.check_accepting()
                await capacity.freed.wait()
        # Without a checkpoint in between nobody else has taken it.
        return await self.runtime.run_turn(request, emit, admitted=True)

    async def press(self, slot: AdapterSlot, press: ButtonPress) -> str:
        """Take a press of a button below a question, which may be one of a profile that answers through our bot."""
        asking = next((chats for chats in self.router.all_chats() if chats.asked.knows(press.data)), None)
        if asking is not None and not self._may_answer(asking, slot, press.source):
            return NOT_YOURS
        asking = asking or self
        return await asking.asked.press(self.scope, asking.scope, asking.agent.workplace, slot, press)

    def transport_to(self, source: MessageSource, known: str = "") -> str | None:
        """The profile through whose bot this profile may speak in a place unasked; see `find_transport`."""
        return find_transport(self.router, self.senders, self.scope, source, known)

    # Own business.

    def _may_answer(self, asking: Chats, slot: AdapterSlot, source: MessageSource) -> bool:
        """Whether what somebody says there is for the profile that asks, or an admin of the bot says it."""
        if self.scope.name == DEFAULT_PROFILE and self.agent.workplace.hooks.listens(SELECT_PROFILE):
            return True  # what the hook would say is not known
        leads_there = self.router.decide(self.scope.name, source).target == asking.scope.name
        return leads_there or is_named_admin(slot.config.access, source)

    async def _prune_forever(self) -> None:
        while True:
            await trio.sleep(PRUNE_SECONDS)
            await self._guard(inbox.prune, self.scope)
            await self._guard(outbox.prune, self.scope)
            await self._guard(sweep_outbound, self.scope, frozenset(), OUTBOUND_SECONDS)
            await self._guard(prune_entries, self.scope, self.chat.session_store_max_age_days)

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
                text = self.scope.log.redact("".join(traceback.format_exception(error)))
                self.log.error(f"something crashed: {text}")  # noqa: TRY400  ours has no such method
