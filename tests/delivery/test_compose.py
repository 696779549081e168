"""From the text of a model to the messages that go out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.adapter_api.outgoing import Button, OutgoingText
from hermes_trio.delivery.compose import compose
from hermes_trio.delivery.measure import text_length
from tests.delivery.markup import MARKDOWN, capabilities

BUTTONS = ((Button("Yes", "y"),),)
LONG = "word " * 100


def test_a_short_text_is_one_message_with_markup_and_without():
    assert compose("**hi** <b>", capabilities(), reply_to="7") == (
        OutgoingText("hi <b>", formatted="<b>hi</b> &lt;b&gt;", reply_to="7"),
    )


def test_a_platform_without_markup_gets_plain_text():
    assert compose("**hi**", capabilities(render=None)) == (OutgoingText("hi"),)


def test_an_empty_text_makes_no_message():
    assert compose(" \n", capabilities(), footer="model") == ()


def test_parts_are_numbered_in_both_texts():
    parts = compose(LONG, capabilities(200, numbers_parts=True))
    assert [part.text[-6:] for part in parts] == [" (1/3)", " (2/3)", " (3/3)"]
    assert [part.formatted[-6:] for part in parts] == [" (1/3)", " (2/3)", " (3/3)"]


def test_a_number_stands_below_a_block_of_code():
    parts = compose("```\n" + "line\n" * 60 + "```", capabilities(200, numbers_parts=True))
    assert parts[0].formatted.endswith("</pre>\n\n(1/2)")


def test_reply_mode_says_which_parts_quote_the_question():
    def quotes(mode):
        return [part.reply_to for part in compose(LONG, capabilities(200), reply_to="7", reply_to_mode=mode)]

    assert quotes("off") == [None, None, None]
    assert quotes("first") == ["7", None, None]
    assert quotes("all") == ["7", "7", "7"]


def test_buttons_and_footer_are_with_the_last_part():
    parts = compose(LONG, capabilities(200, buttons=True), buttons=BUTTONS, footer="model · 3 %")
    assert [part.buttons for part in parts] == [(), (), BUTTONS]
    assert [part.text.endswith("\n\nmodel · 3 %") for part in parts] == [False, False, True]


@given(MARKDOWN, st.integers(40, 300), st.booleans())
def test_every_message_fits_with_number_and_footer(text, limit, counts_markup):
    able = capabilities(limit, numbers_parts=True, counts_markup=counts_markup)
    for part in compose(text, able, footer="a footer"):
        assert text_length(part.text, able.text_unit) <= limit
        if counts_markup:
            assert text_length(part.formatted, able.text_unit) <= limit
