from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.models.events import ReplayItem
from hermes_trio.models.request import ChatMessage, ToolCall
from hermes_trio.turns.token_estimate import (
    FRAME_BYTES,
    IMAGE_TOKENS,
    PromptReading,
    byte_length,
    corrected,
    estimate_tokens,
    tokens_of_bytes,
)

FRAME = FRAME_BYTES // 4


def test_four_bytes_of_text_are_a_token():
    assert estimate_tokens([ChatMessage("user", "x" * 400)]) == FRAME + 100
    assert estimate_tokens([ChatMessage("user", "日" * 400)]) == FRAME + 300
    assert tokens_of_bytes(0) == 0
    assert tokens_of_bytes(5) == 2


def test_what_a_message_carries_beside_its_text_counts():
    call = ToolCall("1", "read", "x" * 396)
    assert estimate_tokens([ChatMessage("assistant", None, tool_calls=(call,))]) == 2 * FRAME + 100
    thought = ReplayItem("anthropic", b"x" * 400)
    assert estimate_tokens([ChatMessage("assistant", "", replay=(thought,))]) == FRAME + 100


def test_an_image_counts_the_same_whatever_its_size():
    parts = ({"type": "text", "text": "x" * 400}, {"type": "image_url", "image_url": {"url": "data:" + "x" * 9999}})
    assert estimate_tokens([ChatMessage("user", parts)]) == 2 * FRAME + 100 + IMAGE_TOKENS


def test_an_estimate_is_corrected_by_what_the_provider_counted():
    assert corrected(1000, PromptReading(reported=1500, estimated=1000)) == 1500
    assert corrected(1000, None) == 1000


@pytest.mark.parametrize(
    ("reading", "factor"),
    [
        (PromptReading(0, 100), 1.0),
        (PromptReading(100, 0), 1.0),
        (PromptReading(1, 1000), 0.5),
        (PromptReading(99999, 100), 4.0),
    ],
)
def test_a_reading_that_makes_no_sense_does_little_harm(reading, factor):
    assert reading.factor == factor


@given(st.text(st.characters()))
def test_the_length_of_any_text_is_known(text):
    assert byte_length(text) == len(text.encode("utf-8", "surrogatepass"))
