from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from hermes_trio.delivery.plain import plain_text
from hermes_trio.testing.telegram.entities import utf16_length
from hermes_trio.testing.telegram.html_markup import parse_html
from hermes_trio_adapters.telegram.render import render_html

ALLOWED = {"b", "i", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}


def paragraph(*texts: str) -> Paragraph:
    return Paragraph(tuple(Text(text) for text in texts))


@pytest.mark.parametrize(
    ("block", "html"),
    [
        (paragraph("1 < 2 & 3 > 2 \"'"), "1 &lt; 2 &amp; 3 &gt; 2 \"'"),
        (Paragraph((Bold((Text("b"), Italic((Text("i"),)))),)), "<b>b<i>i</i></b>"),
        (Paragraph((Strike((Text("s"),)), Spoiler((Text("x"),)))), "<s>s</s><tg-spoiler>x</tg-spoiler>"),
        (Paragraph((Text("a"), LineBreak(), Text("b"))), "a\nb"),
        (Paragraph((Code("<a>"),)), "<code>&lt;a&gt;</code>"),
        (
            Paragraph((Link("https://x.y/?a=1&b=\"'", (Text("x"),)),)),
            '<a href="https://x.y/?a=1&amp;b=&quot;&#x27;">x</a>',
        ),
        (Paragraph((Link("https://x.y", (Code("x"),)),)), '<a href="https://x.y">x</a>'),
        (Paragraph((Link("https://x.y", ()),)), '<a href="https://x.y">https://x.y</a>'),
        (Paragraph((Link("", (Text("a"),)),)), "a"),
        (Paragraph((Link("docs/a.md", (Text("a"),)),)), "a (docs/a.md)"),
        (Paragraph((Link("mailto:a@b.c", (Text("a@b.c"),)),)), "a@b.c"),
        (Heading(2, (Text("T"),)), "<b>T</b>"),
        (CodeBlock("if a < b:\n    x"), "<pre>if a &lt; b:\n    x</pre>"),
        (CodeBlock("x", "c++"), '<pre><code class="language-c++">x</code></pre>'),
        (CodeBlock("x", '"><b>'), '<pre><code class="language-b">x</code></pre>'),
        (Quote((paragraph("a"), Quote((paragraph("b"),)))), "<blockquote>a\n\nb</blockquote>"),
        (Rule(), "———"),
        (ListBlock(((paragraph("a"),), (paragraph("b"),))), "• a\n• b"),
        (ListBlock(((paragraph("a"),), (paragraph("b"),)), start=9), "9. a\n10. b"),
        (ListBlock(((paragraph("a"), ListBlock(((paragraph("b\nc"),),))),)), "• a\n  ◦ b\n    c"),
        (ListBlock(((CodeBlock("x"),),)), "•\n<pre>x</pre>"),
        (ListBlock(((ListBlock(((paragraph("a"),),)),),)), "• ◦ a"),
        (ListBlock(((),)), "•"),
        (Paragraph(()), ""),
        (
            Table((((Text("a"),), (Text("<"),)), ((Bold((Text("long"),)),), (Text("1"),)))),
            "<pre>a    | &lt;\n-----+----\nlong | 1</pre>",
        ),
    ],
)
def test_each_kind_of_block(block, html):
    assert render_html((block,)) == html


def test_blocks_are_set_apart_by_a_line():
    assert render_html((paragraph("a"), Rule(), paragraph("b"))) == "a\n\n———\n\nb"


def test_a_wide_table_is_not_aligned():
    row = tuple((Text("x" * 30),) for _ in range(3))
    head = tuple((Text("h"),) for _ in range(3))
    assert render_html((Table((head, row)),)).startswith("<pre>h | h | h\n")


TEXTS = st.text(st.sampled_from("ab <>&\"'\n_*漢😀\u0301"), max_size=6)
INLINES = st.recursive(
    st.builds(Text, TEXTS) | st.builds(Code, TEXTS) | st.just(LineBreak()),
    lambda inner: st.one_of(
        *(st.builds(kind, st.lists(inner, max_size=3).map(tuple)) for kind in (Bold, Italic, Strike, Spoiler)),
        st.builds(
            Link,
            st.sampled_from(["https://x.y/?a=b&c", "x.md", '"><b>', "tg://user?id=1", ""]),
            st.lists(inner, max_size=2).map(tuple),
        ),
    ),
    max_leaves=5,
)
ROW = st.lists(INLINES, max_size=3).map(tuple)
WORDS = ROW.map(lambda row: (Text("word"), *row))
TABLES = st.integers(1, 3).flatmap(
    lambda width: st.builds(Table, st.lists(st.tuples(*[ROW] * width), min_size=1, max_size=3).map(tuple))
)
BLOCKS = st.recursive(
    st.builds(Paragraph, WORDS)
    | st.builds(Heading, st.integers(1, 6), WORDS)
    | st.builds(CodeBlock, TEXTS.map(lambda text: f"x{text}"), TEXTS)
    | TABLES
    | st.just(Rule()),
    lambda inner: (
        st.builds(Quote, st.lists(inner, min_size=1, max_size=2).map(tuple))
        | st.builds(
            ListBlock,
            st.lists(st.lists(inner, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple),
            st.none() | st.integers(0, 99),
        )
    ),
    max_leaves=5,
)
DOCUMENTS = st.lists(BLOCKS, max_size=4).map(tuple)


class Nesting(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        assert tag not in ("blockquote", "a", "code", "pre") or tag not in self.open
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@given(DOCUMENTS)
def test_whatever_the_document_telegram_takes_it(document):
    html = render_html(document)
    parse_html(html)
    nesting = Nesting()
    nesting.feed(html)
    nesting.close()
    assert nesting.open == []


def length(text: str) -> int:
    """Length without spaces at the ends of lines, which the plain text leaves out in places."""
    return utf16_length("\n".join(line.rstrip() for line in text.strip().split("\n")))


@given(DOCUMENTS)
def test_what_is_shown_is_no_longer_than_the_plain_text_that_was_measured(document):
    assert length(parse_html(render_html(document)).text) <= length(plain_text(document))
