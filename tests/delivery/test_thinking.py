"""Hiding what a model thinks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.delivery.thinking import ThinkingFilter, without_thinking


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning", "thought", "REASONING_SCRATCHPAD", "Think"])
def test_a_block_of_thinking_is_hidden(tag):
    assert without_thinking(f"<{tag}>one\n\ntwo</{tag}>\n\nanswer") == "answer"


def test_a_block_without_an_end_hides_the_rest():
    assert without_thinking("answer\n<think>one\ntwo") == "answer\n"


def test_several_blocks_are_hidden_and_a_stray_end_too():
    assert without_thinking("<think>a</think><think>b</think>c\n<thought>d</thought>\ne\n</think>f") == "c\n\ne\nf"


@pytest.mark.parametrize(
    "text",
    [
        "use the <think> tag",
        "`<think>` hides",
        "```\n<think>\n```\nafter",
        "a < b",
        "<thinker>x</thinker>",
        "~~~\n<think>\n~~~",
        "<b>",
        "<",
        "``",
    ],
)
def test_a_text_about_tags_stays(text):
    assert without_thinking(text) == text


PIECE = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<thinking>",
        "</thinking>",
        "<",
        "think",
        ">",
        "\n",
        " ",
        "word",
        "```",
        "``",
        "~~~",
        "<b>",
    ]
)


@given(st.lists(PIECE, max_size=30), st.lists(st.integers(1, 7), min_size=1))
def test_how_the_text_arrives_makes_no_difference(pieces, sizes):
    text = "".join(pieces)
    hiding, shown, start = ThinkingFilter(), "", 0
    for turn in range(len(text) + 1):
        size = sizes[turn % len(sizes)]
        shown += hiding.feed(text[start : start + size])
        start += size
    assert shown + hiding.end() == without_thinking(text)


def test_what_is_surely_no_tag_is_shown_at_once():
    hiding = ThinkingFilter()
    assert hiding.feed("Hello") == "Hello"
    assert hiding.feed("\n<thi") == "\n"
    assert hiding.feed("rd>") == "<third>"
