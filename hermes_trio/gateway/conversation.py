"""What a slash command may do to the conversation it was given in, and to its profile."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.access.commands import is_admin
from hermes_trio.access.identity import is_direct
from hermes_trio.gateway.accepted import Accepted, new_row
from hermes_trio.gateway.asked import COMMAND, Asked
from hermes_trio.gateway.chat_request import background_key, origin_of
from hermes_trio.gateway.lane import MOST_WAITING
from hermes_trio.gateway.last_stop import leave_note
from hermes_trio.gateway.question_view import close_question, show_question
from hermes_trio.gateway.views import adapter_view, running_turn
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.routing.session_key import SessionKey, parse_session_key
from hermes_trio.store import inbox
from hermes_trio.store.chat_sessions import get_or_create, start_new, switch_to
from hermes_trio.turns.commands.context import ActiveConversation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.lane import Lane
    from hermes_trio.store.session_rows import SessionOrigin
    from hermes_trio.tools.question_ledger import PendingQuestion
    from hermes_trio.turns.commands.context import AdapterView, RunningTurn

CONFIRM_SECONDS: Final = 120.0
STOP_SECONDS: Final = 5.0


class LaneConversation:
    """The gateway's side of `hermes_trio.turns.commands.context.Conversation`; see there for the methods.

    Args:
        chats: The conversations of the runtime profile.
        lane: The one that the command was given in.
        accepted: The message with the command.

    Attributes:
        is_steered: Whether the message is said into a turn, which will close it.
    """

    def __init__(self, chats: Chats, lane: Lane, accepted: Accepted) -> None:
        self._chats = chats
        self._own_lane = lane
        self._key = lane.session_key
        self._accepted = accepted
        self.is_steered = False
        self._afterwards: list[Callable[[], None]] = []
        self._restart: Callable[[], None] | None = None

    @property
    def session_key(self) -> SessionKey:
        """Its key."""
        key = parse_session_key(self._key)
        if key is None:
            raise ValueError(f"{self._key!r} is no session key")
        return key

    @property
    def transport_profile(self) -> str:
        """The profile whose bot received the command."""
        return self._own_lane.transport_profile

    @property
    def is_admin(self) -> bool:
        """Whether who gave the command may use all of them."""
        return is_admin(self._chats.platform(self._accepted).access, self._accepted.message.source)

    @property
    def is_gateway_admin(self) -> bool:
        """Whether who gave the command is an admin of the default profile; without a list of admins nobody is."""
        access, source = self._chats.platform(self._accepted).access, self._accepted.message.source
        admins = access.admins if is_direct(source) else access.group_admins or access.admins
        return self.transport_profile == DEFAULT_PROFILE and (source.user_id or "") in admins

    def running_turn(self) -> RunningTurn | None:
        """The turn that runs here now."""
        return running_turn(self._lane)

    def queued(self) -> int:
        """How many messages wait here."""
        return len(self._lane.waiting)

    def active(self) -> Sequence[ActiveConversation]:
        """All conversations of the profile in which something happens."""
        return [
            ActiveConversation(lane.session_key, running_turn(lane), len(lane.waiting)) for lane in self._chats.lanes
        ]

    async def stop(self) -> tuple[bool, int]:
        """End the running turn and drop what waits; not what came after the command."""
        row_id = self._accepted.row_id
        dropped = self._lane.drop_waiting(row_id)
        turn = self._lane.turn
        if turn is not None and turn.messages[0].row_id > row_id:
            turn = None
        if turn is not None:
            turn.interrupt()
            with trio.move_on_after(STOP_SECONDS):
                await turn.ended.wait()
        await inbox.finish(self._chats.scope, [one.row_id for one in dropped])
        return turn is not None, len(dropped)

    async def session_id(self) -> str:
        """The session that the conversation stands for now."""
        return await self._session(self._key)

    async def begin_session(self, title: str = "") -> str:
        """Let the conversation begin anew."""
        # What waits belongs into the new one, and must not begin in the old one meanwhile.
        with self._lane.held():
            await self.stop()
            self._chats.agent.workplace.approvals.forget_session(self._key)
            return (await start_new(self._chats.scope, self._key, self._origin, title)).session_id

    async def switch_session(self, session_id: str) -> None:
        """Let the conversation go on in another session of the profile."""
        await switch_to(self._chats.scope, self._key, session_id, self._origin)

    async def submit(self, text: str) -> bool:
        """Let a text be answered after what runs and waits, as if the user had written it."""
        if len(self._lane.waiting) >= MOST_WAITING:
            return False
        await self._ask(text, self._key, "prompt")
        return True

    def steer(self, text: str) -> bool:
        """Put a text into the running turn.

        The command's message stays open until the turn has heard it; what is not heard is answered after the turn.
        """
        turn, given = self._lane.turn, self._accepted
        message = replace(given.message, text=text, attachments=())
        if turn is None or not turn.steer(replace(given, message=message)):
            return False
        self.is_steered = True
        return True

    async def run_in_background(self, prompt: str) -> str:
        """Answer a prompt in a session of its own and deliver the answer here."""
        # A key of its own makes it a conversation of its own, with a lane of its own; its place is the same.
        key = background_key(self._key, self._accepted.row_id)
        session = await self._session(key)
        await self._ask(prompt, key, "background")
        return session

    async def confirm(self, question: str, choices: Sequence[str]) -> str | None:
        """Ask whoever gave the command."""
        chats, key = self._chats, self._key
        name = f"{COMMAND}{uuid.uuid4().hex[:12]}"
        place = chats.reply_place(self._accepted, "confirm")

        async def announce(asked: PendingQuestion) -> None:
            shown_ids.append(asked.id)
            shown = Asked(asked.id, key, tuple(choices), False, self.transport_profile)
            await show_question(chats, place, question, shown, " / ".join(choices))

        shown_ids: list[str] = []
        answer: str | None = None
        with trio.move_on_after(CONFIRM_SECONDS):
            answer = await chats.agent.workplace.questions.ask(question, choices, announce, key, name)
        for question_id in shown_ids:
            chats.begin(close_question, chats, place, question_id)
        return answer if answer in choices else None

    def adapters(self) -> Sequence[AdapterView]:
        """The profile's adapters."""
        return [adapter_view(slot) for slot in self._chats.slots.values()]

    async def pause_adapter(self, platform: str) -> bool:
        """Disconnect an adapter until it is resumed."""
        runner = self._chats.runners.get(platform)
        if runner is not None:
            self._afterwards.append(runner.pause)
        return runner is not None

    async def resume_adapter(self, platform: str) -> bool:
        """Connect a paused or parked adapter again."""
        runner = self._chats.runners.get(platform)
        if runner is not None:
            runner.resume()
        return runner is not None

    def restart_profile(self) -> None:
        """Start this profile again once its running turns have ended."""
        self._restart = self._chats.restart_profile

    def restart_gateway(self) -> None:
        """Start the whole gateway again once all running turns have ended."""
        self._restart = self._chats.restart_gateway

    async def after_reply(self) -> None:
        """Do what was to wait until the command's reply is safe."""
        for work in self._afterwards:
            work()
        if self._restart is not None:
            await leave_note(self._chats.scope, self._accepted.message, self.transport_profile)
            self._restart()

    @property
    def _lane(self) -> Lane:
        """The conversation's lane; the one of the command may have ended while it ran."""
        return self._chats.lanes.find(self.transport_profile, self._key) or self._own_lane

    async def _session(self, key: str) -> str:
        scope = self._chats.scope
        policy = replace(scope.config.chat.session_reset, mode="none")
        return (await get_or_create(scope, key, self._origin, policy, self._chats.root_db)).session_id

    async def _ask(self, text: str, key: str, what: str) -> None:
        """Let a text be answered in a conversation; only once, even if the command is given again after a crash."""
        given = self._accepted.message
        message = replace(given, text=text, message_id=f"{given.message_id}:{what}", attachments=())
        row = new_row(message, self.transport_profile, key)
        row_id = await inbox.accept(self._chats.scope, row)
        if row_id is not None:
            self._chats.lanes.put_last(Accepted(row_id, self.transport_profile, key, message))

    @property
    def _origin(self) -> SessionOrigin:
        return origin_of(self._accepted.message, self.transport_profile, self._chats.scope.name)
