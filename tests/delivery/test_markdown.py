"""Reading the Markdown of models."""

from __future__ import annotations

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
from hermes_trio.delivery.markdown import parse_markdown
from hermes_trio.delivery.plain import plain_text
from tests.delivery.markup import MARKDOWN, words
from tests.work import lines_run


def paragraph(*children):
    return (Paragraph(tuple(Text(child) if isinstance(child, str) else child for child in children)),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", paragraph("plain words")),
        ("**bold** and __bold__", paragraph(Bold((Text("bold"),)), " and ", Bold((Text("bold"),)))),
        ("*it* _it_", paragraph(Italic((Text("it"),)), " ", Italic((Text("it"),)))),
        ("snake_case_name 2*3*4", paragraph("snake_case_name 2", Italic((Text("3"),)), "4")),
        ("~~gone~~", paragraph(Strike((Text("gone"),)))),
        ("`a **b**`", paragraph(Code("a **b**"))),
        ("[text](https://e.org/a)", paragraph(Link("https://e.org/a", (Text("text"),)))),
        ("![alt](https://e.org/i.png)", paragraph(Link("https://e.org/i.png", (Text("alt"),)))),
        ("<https://e.org>", paragraph(Link("https://e.org", (Text("https://e.org"),)))),
        ("https://e.org", paragraph("https://e.org")),
        ("one\ntwo", paragraph("one", LineBreak(), "two")),
        ("<b>raw</b> &lt;", paragraph("<b>raw</b> <")),
        ("# Title #", (Heading(1, (Text("Title"),)),)),
        ("Title\n---", (*paragraph("Title"), Rule())),
        ("[x]: https://e.org", paragraph("[x]: https://e.org")),
        ("> quote", (Quote(paragraph("quote")),)),
        ("", ()),
        (" \n\t\n", ()),
    ],
)
def test_what_models_write(text, expected):
    assert parse_markdown(text) == expected


def test_lists_keep_their_numbers_and_their_nesting():
    assert parse_markdown("3. three\n4. four\n   - below") == (
        ListBlock((paragraph("three"), (*paragraph("four"), ListBlock((paragraph("below"),)))), start=3),
    )


def test_code_keeps_its_language_and_an_unclosed_fence_reaches_to_the_end():
    assert parse_markdown("```python title=x\na  = 1\n```") == (CodeBlock("a  = 1", "python"),)
    assert parse_markdown("```\na\n\n# b\n") == (CodeBlock("a\n\n# b"),)


def test_tables_are_read_with_their_head():
    assert parse_markdown("|a|b|\n|-|-|\n|1|`2`|\n|3|") == (
        Table((((Text("a"),), (Text("b"),)), ((Text("1"),), (Code("2"),)), ((Text("3"),), ()))),
    )


def test_a_table_with_surplus_cells_stays_as_it_is_written():
    text = "|a|b|\n|-|-|\n|1|2|3|"
    assert plain_text(parse_markdown(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("||a **b**||", paragraph(Spoiler((Text("a "), Bold((Text("b"),)))))),
        ("a || b || c", paragraph("a || b || c")),
        ("||a", paragraph("||a")),
        ("||||", paragraph("||||")),
        ("`||a||`", paragraph(Code("||a||"))),
    ],
)
def test_spoilers_stand_tightly_between_their_marks(text, expected):
    assert parse_markdown(text) == expected


def test_emphasis_within_its_like_adds_no_depth():
    deep = "**a " * 500 + "b" + " c**" * 500
    assert words(plain_text(parse_markdown(deep))) == ["a"] * 500 + ["b"] + ["c"] * 500


def test_what_is_nested_too_deeply_stays_as_it_is_written():
    assert plain_text(parse_markdown("> " * 40 + "word")) == "> " * 39 + "> word"


@given(MARKDOWN)
def test_every_text_is_read_and_gives_a_plain_text(text):
    plain_text(parse_markdown(text)).encode()


@given(
    st.lists(
        st.sampled_from(
            ["alpha", "beta", "**gamma**", "||delta||", "`eps`", "# zeta", "> eta", "- theta", "\n", "\n\n", "|", "* "]
        )
    )
)
def test_no_word_gets_lost(pieces):
    text = " ".join(pieces)
    assert words(plain_text(parse_markdown(text))) == words(text)


def test_plain_text_reads_well():
    text = "# Head\n\n- a\n  1. b\n\n- [c](https://e.org)\n\n> q\n>\n> r\n\n---\n```\ncode\n```"
    assert plain_text(parse_markdown(text)) == (
        "Head\n\n• a\n  1. b\n• c (https://e.org)\n\n> q\n>\n> r\n\n———\n\ncode"
    )


def test_a_table_is_aligned():
    assert plain_text(parse_markdown("|n|value|\n|-|-|\n|long name|**1**|")) == (
        "n         | value\n----------+------\nlong name | 1"
    )


def test_a_wide_table_is_not_aligned():
    wide = "w" * 90
    assert plain_text(parse_markdown(f"|a|b|\n|-|-|\n|{wide}|1|")) == f"a | b\n----+----\n{wide} | 1"


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["[", "*", "a**b ", "||a", "`a``b", "> ", "~~a ", "![", "_a"])
def test_the_work_grows_with_the_length_only(piece):
    def work(count):
        return lines_run(lambda: parse_markdown(piece * count))

    assert work(2000) < 1.25 * 8 * work(250)
