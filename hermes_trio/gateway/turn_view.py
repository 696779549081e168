"""What a chat sees of a turn while it runs: that somebody works, questions, and the answer as it grows."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.delivery.compose import compose
from hermes_trio.delivery.growing import GrowingSettings, open_growing_message
from hermes_trio.delivery.progress import open_progress_message, preview_of, still_working_text
from hermes_trio.delivery.shown import ShownMessages
from hermes_trio.gateway.asked import Asked
from hermes_trio.gateway.question_view import close_question, show_question
from hermes_trio.gateway.reply import Grown
from hermes_trio.gateway.senders import BotSender
from hermes_trio.turns.events import (
    ApprovalClosed,
    ApprovalRequested,
    QuestionAsked,
    QuestionClosed,
    TextDelta,
    ToolStarted,
    UsageReported,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from hermes_trio.delivery.growing import GrowingMessage
    from hermes_trio.delivery.progress import ProgressMessage
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.lane import Lane
    from hermes_trio.gateway.lane_turn import LaneTurn
    from hermes_trio.gateway.reply import ReplyPlace
    from hermes_trio.home.chat_config import DisplayConfig
    from hermes_trio.tools.approval import ApprovalRequest
    from hermes_trio.turns.events import TurnEvent

#: Most answers are there before it matters that somebody sees us write.
TYPING_AFTER_SECONDS: Final = 0.7

WORKING: Final = "👀"
DONE: Final = "👍"
NOTHING: Final = ""

_SHOWN_PROGRESS: Final = frozenset({"new", "all", "verbose"})


class TurnView:
    """Shows one turn to its chat; made by `open_turn_view`.

    Attributes:
        last_prompt: Tokens of the last prompt that the model was sent; 0 when that is not known.
    """

    def __init__(
        self,
        chats: Chats,
        lane: Lane,
        turn: LaneTurn,
        place: ReplyPlace,
        display: DisplayConfig,
        growing: GrowingMessage | None,
        progress: ProgressMessage | None,
    ) -> None:
        self._chats = chats
        self._lane = lane
        self._turn = turn
        self._place = place
        self.last_prompt = 0
        self._questions: set[str] = set()
        self._display = display
        self._growing = growing
        self._progress = progress
        self._said: list[str] = []
        self._interims = 0
        self._reacting = trio.Lock()
        self._sender = _sender(chats, place)
        self._target = Target(place.chat_id, place.thread_id)

    async def emit(self, events: Sequence[TurnEvent]) -> None:
        """See `hermes_trio.turns.step.Emit`; never waits for the platform."""
        for event in events:
            if isinstance(event, TextDelta):
                self._add(event.text)
            elif isinstance(event, ToolStarted):
                await self._end_passage()
                if self._progress is not None:
                    self._progress.add(event.tool, preview_of(event.label))
            elif isinstance(event, UsageReported):
                self.last_prompt = event.usage.input_tokens
            else:
                self._show_question(event)

    def _show_question(self, event: TurnEvent) -> None:
        if isinstance(event, ApprovalRequested):
            self._ask_consent(event.request)
        elif isinstance(event, QuestionAsked):
            self._ask(event)
        elif isinstance(event, ApprovalClosed):
            self._close(event.request_id)
        elif isinstance(event, QuestionClosed):
            self._close(event.question_id)

    def _add(self, text: str) -> None:
        if self._growing is not None:
            self._growing.add(text)
        else:
            self._said.append(text)

    async def _end_passage(self) -> None:
        """Tools are called: what was said before them is a message of its own."""
        if self._growing is not None:
            self._growing.boundary()
            return
        text, self._said = "".join(self._said), []
        if text.strip() and self._display.interim_assistant_messages:
            self._interims += 1
            await self._chats.say_interim(self._place, text, self._interims)

    async def react(self, reaction: str) -> None:
        """Show by a reaction to the message how it is doing, where the platform and the settings want that."""
        place = self._place
        if place.reply_to is None or not place.capabilities.reactions:
            return
        async with self._reacting:  # the last one is to stay
            with suppress(AdapterError):  # it is an ornament
                await self._sender.react(self._target, place.reply_to, reaction)

    async def stop_growing(self) -> Grown:
        """Let the answer grow no more."""
        if self._growing is None:
            return Grown()
        return Grown(await self._growing.stop(), anew=self._growing.is_old)

    async def show_typing(self) -> None:
        """Show that somebody works, until cancelled; not while a question waits, because then the user is to."""
        place = self._place
        await trio.sleep(TYPING_AFTER_SECONDS)
        while True:
            if not self._questions:
                try:
                    with trio.move_on_after(place.capabilities.typing_seconds):
                        await self._sender.show_typing(self._target)
                except AdapterError as error:
                    self._chats.log.debug(f"typing could not be shown: {error}", platform=place.platform)
            await trio.sleep(place.capabilities.typing_seconds)

    async def tell_that_it_runs(self) -> None:
        """Say from time to time that a long turn still runs, in one message that changes; until cancelled."""
        place, seconds = self._place, self._chats.chat.gateway_notify_interval
        shown = ShownMessages(self._sender, self._target)
        while True:
            await trio.sleep(seconds)
            if self._questions:
                continue  # it is the user who is waited for
            text = still_working_text(
                trio.current_time() - self._turn.begun,
                self._turn.control.current_tool,
                generic=self._display.generic_notifications,
            )
            with suppress(AdapterError):  # the next one may get through
                await shown.step(compose(text, place.capabilities))

    def _ask_consent(self, request: ApprovalRequest) -> None:
        choices = tuple(str(choice) for choice in request.choices)
        # Longer than any in the command, which could else end it and hide the rest of itself in markup.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", request.command)), default=0))
        text = f"⚠️ May I run this? {request.description}\n{fence}\n{request.command}\n{fence}"
        words = "Answer `yes`, `session`, `always` or `no`."
        self._show(text, self._asked(request.id, request.session_key, choices, is_approval=True), words)

    def _ask(self, event: QuestionAsked) -> None:
        listed = "".join(f"\n{number}. {choice}" for number, choice in enumerate(event.choices, start=1))
        asked = self._asked(event.question_id, self._lane.session_key, event.choices, is_approval=False)
        self._show(f"❓ {event.question}", asked, listed)

    def _asked(self, question_id: str, session_key: str, choices: tuple[str, ...], *, is_approval: bool) -> Asked:
        return Asked(question_id, session_key, choices, is_approval, self._place.transport_profile)

    def _show(self, text: str, asked: Asked, in_words: str) -> None:
        self._questions.add(asked.question_id)
        self._chats.begin(show_question, self._chats, self._place, text, asked, in_words)

    def _close(self, question_id: str) -> None:
        self._questions.discard(question_id)
        self._chats.begin(close_question, self._chats, self._place, question_id)


@asynccontextmanager
async def open_turn_view(
    chats: Chats, lane: Lane, turn: LaneTurn, place: ReplyPlace, display: DisplayConfig
) -> AsyncIterator[TurnView]:
    """Show a turn for the length of the block, as ``display`` says; nobody looks on at an errand."""
    if turn.messages[-1].errand is not None:
        yield TurnView(chats, lane, turn, place, replace(display, interim_assistant_messages=False), None, None)
        return
    failure: BaseException | None = None
    async with AsyncExitStack() as stack:
        # What they own outlives the nursery below: tasks of both end in the reverse order of their beginning.
        growing = await stack.enter_async_context(_growing(chats, place, display)) if _grows(chats, place) else None
        progress = None
        if display.tool_progress in _SHOWN_PROGRESS:
            progress = await stack.enter_async_context(_progress(chats, place, display))
        nursery = await stack.enter_async_context(trio.open_nursery())
        view = TurnView(chats, lane, turn, place, display, growing, progress)
        if place.capabilities.typing and chats.platform(turn.messages[-1]).typing_indicator:
            nursery.start_soon(view.show_typing)
        if display.long_running_notifications and chats.chat.gateway_notify_interval > 0:
            nursery.start_soon(view.tell_that_it_runs)
        chats.begin(view.react, WORKING)
        try:
            yield view
        except BaseException as error:  # noqa: BLE001  raised again below; in here it would come out wrapped in a group
            failure = error
        chats.begin(view.react, DONE if failure is None else NOTHING)
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _sender(chats: Chats, place: ReplyPlace) -> BotSender:
    return BotSender(chats.senders, place.transport_profile, place.platform, chats.log)


def _progress(chats: Chats, place: ReplyPlace, display: DisplayConfig) -> AbstractAsyncContextManager[ProgressMessage]:
    target = Target(place.chat_id, place.thread_id)
    return open_progress_message(chats.scope, _sender(chats, place), target, place.capabilities, display)


def _grows(chats: Chats, place: ReplyPlace) -> bool:
    """Whether answers grow on this platform: its own setting, else the general one."""
    streaming = chats.chat.streaming
    if not place.capabilities.edits or streaming.transport == "off":
        return False
    wanted = chats.display(place.platform).streaming
    return streaming.enabled if wanted is None else wanted


def _growing(chats: Chats, place: ReplyPlace, display: DisplayConfig) -> AbstractAsyncContextManager[GrowingMessage]:
    settings = GrowingSettings(
        streaming=chats.chat.streaming,
        reply_to=place.reply_to,
        reply_to_mode=place.reply_to_mode,
        keeps_interim=display.interim_assistant_messages,
        hides_narration=chats.chat.filter_silence_narration,
    )
    target = Target(place.chat_id, place.thread_id)
    return open_growing_message(chats.scope, _sender(chats, place), target, place.capabilities, settings)
