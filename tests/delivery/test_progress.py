"""What a chat sees of an agent at work."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import trio

from hermes_trio.adapter_api.document import CodeBlock
from hermes_trio.adapter_api.errors import ChatGone, RateLimited
from hermes_trio.delivery.plain import plain_text
from hermes_trio.delivery.progress import (
    MOST_LINES,
    ProgressLines,
    open_progress_message,
    preview_of,
    still_working_text,
)
from hermes_trio.home.chat_config import DisplayConfig
from tests.delivery.chat import HERE, Chat
from tests.delivery.markup import capabilities

SCOPE = SimpleNamespace(name="ada", generation=1)
ABLE = capabilities(edits=True, deletes=True)
ALL = DisplayConfig(tool_progress="all")


def lines(*calls, code_blocks=False, **display):
    progress = ProgressLines(DisplayConfig(**{"tool_progress": "all"} | display), code_blocks=code_blocks)
    for call in calls:
        progress.add(*call)
    return [plain_text(document) for document in progress.documents()]


def test_a_friendly_line_says_what_is_done():
    assert lines(("read_file", "notes.txt"), ("web_search", "trio"), ("web_search", "")) == [
        "📖 Reading notes.txt",
        "🌐 Searching the web for trio",
        "🌐 Searching the web",
    ]
    assert lines(("mcp__git__log", "main")) == ["🔧 Using mcp__git__log main"]


def test_a_plain_line_names_the_tool():
    assert lines(("read_file", "a.txt"), ("todo", ""), friendly_tool_labels=False) == [
        '📖 read_file: "a.txt"',
        "📋 todo...",
    ]


def test_previews_are_one_short_line():
    (line,) = lines(("read_file", "a\nb " * 40))
    assert line.startswith("📖 Reading a b a b")
    assert line.endswith("…")
    assert len(line) == len("📖 Reading ") + 40


def test_a_command_is_a_block_of_code_where_there_are_such():
    progress = ProgressLines(ALL, code_blocks=True)
    progress.add("terminal", "ls -l")
    assert progress.documents()[0][1] == CodeBlock("ls -l", "bash")
    assert lines(("terminal", "ls -l")) == ["💻 Running ls -l"]


def test_equal_lines_are_counted():
    assert lines(("todo", ""), ("todo", ""), ("todo", ""), ("memory", ""), ("todo", "")) == [
        "📋 Planning (×3)",
        "🧠 Remembering",
        "📋 Planning",
    ]


def test_the_mode_new_shows_a_tool_once_in_a_row():
    assert lines(("read_file", "a"), ("read_file", "b"), ("todo", ""), ("read_file", "c"), tool_progress="new") == [
        "📖 Reading a",
        "📋 Planning",
        "📖 Reading c",
    ]


def test_the_mode_verbose_shows_arguments():
    (line,) = lines(("read_file", "a", {"path": "a", "limit": 3}), tool_progress="verbose")
    assert line == '📖 Reading a\n\n{"path": "a", "limit": 3}'


@pytest.mark.parametrize("mode", ["off", "log"])
def test_other_modes_show_nothing(mode):
    assert lines(("todo", ""), tool_progress=mode) == []


def test_the_word_that_a_turn_still_runs():
    assert still_working_text(361, "terminal", generic=False) == "⏳ Still working after 6 min: terminal"
    assert still_working_text(20, "terminal", generic=True) == "⏳ Still working after 1 min"


async def test_lines_gather_in_one_message_at_a_quiet_pace(autojump_clock):
    chat = Chat()
    async with open_progress_message(SCOPE, chat, HERE, ABLE, ALL) as progress:
        for number in range(20):
            progress.add("read_file", f"file{number}")
            await trio.sleep(0.1)
        await trio.sleep(3)
    (text,) = chat.texts
    assert text.splitlines() == [f"📖 Reading file{number}" for number in range(20)]
    assert len(chat.calls) <= 4
    assert all(message.silent for message in chat.messages.values())


async def test_lines_are_messages_of_their_own_where_the_settings_say_so(autojump_clock):
    chat = Chat()
    display = DisplayConfig(tool_progress="all", tool_progress_grouping="separate")
    async with open_progress_message(SCOPE, chat, HERE, ABLE, display) as progress:
        for number in range(3):
            progress.add("read_file", f"file{number}")
        await trio.sleep(10)
    assert chat.texts == [f"📖 Reading file{number}" for number in range(3)]


async def test_many_messages_of_their_own_are_each_sent_once(autojump_clock):
    chat = Chat()
    display = DisplayConfig(tool_progress="all", tool_progress_grouping="separate")
    async with open_progress_message(SCOPE, chat, HERE, ABLE, display) as progress:
        for number in range(2 * MOST_LINES):
            progress.add("read_file", f"file{number}")
            await trio.sleep(2)
        await trio.sleep(10)
    assert chat.texts == [f"📖 Reading file{number}" for number in range(2 * MOST_LINES)]
    assert not chat.times("edit")


@pytest.mark.parametrize(
    ("arguments", "preview"),
    [
        ('{"timeout": 3, "command": "ls \\"a b\\""}', 'ls "a b"'),
        ('{"urls": ["https://e.org"]}', "https://e.org"),
        ('{"path": "/a/very/long', "/a/very/long"),
        ('{"path": "/a\\u00', "/a"),
        ("{}", ""),
    ],
)
def test_the_preview_is_the_most_telling_argument(arguments, preview):
    assert preview_of(arguments) == preview


async def test_old_lines_make_room_in_a_full_message(autojump_clock):
    chat = Chat()
    async with open_progress_message(SCOPE, chat, HERE, capabilities(200, edits=True), ALL) as progress:
        for number in range(100):
            progress.add("read_file", f"file{number}")
        await trio.sleep(10)
    (text,) = chat.texts
    assert text.splitlines()[-1] == "📖 Reading file99"
    assert len(text) <= 200


async def test_progress_is_cleaned_up_also_after_a_cancel(autojump_clock):
    chat = Chat()
    display = DisplayConfig(tool_progress="all", cleanup_progress=True)
    with trio.move_on_after(5):
        async with open_progress_message(SCOPE, chat, HERE, ABLE, display) as progress:
            progress.add("todo", "")
            await trio.sleep_forever()
    assert chat.messages == {}
    assert chat.times("delete")


@pytest.mark.parametrize("failure", [ChatGone("no"), RateLimited("slow", retry_after=5)])
async def test_a_platform_that_refuses_is_left_alone(autojump_clock, failure):
    chat = Chat(failures=[failure] * 20)
    async with open_progress_message(SCOPE, chat, HERE, ABLE, ALL) as progress:
        for number in range(100):
            progress.add("read_file", f"file{number}")
            await trio.sleep(1)
    assert len(chat.calls) <= 3
