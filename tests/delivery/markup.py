"""A small markup of angle brackets, and texts in Markdown, for the tests of this folder."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from hermes_trio.adapter_api.capabilities import Capabilities, TextUnit
from hermes_trio.adapter_api.document import (
    Bold,
    Code,
    CodeBlock,
    Heading,
    Italic,
    LineBreak,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Rule,
    Spoiler,
    Strike,
    Table,
    Text,
)

TAGS = {Bold: "b", Italic: "i", Strike: "s", Spoiler: "spoiler"}


def render(document) -> str:
    return "\n\n".join(map(render_block, document))


def render_block(block) -> str:
    match block:
        case Paragraph(children=children):
            return inlines(children)
        case Heading(children=children):
            return f"<b>{inlines(children)}</b>"
        case CodeBlock(text=text, language=language):
            return f'<pre lang="{escape(language)}">{escape(text)}</pre>'
        case Quote(children=children):
            return f"<quote>{render(children)}</quote>"
        case ListBlock(items=items):
            return "\n".join(f"- {render(item)}" for item in items)
        case Table(rows=rows):
            return "<pre>" + "\n".join(" | ".join(map(inlines, row)) for row in rows) + "</pre>"
        case Rule():
            return "---"
    raise AssertionError(block)


def inlines(children) -> str:
    return "".join(map(inline, children))


def inline(child) -> str:
    match child:
        case Text(text=text):
            return escape(text)
        case Code(text=text):
            return f"<code>{escape(text)}</code>"
        case LineBreak():
            return "\n"
        case Link(url=url, children=children):
            return f'<a href="{escape(url)}">{inlines(children)}</a>'
    tag = TAGS[type(child)]
    return f"<{tag}>{inlines(child.children)}</{tag}>"


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def words(text: str) -> list[str]:
    """The words of a plain text, without what only holds it together."""
    return re.findall(r"[\w]+", text)


def capabilities(limit=4096, **other) -> Capabilities:
    settings = {"text_unit": TextUnit.UTF16, "render": render, "numbers_parts": False} | other
    return Capabilities(text_limit=limit, **settings)


WORD = st.sampled_from(
    [
        "one",
        "two.",
        "drei",
        "四五六。",
        "👩‍👩‍👧‍👦",
        "x" * 30,
        "naïve",
        "e\u0301a",
        "<b>",
        "&amp;",
        "a_b",
        "\U0001f1e9\U0001f1ea" * 4,
    ]
)
SPAN = st.one_of(
    WORD,
    WORD.map("**{}**".format),
    WORD.map("_{}_".format),
    WORD.map("~~{}~~".format),
    WORD.map("||{}||".format),
    WORD.map("`{}`".format),
    WORD.map("[{}](https://example.org/long/path)".format),
    st.lists(WORD, min_size=2, max_size=12).map(lambda some: "**" + " ".join(some) + "**"),
    st.sampled_from(["**", "`", "[", "](", "||", "|", "*", "_", "\\", "#", ">", "\ud800", "\0"]),
)
LINE = st.lists(SPAN, max_size=12).map(" ".join)
BLOCK = st.one_of(
    LINE,
    st.lists(LINE, max_size=5).map("\n".join),
    LINE.map("## {}".format),
    st.lists(LINE, max_size=6).map(lambda lines: "```python\n" + "\n".join(lines) + "\n```"),
    st.lists(LINE, max_size=6).map(lambda lines: "\n".join(f"- {line}" for line in lines)),
    st.lists(LINE, max_size=6).map(
        lambda lines: "\n".join(f"{n}. {line}\n   - {line}" for n, line in enumerate(lines, 7))
    ),
    st.lists(LINE, max_size=4).map(lambda lines: "\n".join(f"> {line}" for line in lines)),
    st.lists(st.tuples(WORD, LINE), max_size=6).map(
        lambda rows: "|a|b|\n|-|-|\n" + "\n".join(f"|{a}|{b}|" for a, b in rows)
    ),
    st.just("---"),
    st.text(max_size=60),
)
MARKDOWN = st.one_of(st.lists(BLOCK, max_size=8).map("\n\n".join), st.text(max_size=400))
