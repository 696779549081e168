"""A lane: the messages of one conversation that came in through one bot, answered one after the other.

A lane has a task only while there is something to do in it. What a message does to a turn that runs is decided here,
at once and without waiting: it answers a question, is a command, is told to the turn, ends it, or waits.
"""

from __future__ import annotations

import enum
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import trio

from hermes_trio.adapter_api.messages import MediaKind
from hermes_trio.gateway.lane_turn import LaneTurn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.home.chat_config import ChatConfig, DisplayConfig

MOST_WAITING: Final = 32
"""Messages that may wait in one lane; further ones are refused with a notice."""

LONG_TEXT: Final = 4000
LONG_TEXT_SECONDS: Final = 1.0
"""A text of this length is probably the first piece of a longer one that somebody's app has cut."""

PIECES_SECONDS: Final = 3.0
"""What was written later than this after a message is a message of its own, also when both have waited for a start."""

MOST_GATHERED: Final = 20
ACKNOWLEDGE_SECONDS: Final = 30.0
_STOP: Final = "stop"
_BURST: Final = frozenset({MediaKind.PHOTO, MediaKind.VIDEO})


class Notice(enum.StrEnum):
    """What a lane has to say for itself; the words are the front's."""

    INTERRUPTING = "interrupting"
    QUEUED = "queued"
    STEERED = "steered"
    FULL = "full"
    NOT_WHILE_BUSY = "not_while_busy"
    PUT_ASIDE = "put_aside"
    INTERRUPTED = "interrupted"
    RESTARTED = "restarted"
    COMMAND_CUT_OFF = "command_cut_off"


class Front(Protocol):
    """What a lane needs of its profile."""

    @property
    def chat(self) -> ChatConfig:
        """The profile's settings for conversations."""
        ...

    @property
    def draining(self) -> bool:
        """Whether nothing new is to be begun."""
        ...

    def display(self, platform: str) -> DisplayConfig:
        """What people see on a platform."""
        ...

    async def answer(self, lane: Lane, turn: LaneTurn) -> None:
        """Run a turn to its end; whatever goes wrong is dealt with."""
        ...

    async def run_command(self, lane: Lane, accepted: Accepted) -> None:
        """Run the slash command of a message; whatever goes wrong is dealt with."""
        ...

    def run_beside(self, lane: Lane, accepted: Accepted) -> None:
        """Run a command while a turn runs; returns at once."""
        ...

    def may_run_beside(self, name: str) -> bool:
        """Whether a command may be given while a turn runs; also for names that are none."""
        ...

    def settle_question(self, lane: Lane, accepted: Accepted) -> bool:
        """Take a message as the answer to a question that waits in its conversation; False when there is none.

        The message is then done with.
        """
        ...

    def notice(self, accepted: Accepted, notice: Notice, *, done: bool = False) -> None:
        """Tell the chat something about a message; with ``done`` that is all that becomes of it. Returns at once."""
        ...


