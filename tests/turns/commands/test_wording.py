from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.delivery.markdown import parse_markdown
from hermes_trio.delivery.plain import plain_text
from hermes_trio.errors import HermesTrioError
from hermes_trio.turns.commands.wording import (
    ago,
    block,
    code,
    count,
    dollars,
    duration,
    error_text,
    literal,
    shorten,
    size,
)


@pytest.mark.parametrize(
    ("tokens", "text"), [(0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"), (999_950, "1.0M"), (2.5e6, "2.5M")]
)
def test_large_numbers_are_short(tokens, text):
    assert size(tokens) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (300, "5 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (86400, "1 day"),
        (2e5, "2 days"),
    ],
)
def test_times_are_told_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_what_was_a_moment_ago_was_just_now():
    assert (ago(3), ago(-5), ago(65)) == ("just now", "just now", "1 min ago")


def test_counted_things_are_one_or_many():
    assert (count(1, "entry", "entries"), count(1234, "message")) == ("1 entry", "1,234 messages")


def test_small_amounts_of_money_do_not_become_nothing():
    assert (dollars(0), dollars(0.0034), dollars(1234.5)) == ("$0.00", "$0.0034", "$1,234.50")


@given(st.text())
def test_nothing_in_a_block_of_code_ends_it(text):
    lines = block(text).split("\n")
    assert lines[0] == lines[-1]
    assert lines[0] not in text


@given(st.text())
def test_nothing_in_inline_code_ends_it(text):
    assert code(text) == "-" or code(text).count("`") == 2


@given(st.text(), st.integers(10, 50))
def test_what_is_shortened_fits_on_a_line(text, most):
    assert len(shorten(text, most)) <= most
    assert "\n" not in shorten(text, most)


async def test_an_error_tells_what_helps_but_no_secret(open_chat):
    async with open_chat(env={"OPENAI_API_KEY": "sk-very-secret-0123456789"}) as chat:
        error = HermesTrioError("it broke", found="sk-very-secret-0123456789", mend="do this", profile="ada")
        text = error_text(chat.scope, error)
    assert "it broke" in text
    assert "To mend it: do this" in text
    assert "sk-very-secret" not in text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=40))
def test_nothing_that_somebody_wrote_counts_as_markup(text):
    (paragraph,) = parse_markdown(f"**Name**: x{literal(text)}x")
    assert plain_text((paragraph,)) == f"Name: x{text}x"


@pytest.mark.parametrize(
    "name", ["[here](https://evil.test)", "**bold**", "`a`", "<https://evil.test>", "a&amp;b", "\\*"]
)
def test_a_name_is_shown_as_it_is(name):
    assert plain_text(parse_markdown(f"You: {literal(name)}")) == f"You: {name}"
