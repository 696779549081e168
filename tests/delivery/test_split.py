"""Splitting a document into parts that fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.adapter_api.capabilities import TextUnit
from hermes_trio.adapter_api.document import Bold, Code, CodeBlock, Link, ListBlock, Paragraph, Quote, Table
from hermes_trio.delivery.markdown import parse_markdown
from hermes_trio.delivery.measure import text_length
from hermes_trio.delivery.plain import plain_text
from hermes_trio.delivery.split import split_document
from tests.delivery.markup import MARKDOWN, capabilities, render, words
from tests.work import lines_run


def split(text, limit, **other):
    return split_document(parse_markdown(text), capabilities(limit, **other))


def texts(text, limit, **other):
    return [plain_text(part) for part in split(text, limit, **{"render": None} | other)]


def test_what_fits_is_one_part_and_nothing_is_none():
    assert split("**hello**", 100) == (parse_markdown("**hello**"),)
    assert split(" \u200b", 100) == ()


def test_a_cut_prefers_the_end_of_a_block_to_that_of_a_line():
    assert texts("a" * 25 + "\n\nbbbb\ncccc", 35) == ["a" * 25, "bbbb\ncccc"]


def test_a_cut_prefers_the_end_of_a_line_to_that_of_a_sentence():
    assert texts("aaaaa aaaaaa aaaaa aa\nb b. ccc ccccc ccccc", 32) == ["aaaaa aaaaaa aaaaa aa", "b b. ccc ccccc ccccc"]


def test_a_cut_prefers_the_end_of_a_sentence_to_that_of_a_word():
    assert texts("aaaaa aaaaaa aaaaa aa. b b ccc ccccc ccccc", 32) == ["aaaaa aaaaaa aaaaa aa.", "b b ccc ccccc ccccc"]


def test_a_cut_in_the_first_half_is_not_worth_a_better_border():
    assert texts("aaa.\n\nbbbbb bbbbb bbbbb bbbbb bbbbb", 24) == ["aaa.\n\nbbbbb bbbbb bbbbb", "bbbbb bbbbb"]


def test_a_word_is_only_torn_when_it_is_longer_than_a_part():
    assert texts("aa " + "b" * 28, 30) == ["aa", "b" * 28]
    assert "".join(texts("b" * 100, 30)) == "b" * 100


def test_a_word_with_emphasis_in_it_is_not_torn():
    assert texts("one two three foo**bar** **and** more", 18) == ["one two three", "foobar and more"]


def test_links_and_code_within_lines_stay_whole():
    parts = split("aaaa aaaa aaaa [one two three](https://e.org) `four five six` end", 60, render=render)
    found = [child for part in parts for block in part for child in block.children if isinstance(child, Link | Code)]
    assert [plain_text((Paragraph((child,)),)) for child in found] == ["one two three (https://e.org)", "four five six"]


def test_emphasis_is_closed_and_opened_again():
    parts = split("**" + "word " * 20 + "end**", 60)
    assert len(parts) > 1
    assert all(isinstance(part[0].children[0], Bold) for part in parts)


def test_a_block_of_code_is_closed_and_opened_again_with_its_language():
    code = "\n".join(f"line {number}" for number in range(30))
    parts = split(f"before\n\n```python\n{code}\n```\nafter", 100)
    blocks = [block for part in parts for block in part if isinstance(block, CodeBlock)]
    assert len(blocks) > 1
    assert {block.language for block in blocks} == {"python"}
    assert "\n".join(block.text for block in blocks) == code


def test_a_numbered_list_goes_on_with_its_numbers():
    parts = split("\n".join(f"{number}. item" for number in range(5, 25)), 60)
    assert all(isinstance(part[0], ListBlock) for part in parts)
    assert "\n".join(map(plain_text, parts)) == "\n".join(f"{number}. item" for number in range(5, 25))


def test_a_quote_goes_on_as_a_quote():
    parts = split("> " + "word " * 40, 60)
    assert len(parts) > 2
    assert all(isinstance(part[0], Quote) for part in parts)


def test_a_table_goes_on_with_its_head_and_keeps_its_rows_whole():
    text = "|name|value|\n|-|-|\n" + "\n".join(f"|row {n}|{n} {n}|" for n in range(20))
    parts = split(text, 120)
    assert len(parts) > 2
    rows = []
    for part in parts:
        (table,) = part
        assert isinstance(table, Table)
        assert table.rows[0] == parse_markdown(text)[0].rows[0]
        rows += table.rows[1:]
    assert tuple(rows) == parse_markdown(text)[0].rows[1:]


def test_a_row_longer_than_a_part_becomes_lines_of_text():
    text = "|a|b|\n|-|-|\n|" + "word " * 40 + "|end|"
    assert words(" ".join(texts(text, 60)))[2:] == ["word"] * 40 + ["end"]


def test_a_heading_is_not_left_behind_by_its_text():
    assert texts("aaaa aaaa aaaa aaaa\n\n# Head\n\nbbbb bbbb bbbb", 30) == [
        "aaaa aaaa aaaa aaaa",
        "Head\n\nbbbb bbbb bbbb",
    ]


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧‍👦", "e\u0301", "🇩🇪", "👍🏽", "❤️", "각"])
def test_what_is_shown_as_one_character_is_not_torn(cluster):
    parts = texts(cluster * 200, 64)
    assert "".join(parts) == cluster * 200
    assert all(part.count(cluster) * len(cluster) == len(part) for part in parts)


def test_length_is_counted_in_the_platforms_unit():
    text = "😀 " * 40
    assert len(split(text, 80, text_unit=TextUnit.CHARACTERS)) == 1
    assert len(split(text, 80, text_unit=TextUnit.UTF16)) == 2
    assert len(split(text, 80, text_unit=TextUnit.BYTES)) == 3


def test_markup_counts_only_where_the_platform_counts_it():
    text = " ".join(["**a**"] * 30)
    assert len(split(text, 100, counts_markup=False)) == 1
    assert len(split(text, 100, counts_markup=True)) > 1


@given(
    MARKDOWN,
    st.integers(40, 300),
    st.sampled_from(TextUnit),
    st.booleans(),
    st.booleans(),
    st.sampled_from([render, None]),
)
def test_every_part_of_every_text_fits(text, limit, unit, counts_markup, numbers_parts, render):
    able = capabilities(limit, text_unit=unit, counts_markup=counts_markup, numbers_parts=numbers_parts, render=render)
    for part in split_document(parse_markdown(text), able):
        assert text_length(plain_text(part), unit) <= limit
        if render is not None and counts_markup:
            assert text_length(render(part), unit) <= limit


@given(MARKDOWN, st.integers(60, 300))
def test_all_characters_are_there_in_order(text, limit):
    """But for tables, whose head is repeated, and marks that hold a text together."""
    document = tuple(block for block in parse_markdown(text) if not isinstance(block, Table))

    def characters(shown):
        return "".join(re.findall(r"\w", re.sub(r"^[> ]*(\d+\.( |$)|[> ]|•( |$))*", "", shown, flags=re.MULTILINE)))

    parts = split_document(document, capabilities(limit))
    assert "".join(characters(plain_text(part)) for part in parts) == characters(plain_text(document))


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["word. ", "a\n\nb\n", "- item\n", "x", "[a](http://b) ", "**a** "])
def test_the_work_grows_with_the_length_only(piece):
    def work(length):
        document = parse_markdown(piece * (length // len(piece)))
        return lines_run(lambda: split_document(document, capabilities()))

    assert work(40_000) < 1.25 * 8 * work(5_000)


@pytest.mark.slow
def test_a_long_text_is_split():
    text = "A sentence with **some** `code`.\n" * 6_000
    parts = split(text, 4096, numbers_parts=True)
    assert sum(len(words(plain_text(part))) for part in parts) == len(words(plain_text(parse_markdown(text))))
    assert all(text_length(render(part), TextUnit.UTF16) <= 4096 - len(" (999/999)") for part in parts)