class Lane:
    """One conversation's messages through one bot.

    Args:
        front: What it needs of its profile.
        transport_profile: Whose bot.
        session_key: The conversation.

    Attributes:
        waiting: What is to be answered after what runs, oldest first.
        turn: What runs now, or None.
    """

    def __init__(self, front: Front, transport_profile: str, session_key: str) -> None:
        self.transport_profile = transport_profile
        self.session_key = session_key
        self.waiting: deque[Accepted] = deque()
        self.turn: LaneTurn | None = None
        self._front = front
        self._arrived = trio.Event()
        self._own_turn: set[int] = set()
        self._acknowledged = float("-inf")
        self._runs_command = False
        self._taken: list[Accepted] = []
        self._holders = 0
        self._released = trio.Event()

    def deliver(self, accepted: Accepted) -> None:
        """Take a message. Decides at once what it means for what runs; never waits."""
        command = accepted.command
        # Whoever wrote what is answered once more did not know of a question that is asked now.
        may_settle = command is None and not accepted.internal and not accepted.attempts
        if may_settle and self._front.settle_question(self, accepted):
            return
        is_busy = self.turn is not None or self._runs_command
        if command is not None and (is_busy or (self._taken and command.name == _STOP)):
            self._command_while_busy(accepted, command.name)
        elif self.turn is not None:
            self._text_while_busy(accepted, self.turn)
        else:
            self._wait(accepted)

    def put_last(self, accepted: Accepted) -> None:
        """Let a message be answered after all that runs and waits, as a turn of its own."""
        self._own_turn.add(accepted.row_id)
        self.waiting.append(accepted)

    def drop_waiting(self, before: int) -> tuple[Accepted, ...]:
        """Forget what waits and was accepted before a row of the inbox, and return it; what came later stays."""
        gathered = () if self._runs_command else tuple(self._taken)
        dropped = tuple(one for one in (*gathered, *self.waiting) if one.row_id < before)
        for one in dropped:
            (self._taken if one in gathered else self.waiting).remove(one)
        return dropped

    def messages(self) -> tuple[Accepted, ...]:
        """All that is being answered, was said into what runs, or waits."""
        running = () if self.turn is None else (*self.turn.messages, *self.turn.steered)
        return (*self._taken, *running, *self.waiting)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Begin no turn within the ``with``: a command that runs beside changes what the conversation stands for."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            released, self._released = self._released, trio.Event()
            released.set()

    async def run(self) -> None:
        """Answer what waits until nothing does."""
        while (self.waiting or self._holders) and not self._front.draining:
            if self._holders:
                await self._released.wait()
                continue
            first = self.waiting.popleft()
            self._taken = [first]
            if first.command is not None:
                self._runs_command = True
                await self._front.run_command(self, first)
                self._runs_command = False
                self._taken = []
                continue
            gathered = await self._gather(self._taken)
            self._taken = []
            if not gathered:
                continue
            self.turn = turn = LaneTurn(gathered)
            try:
                await self._front.answer(self, turn)
            finally:
                self.turn = None
                turn.ended.set()
            self._own_turn -= {one.row_id for one in turn.messages}
            # What was said into the turn too late comes before what came later.
            for accepted in reversed(turn.unheard()):
                self._own_turn.add(accepted.row_id)
                self.waiting.appendleft(accepted)
            if turn.put_back:
                self.waiting.extendleft(reversed(turn.messages))

    def _command_while_busy(self, accepted: Accepted, name: str) -> None:
        if self._front.may_run_beside(name):
            self._front.run_beside(self, accepted)
        else:
            self._front.notice(accepted, Notice.NOT_WHILE_BUSY, done=True)

    def _text_while_busy(self, accepted: Accepted, turn: LaneTurn) -> None:
        display = self._front.display(accepted.message.source.platform)
        # Nobody says these now, so they disturb nobody.
        is_quiet = accepted.internal or accepted.attempts > 0
        plain = display.busy_input_mode if accepted.message.attachments else display.busy_text_mode
        mode = "queue" if is_quiet else plain or display.busy_input_mode
        if mode == "steer" and not accepted.message.attachments and turn.steer(accepted):
            if display.busy_steer_ack_enabled:
                self._acknowledge(accepted, Notice.STEERED)
            return
        # What children have done would be lost with their parent, which is seldom meant.
        interrupts = mode == "interrupt" and turn.control.is_interruptible
        if not self._wait(accepted, own_turn=not interrupts):
            return
        if interrupts:
            turn.interrupt(for_message=True)
        if display.busy_ack_enabled and not is_quiet:
            self._acknowledge(accepted, Notice.INTERRUPTING if interrupts else Notice.QUEUED)

    def _wait(self, accepted: Accepted, *, own_turn: bool = False) -> bool:
        if len(self.waiting) >= MOST_WAITING and not accepted.internal:
            self._front.notice(accepted, Notice.FULL, done=True)
            return False
        if own_turn or accepted.internal or accepted.attempts:
            self._own_turn.add(accepted.row_id)
        self.waiting.append(accepted)
        arrived, self._arrived = self._arrived, trio.Event()
        arrived.set()
        return True

    def _acknowledge(self, accepted: Accepted, notice: Notice) -> None:
        now = trio.current_time()
        if now - self._acknowledged >= ACKNOWLEDGE_SECONDS:
            self._acknowledged = now
            self._front.notice(accepted, notice)

    async def _gather(self, gathered: list[Accepted]) -> tuple[Accepted, ...]:
        """The first message with what goes on from it: people write in pieces, and albums come as several messages.

        Nothing when nothing is to be begun any more.
        """
        until = trio.current_time() + self._patience(gathered[-1])
        while 0 < len(gathered) < MOST_GATHERED:
            if self.waiting and self._goes_on(gathered[-1], self.waiting[0]):
                gathered.append(self.waiting.popleft())
                until = trio.current_time() + self._patience(gathered[-1])
                continue
            if self.waiting or trio.current_time() >= until:
                break
            with trio.CancelScope(deadline=until):
                await self._arrived.wait()
        # A drain that began meanwhile leaves all of it in the inbox, for the next start.
        return () if self._front.draining else tuple(gathered)

    def _patience(self, accepted: Accepted) -> float:
        """Seconds to wait for more after a message."""
        message, chat = accepted.message, self._front.chat
        if message.album_id:
            return chat.album_seconds
        if accepted.row_id in self._own_turn:
            return 0.0
        if _is_picture(accepted):
            return chat.album_seconds
        if len(message.text) >= LONG_TEXT:
            return max(LONG_TEXT_SECONDS, chat.continuation_seconds)
        return chat.continuation_seconds

    def _goes_on(self, earlier: Accepted, later: Accepted) -> bool:
        one, other = earlier.message, later.message
        if earlier.internal or later.internal or later.command is not None:
            return False
        if one.source.user_id != other.source.user_id or one.source.thread_id != other.source.thread_id:
            return False
        if earlier.begun or later.begun:
            return earlier.begun == later.begun
        if one.album_id or other.album_id:
            return one.album_id == other.album_id
        if other.at - one.at > PIECES_SECONDS:
            return False
        if _is_picture(earlier) and _is_picture(later):
            return True
        return not {earlier.row_id, later.row_id} & self._own_turn


def _is_picture(accepted: Accepted) -> bool:
    attachments = accepted.message.attachments
    return bool(attachments) and all(one.kind in _BURST for one in attachments)
