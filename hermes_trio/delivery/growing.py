"""An answer that grows in the chat while the model writes it.

`GrowingMessage.add` only takes note of the text. A task of its own shows it, one call at a time, as often as the
settings and the platform allow, and always the latest text; so a slow platform makes changes rarer and nothing slower.
What is shown meanwhile is a preview: `GrowingMessage.stop` gives the messages to the outbox, which brings them to the
final answer.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api.errors import AdapterError, RateLimited
from hermes_trio.adapter_api.outgoing import OutgoingText
from hermes_trio.delivery.compose import compose_reply
from hermes_trio.delivery.markdown import parse_markdown
from hermes_trio.delivery.measure import cut_at
from hermes_trio.delivery.media import extract_media, without_unfinished_tag
from hermes_trio.delivery.plain import plain_text
from hermes_trio.delivery.shown import Pace, Sender, ShownMessages, pause
from hermes_trio.delivery.silence import is_silence, may_become_silence
from hermes_trio.delivery.split import fits, with_suffix
from hermes_trio.delivery.thinking import ThinkingFilter
from hermes_trio.io.groups import lone_error_raised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.outgoing import Target
    from hermes_trio.home.chat_config import StreamingConfig
    from hermes_trio.scope import ProfileScope

#: Seconds that the call on its way, and passages that are not shown yet, may hold up the end of a turn.
STOP_SECONDS: Final = 5.0
#: Seconds that tidying up may take when a turn ends without an answer.
TIDY_SECONDS: Final = 2.0
#: Room that a growing message leaves for markup that is closed late.
_ROOM: Final = 100
#: Finished passages that wait to be shown; more become one.
_MOST_WAITING: Final = 4
_FENCE: Final = re.compile(r"^[ \t]*(`{3,}|~{3,})(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GrowingSettings:
    """How an answer grows.

    Attributes:
        streaming: The profile's ``streaming`` settings.
        reply_to: The message it answers, or None.
        reply_to_mode: Which messages quote that one: ``off``, ``first`` or ``all``.
        keeps_interim: Whether what was written between tool calls stays in the chat.
        hides_narration: See `is_silence`.
    """

    streaming: StreamingConfig
    reply_to: str | None = None
    reply_to_mode: str = "first"
    keeps_interim: bool = True
    hides_narration: bool = True


class _Passage:
    """What is written between two tool calls, and the messages that show it."""

    def __init__(self, shown: ShownMessages) -> None:
        self.shown = shown
        self.thinking = ThinkingFilter()
        self.text = ""  # all of it, without thinking
        self.full: list[OutgoingText] = []  # messages that are full
        self.rest = ""  # what is not in them
        self.final: Sequence[OutgoingText] | None = None

    def add(self, text: str) -> None:
        self.text += text
        self.rest += text


class GrowingMessage:
    """An answer that grows; made by `open_growing_message`."""

    def __init__(
        self,
        scope: ProfileScope,
        sender: Sender,
        target: Target,
        capabilities: Capabilities,
        settings: GrowingSettings,
    ) -> None:
        self._scope = scope
        self._sender = sender
        self._target = target
        self._capabilities = capabilities
        self._settings = settings
        self._pace = Pace(settings.streaming.edit_interval)
        if not capabilities.edits:
            self._pace.stop()
        self._closed: deque[_Passage] = deque()
        self._passage = self._new_passage()
        self._dirty = False
        self._new_characters = 0
        self._wake = trio.Event()
        self._idle = trio.Event()
        self._first_shown_at: float | None = None
        self.is_stopped = False

    def add(self, text: str) -> None:
        """Take note of what the model has written; never waits."""
        visible = self._passage.thinking.feed(text)
        if not visible or self.is_stopped:
            return
        self._passage.add(visible)
        had_much = self._much_is_new()
        self._new_characters += len(visible)
        if not self._dirty or (self._much_is_new() and not had_much):
            self._mark()

    def boundary(self) -> None:
        """The model calls tools: what it wrote is complete, what comes next begins a new message. Never waits."""
        passage = self._passage
        passage.add(passage.thinking.end())
        if not passage.text.strip() and not passage.shown.messages:
            passage.text = passage.rest = ""
            passage.thinking = ThinkingFilter()
            return
        self._passage = self._new_passage()
        if len(self._closed) >= _MOST_WAITING:
            self._closed[-1].add("\n\n" + passage.text)
            self._closed[-1].final = None
        else:
            self._closed.append(passage)
        self._mark()

    async def stop(self) -> tuple[str, ...]:
        """Let it grow no more; the call that is on its way is waited for.

        Returns:
            The platform's ids of the messages that show the last passage, oldest first. The outbox brings them to the
            final answer, however long the platform takes for that.

        Cancellation: a call may still be on its way.
        """
        self.is_stopped = True
        self._mark()
        with trio.move_on_after(STOP_SECONDS):
            await self._idle.wait()
            await self._show_closed()
        return tuple(message.message_id for message in self._passage.shown.messages)

    @property
    def is_old(self) -> bool:
        """Whether it has grown for so long that the final answer is better sent anew, where people notice it."""
        seconds = self._settings.streaming.fresh_final_after_seconds
        return (
            seconds > 0 and self._first_shown_at is not None and trio.current_time() - self._first_shown_at >= seconds
        )

    async def run(self) -> None:
        """Show what is written until `stop`, or until cancelled; `open_growing_message` runs it in its task."""
        while not (self.is_stopped or self._pace.is_over):
            if self._dirty:
                await pause(self._due, self._new_wake)
                if not self.is_stopped:
                    await self._show()
            else:
                await self._new_wake().wait()
        self._idle.set()

    async def tidy_up(self) -> None:
        """Take the cursors away when there was no final answer."""
        for passage in (*self._closed, self._passage):
            final = await self._composed(passage)
            with contextlib.suppress(AdapterError):
                while await passage.shown.step(final[: len(passage.shown.messages)]):
                    pass

    def _new_passage(self) -> _Passage:
        return _Passage(ShownMessages(self._sender, self._target))

    def _much_is_new(self) -> bool:
        return self._new_characters >= self._settings.streaming.buffer_threshold

    def _due(self) -> float:
        return -math.inf if self.is_stopped else self._pace.due(much_is_new=self._much_is_new())

    def _mark(self) -> None:
        self._dirty = True
        self._wake.set()

    def _new_wake(self) -> trio.Event:
        """Set at the next change that matters; at once when the end has come."""
        self._wake = trio.Event()
        if self.is_stopped:
            self._wake.set()
        return self._wake

    async def _show(self) -> None:
        """Make one call; when it leaves something to do, the next round goes on with it."""
        self._dirty, self._new_characters = False, 0
        is_closed = bool(self._closed)
        passage = self._closed[0] if is_closed else self._passage
        wished = await self._wished(passage)
        try:
            made = await passage.shown.step(wished)
        except AdapterError as error:
            self._pace.failed(error)
            self._dirty = True
            return
        if made:
            self._pace.made_change()
            if self._first_shown_at is None:
                self._first_shown_at = trio.current_time()
        if passage.shown.first_difference(wished) is not None:
            self._dirty = True
        elif is_closed:
            self._closed.popleft()
            self._dirty = True

    async def _wished(self, passage: _Passage) -> Sequence[OutgoingText]:
        if passage is not self._passage:
            if passage.final is None:
                passage.final = await self._composed(passage)
            return passage.final
        return self._preview(passage)

    async def _composed(self, passage: _Passage) -> Sequence[OutgoingText]:
        text = extract_media(passage.text).text
        if is_silence(text, narration=self._settings.hides_narration):
            return ()
        if passage is not self._passage and not self._settings.keeps_interim:
            return ()
        return await compose_reply(
            self._scope,
            text,
            self._capabilities,
            reply_to=self._settings.reply_to,
            reply_to_mode=self._settings.reply_to_mode,
        )

    def _preview(self, passage: _Passage) -> Sequence[OutgoingText]:
        """The messages that show what is written so far; full ones are not looked at again."""
        able = self._capabilities
        cursor = self._settings.streaming.cursor
        room = max(able.text_limit // 2, able.text_limit - len(cursor) - _ROOM)
        roomy = replace(able, text_limit=room, numbers_parts=False)
        while (cut := _cut(passage.rest, roomy)) is not None:
            head, passage.rest = cut
            message = self._message(head, "", len(passage.full))
            passage.full += [message] if message.text.strip() else []
        text = without_unfinished_tag(passage.rest)
        if not passage.full and may_become_silence(text):
            return [] if not passage.shown.messages else [message.text for message in passage.shown.messages]
        if not text.strip():
            return passage.full
        return [*passage.full, self._message(text, cursor, len(passage.full))]

    def _message(self, text: str, suffix: str, index: int) -> OutgoingText:
        able = self._capabilities
        document = with_suffix(parse_markdown(extract_media(text).text), suffix)
        quotes = self._settings.reply_to_mode == "all" or (self._settings.reply_to_mode != "off" and index == 0)
        return OutgoingText(
            text=plain_text(document),
            formatted=able.render(document) if able.render is not None else None,
            reply_to=self._settings.reply_to if quotes else None,
            silent=index > 0,
        )

    async def _show_closed(self) -> None:
        """Show what the task has not come to: earlier passages, of which the outbox does not know."""
        for passage in self._closed:
            final = await self._composed(passage)
            with contextlib.suppress(AdapterError):
                while await self._patient_step(passage.shown, final):
                    pass

    async def _patient_step(self, shown: ShownMessages, wished: Sequence[OutgoingText]) -> bool:
        """A step that waits as long as the platform asks; the caller has a deadline."""
        while True:
            try:
                return await shown.step(wished)
            except RateLimited as error:
                await trio.sleep(error.retry_after if error.retry_after is not None else self._pace.interval)


@asynccontextmanager
async def open_growing_message(
    scope: ProfileScope, sender: Sender, target: Target, capabilities: Capabilities, settings: GrowingSettings
) -> AsyncIterator[GrowingMessage]:
    """Own an answer that grows, with the task that shows it; without a `stop` its cursor is taken away at the end.

    Args:
        scope: The runtime profile.
        sender: The transport profile's adapter.
        target: Where the answer goes.
        capabilities: What that platform can do; without edits nothing is shown before the end.
        settings: How it grows.
    """
    growing = GrowingMessage(scope, sender, target, capabilities, settings)
    try:
        with lone_error_raised():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(growing.run, name=f"{scope.name}#{scope.generation} growing message")
                yield growing
                nursery.cancel_scope.cancel()
    finally:
        if not growing.is_stopped:
            with trio.CancelScope(shield=True), trio.move_on_after(TIDY_SECONDS):
                await growing.tidy_up()


def _cut(source: str, capabilities: Capabilities) -> tuple[str, str] | None:
    """Cut off what fills a message, at a line end if there is a good one; None while everything fits.

    An open fence is closed in the first part and opened again in the second one.
    """
    window = source[: capabilities.text_limit]
    if len(window) == len(source) and fits(parse_markdown(source), capabilities):
        return None
    low, high = 1, len(window)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if fits(parse_markdown(window[:middle]), capabilities):
            low = middle
        else:
            high = middle - 1
    end = window.rfind("\n", low // 2, low) + 1 or window.rfind(" ", low // 2, low) + 1
    end = end or (cut_at(window, low) if low < len(window) else low)
    head, rest = source[:end], source[end:]
    fence = _open_fence(head)
    return head, f"{fence}\n{rest}" if 0 < len(fence) < len(head) // 2 else rest


def _open_fence(text: str) -> str:
    """The line that opens the fence in which a text ends, or nothing."""
    opened = ""
    for found in _FENCE.finditer(text):
        if not opened:
            opened = found[0].strip()
        elif found[0].strip().startswith(re.match(r"`+|~+", opened)[0]) and not found[2].strip():  # type: ignore[index]
            opened = ""
    return opened
