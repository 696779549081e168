"""What a chat sees of an agent at work: a line for each tool call, and the word that a long turn still runs."""

from __future__ import annotations

import json
import re
from collections import deque
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api.document import Code, CodeBlock, LineBreak, Paragraph, Text
from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.adapter_api.outgoing import OutgoingText
from hermes_trio.delivery.plain import plain_text
from hermes_trio.delivery.shown import Pace, Sender, ShownMessages, pause
from hermes_trio.delivery.split import fits
from hermes_trio.io.groups import lone_error_raised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.document import Block, Document
    from hermes_trio.adapter_api.outgoing import Target
    from hermes_trio.home.chat_config import DisplayConfig
    from hermes_trio.scope import ProfileScope

#: Lines of one message; older ones disappear.
MOST_LINES: Final = 40
PREVIEW_LENGTH: Final = 40
#: Seconds between two changes; progress is not worth more calls.
INTERVAL: Final = 1.5
CLEANUP_SECONDS: Final = 3.0
_LONGEST_ARGUMENTS: Final = 200
_TELLING: Final = re.compile(
    r'"(command|path|query|pattern|urls?|question|image_url|code|goal|task|name|action|content)"\s*:\s*\[?\s*"((?:[^"\\]|\\.)*)'
)
_OTHER: Final = ("🔧", "Using", "")
#: Emoji, what is done, and the word before the preview.
_LABELS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "terminal": ("💻", "Running", ""),
        "process": ("⚙️", "Watching a process", ""),
        "execute_code": ("🐍", "Running code", ""),
        "read_file": ("📖", "Reading", ""),
        "write_file": ("✍️", "Writing", ""),
        "patch": ("🩹", "Changing", ""),
        "search_files": ("🔎", "Searching files", "for"),
        "session_search": ("🗂️", "Searching past conversations", "for"),
        "web_search": ("🌐", "Searching the web", "for"),
        "web_extract": ("📄", "Reading the page", ""),
        "vision_analyze": ("👁️", "Looking at", ""),
        "memory": ("🧠", "Remembering", ""),
        "todo": ("📋", "Planning", ""),
        "skills_list": ("📚", "Looking through skills", ""),
        "skill_view": ("📚", "Reading the skill", ""),
        "skill_manage": ("📚", "Changing a skill", ""),
        "delegate_task": ("🤝", "Delegating", ""),
        "clarify": ("❓", "Asking", ""),
    }
)


