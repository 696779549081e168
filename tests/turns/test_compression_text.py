from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.models.request import ChatMessage
from hermes_trio.turns.compression_text import (
    SUMMARY_END,
    is_summary,
    latest_request,
    summary_message,
    summary_question,
    transcript,
)
from hermes_trio.turns.token_estimate import byte_length, estimate_tokens
from tests.turns.conversations import conversations, talk, work


def test_a_summary_says_that_it_is_one():
    message = summary_message("assistant", "  They counted.\n", 12, "count the words", 400)
    assert message.text == (
        "[Summary of the earlier conversation; 12 messages are left out.]\n\nThey counted.\n\n"
        "The user's latest request so far, word for word:\ncount the words\n\n" + SUMMARY_END
    )
    assert is_summary(message)
    assert not any(is_summary(one) for one in talk(2))


def test_a_summary_that_is_much_too_long_loses_its_middle():
    message = summary_message("user", "b" + "x" * 100_000 + "e", 12, "", 400)
    assert estimate_tokens([message]) < 700
    assert "characters of the summary are left out here" in message.text


def test_the_latest_request_survives_one_summary_after_the_other():
    first = summary_message("user", "s", 5, latest_request(work(3)), 400)
    assert latest_request([first, *work(3)[2:]]) == "count the words"
    assert latest_request([first, ChatMessage("user", "stop"), *work(3)[2:]]) == "stop"
    assert latest_request([summary_message("user", "s", 5, "", 400)]) == ""


def test_the_transcript_names_speakers_and_tools():
    parts = ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:"}})
    text = transcript([ChatMessage("user", parts), *work(1, size=0)[2:], ChatMessage("assistant", "ten")], 10_000)
    assert text == (
        'User: look\n[1 image(s)]\n\nAgent used terminal: {"command":"wc"}\n\n'
        "Result of terminal: result 0\n\nAgent: ten"
    )


@given(conversations(), st.integers(500, 50_000))
def test_a_transcript_fits_into_its_room(messages, limit):
    assert byte_length(transcript(messages, limit)) <= limit + 200


def test_the_question_asks_for_the_length_there_is_room_for():
    question = summary_question(talk(5), 1000, 1000)
    assert question.task == "compression"
    assert "at most 700 words" in question.content
    assert "question 0" in question.content
