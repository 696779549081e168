from __future__ import annotations

import html
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.testing.telegram.answers import ApiRefusal
from hermes_trio.testing.telegram.entities import Entity, RichText, trimmed, utf16_length, with_found_entities
from hermes_trio.testing.telegram.html_markup import parse_html
from hermes_trio.testing.telegram.markdown_markup import parse_markdown

TEXTS = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>a</b> <i>b</i>", "a b", [Entity("bold", 0, 1), Entity("italic", 2, 1)]),
        ("😀<u>x</u>", "😀x", [Entity("underline", 2, 1)]),
        ("<b>a<i>b</i></b>", "ab", [Entity("bold", 0, 2), Entity("italic", 1, 1)]),
        ("&lt;&amp;&#65;&nbsp;", "<&A&nbsp;", []),
        ('<a href="https://a.org">x</a>', "x", [Entity("text_link", 0, 1, url="https://a.org/")]),
        ('<a href="nowhere">x</a>', "x", []),
        ("<pre>x</pre>", "x", [Entity("pre", 0, 1)]),
        ('<pre><code class="language-py">x</code></pre>', "x", [Entity("pre", 0, 1, language="py")]),
        ("<blockquote expandable>x</blockquote>", "x", [Entity("expandable_blockquote", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [Entity("spoiler", 0, 1)]),
        ("<b></b>x", "x", []),
    ],
)
def test_html_becomes_text_with_entities(source, text, entities):
    assert parse_html(source) == RichText(text, tuple(entities))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("é<p>x</p>", 'Unsupported start tag "p" at byte offset 2'),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
        ("<< x >>", 'Unsupported start tag "<" at byte offset 0'),
        ("<span>x</span>", 'Unsupported start tag "span" at byte offset 0'),
        ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
    ],
)
def test_html_that_telegram_would_not_take_is_refused(source, problem):
    with pytest.raises(ApiRefusal) as refused:
        parse_html(source)
    assert refused.value.description == f"Bad Request: can't parse entities: {problem}"


@given(TEXTS)
def test_escaped_html_is_the_text(text):
    assert parse_html(html.escape(text)) == RichText(text)


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("*a* _b_ __c__ ~d~ ||e|| `f`", "a b c d e f", "bold italic underline strikethrough spoiler code"),
        ("*a _b_*", "a b", "bold italic"),
        ("_a __b___", "a b", "italic underline"),
        ("```\nx\n```", "x\n", "pre"),
        ("`*_`", "*_", "code"),
        (">a\n>b\nc", "a\nb\nc", "blockquote"),
    ],
)
def test_markdown_becomes_text_with_entities(source, text, entities):
    rich = parse_markdown(source)
    assert (rich.text, " ".join(entity.type for entity in rich.entities)) == (text, entities)


def test_markdown_keeps_languages_and_addresses():
    assert parse_markdown("```py\nx```").entities == (Entity("pre", 0, 1, language="py"),)
    assert parse_markdown(r"[a](https://a.org/\))").entities == (Entity("text_link", 0, 1, url="https://a.org/)"),)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a (b)", "Character '(' is reserved and must be escaped with the preceding '\\'"),
        ("a > b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("a | b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
        ("é*b", "Can't find end of Bold entity at byte offset 2"),
        ("`b", "Can't find end of Code entity at byte offset 0"),
        ("```py\nb", "Can't find end of PreCode entity at byte offset 0"),
        ("```\na`b```", "Can't find end of Pre entity at byte offset 0"),
        ("[a](b", "Can't find end of a URL at byte offset 4"),
        (">*a\nb*", "Can't find end of Bold entity at byte offset 1"),
    ],
)
def test_markdown_that_telegram_would_not_take_is_refused(source, problem):
    with pytest.raises(ApiRefusal) as refused:
        parse_markdown(source)
    assert refused.value.description == f"Bad Request: can't parse entities: {problem}"


@given(TEXTS)
def test_escaped_markdown_is_the_text(text):
    escaped = re.sub(r"([_*\[\]()~`>#+\-=|{}.!\\])", r"\\\1", text)
    assert parse_markdown(escaped) == RichText(text)


@given(st.text(st.sampled_from("a _*~|`[]()!>\\\n<b></i&;😀")))
def test_any_source_is_parsed_or_refused_and_entities_lie_inside(source):
    for parse in (parse_html, parse_markdown):
        with suppress(ApiRefusal):
            rich = parse(source)
            assert all(0 <= e.offset < e.end <= utf16_length(rich.text) for e in rich.entities)


@given(TEXTS)
def test_lengths_are_counted_as_utf_16_does(text):
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start now", [("bot_command", "/start")]),
        ("/start@ada_bot", [("bot_command", "/start@ada_bot")]),
        ("hi @ada_bot!", [("mention", "@ada_bot")]),
        ("😀 @ada_bot", [("mention", "@ada_bot")]),
        ("see https://a.org/b", [("url", "https://a.org/b")]),
        ("#news", [("hashtag", "#news")]),
        ("a/b me@example.org 1/2 /usr/bin", []),
    ],
)
def test_what_telegram_marks_by_itself_is_marked(text, found):
    rich = with_found_entities(RichText(text))
    assert [(entity.type, rich.part(entity)) for entity in rich.entities] == found


def test_nothing_is_found_inside_code():
    rich = RichText("@ada_bot", (Entity("code", 0, 8),))
    assert with_found_entities(rich) == rich


def test_trimming_cuts_entities():
    assert trimmed(RichText(" ab ", (Entity("bold", 0, 4),))) == RichText("ab", (Entity("bold", 0, 2),))