class ProgressLines:
    """The lines of the tool calls of a turn, by the profile's ``display`` settings. Only text; sends nothing.

    Args:
        display: What people see on the platform.
        code_blocks: Whether the platform shows blocks of code.
    """

    def __init__(self, display: DisplayConfig, *, code_blocks: bool) -> None:
        self._display = display
        self._code_blocks = code_blocks
        self._lines: deque[tuple[Document, int]] = deque(maxlen=MOST_LINES)
        self._last_tool = ""
        self._dropped = 0

    def add(self, tool: str, preview: str, arguments: Mapping[str, object] | None = None) -> bool:
        """Add a tool call; whether there is anything new to show.

        Args:
            tool: The tool's name.
            preview: What it works on, in short; or empty.
            arguments: Its arguments, for the mode ``verbose``.
        """
        mode = self._display.tool_progress
        if mode not in ("new", "all", "verbose") or (mode == "new" and tool == self._last_tool):
            return False
        self._last_tool = tool
        line = self._line(tool, " ".join(preview.split()), arguments if mode == "verbose" else None)
        if self._lines and self._lines[-1][0] == line:
            self._lines[-1] = (line, self._lines[-1][1] + 1)
        else:
            self._dropped += len(self._lines) == MOST_LINES
            self._lines.append((line, 1))
        return True

    def documents(self) -> list[Document]:
        """A document for each line, oldest first."""
        return [_repeated(line, count) for line, count in self._lines]

    def take_dropped(self) -> int:
        """How many of the oldest lines have gone since the last look."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _line(self, tool: str, preview: str, arguments: Mapping[str, object] | None) -> Document:
        emoji, verb, joint = _LABELS.get(tool, _OTHER)
        shown = _shortened(preview, self._display.tool_preview_length or PREVIEW_LENGTH)
        blocks: list[Block]
        if tool == "terminal" and shown and self._code_blocks:
            blocks = [Paragraph((Text(f"{emoji} {tool}"),)), CodeBlock(shown, "bash")]
        elif self._display.friendly_tool_labels:
            name = tool if (emoji, verb, joint) == _OTHER else ""
            blocks = [Paragraph((Text(" ".join(filter(None, (emoji, verb, name, joint if shown else "", shown)))),))]
        else:
            blocks = [Paragraph((Text(f'{emoji} {tool}: "{shown}"' if shown else f"{emoji} {tool}..."),))]
        if arguments:
            text = json.dumps(dict(arguments), ensure_ascii=False, default=str)
            blocks.append(Paragraph((Code(_shortened(text, _LONGEST_ARGUMENTS)),)))
        return tuple(blocks)


class ProgressMessage:
    """Shows the tool calls of a turn; made by `open_progress_message`."""

    def __init__(
        self, sender: Sender, target: Target, capabilities: Capabilities, display: DisplayConfig, interval: float
    ) -> None:
        self._capabilities = capabilities
        self._grows = capabilities.edits and display.tool_progress_grouping != "separate"
        self._lines = ProgressLines(display, code_blocks=capabilities.render is not None)
        self._shown = ShownMessages(sender, target)
        self._pace = Pace(interval)
        self._wake = trio.Event()
        self._dirty = False

    def add(self, tool: str, preview: str, arguments: Mapping[str, object] | None = None) -> None:
        """A tool is called; never waits. See `ProgressLines.add`."""
        if self._lines.add(tool, preview, arguments):
            self._dirty = True
            self._wake.set()

    async def run(self) -> None:
        """Show the lines until cancelled; `open_progress_message` runs it in its task."""
        while not self._pace.is_over:
            if not self._dirty:
                await self._new_wake().wait()
            await pause(lambda: self._pace.due(much_is_new=False), self._new_wake)
            self._dirty = False
            await self._show()

    async def remove(self) -> None:
        """Delete what is shown, as far as the platform can."""
        while self._capabilities.deletes and self._shown.messages:
            with suppress(AdapterError):
                await self._shown.delete_last()

    def _new_wake(self) -> trio.Event:
        self._wake = trio.Event()
        return self._wake

    async def _show(self) -> None:
        wished = self._grown() if self._grows else self._separate()
        try:
            if await self._shown.step(wished):
                self._pace.made_change()
            self._dirty = self._dirty or self._shown.first_difference(wished) is not None
        except AdapterError as error:
            self._pace.failed(error)
            self._dirty = True

    def _grown(self) -> Sequence[OutgoingText]:
        """One message with the last lines that fit."""
        documents = self._lines.documents()
        while len(documents) > 1 and not fits(_joined(documents), self._capabilities):
            del documents[0]
        return [self._message(_joined(documents))]

    def _separate(self) -> Sequence[OutgoingText]:
        """A message for each line; those of lines that have gone stay as they are, and are forgotten."""
        del self._shown.messages[: self._lines.take_dropped()]
        return [self._message(document) for document in self._lines.documents()]

    def _message(self, document: Document) -> OutgoingText:
        render = self._capabilities.render
        formatted = render(document) if render is not None else None
        return OutgoingText(plain_text(document), formatted=formatted, silent=True)


@asynccontextmanager
async def open_progress_message(
    scope: ProfileScope,
    sender: Sender,
    target: Target,
    capabilities: Capabilities,
    display: DisplayConfig,
    *,
    interval: float = INTERVAL,
) -> AsyncIterator[ProgressMessage]:
    """Own the message of a turn's progress, with the task that shows it; deleted at the end where settings say so.

    Args:
        scope: The runtime profile.
        sender: The transport profile's adapter.
        target: The chat.
        capabilities: What the platform can do.
        display: What people see there.
        interval: Seconds between two changes.
    """
    progress = ProgressMessage(sender, target, capabilities, display, interval)
    try:
        with lone_error_raised():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(progress.run, name=f"{scope.name}#{scope.generation} progress message")
                yield progress
                nursery.cancel_scope.cancel()
    finally:
        if display.cleanup_progress:
            with trio.CancelScope(shield=True), trio.move_on_after(CLEANUP_SECONDS):
                await progress.remove()


def preview_of(arguments: str) -> str:
    """What a tool call works on: its most telling argument.

    Args:
        arguments: Its arguments as JSON text, which may be cut off.
    """
    found = _TELLING.search(arguments)
    if found is None:
        return ""
    text = found[2]
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:  # cut off within an escape
        return text.partition("\\")[0]


def still_working_text(seconds: float, activity: str, *, generic: bool) -> str:
    """The word that a long turn still runs.

    Args:
        seconds: How long it has been running.
        activity: What it does just now, e.g. a tool's name; or empty.
        generic: Whether that stays untold.
    """
    minutes = max(1, round(seconds / 60))
    doing = f": {activity}" if activity and not generic else ""
    return f"⏳ Still working after {minutes} min{doing}"


def _joined(documents: Sequence[Document]) -> Document:
    """Lines of text that follow each other become one paragraph."""
    blocks: list[Block] = []
    for block in (block for document in documents for block in document):
        last = blocks[-1] if blocks else None
        if isinstance(block, Paragraph) and isinstance(last, Paragraph):
            blocks[-1] = Paragraph((*last.children, LineBreak(), *block.children))
        else:
            blocks.append(block)
    return tuple(blocks)


def _repeated(line: Document, count: int) -> Document:
    first = line[0]
    if count == 1 or not isinstance(first, Paragraph):
        return line
    return (Paragraph((*first.children, Text(f" (×{count})"))), *line[1:])


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
