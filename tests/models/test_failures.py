"""What a provider's refusal means."""

from __future__ import annotations

import pytest

from hermes_trio.models.failures import LONGEST_MESSAGE, error_from_status, parse_retry_after, read_body, redact
from hermes_trio.models.target import ModelTarget

TARGET = ModelTarget("openrouter", "m", "https://openrouter.ai/api/v1", "sk-or-secret", headers={"X-Org": "org-secret"})
NOW = 1_790_000_000.0


def failure(status: int, body: bytes = b"", **headers: str):
    return error_from_status(TARGET, status, headers, body, NOW)


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "model_bad_request", False),
        (401, "model_unauthorized", False),
        (402, "model_unauthorized", False),
        (403, "model_unauthorized", False),
        (404, "model_bad_request", False),
        (408, "model_timeout", True),
        (413, "model_bad_request", False),
        (422, "model_bad_request", False),
        (429, "model_rate_limited", True),
        (500, "model_overloaded", True),
        (501, "model_overloaded", False),
        (502, "model_overloaded", True),
        (503, "model_overloaded", True),
        (504, "model_overloaded", True),
        (529, "model_overloaded", True),
        (302, "model_bad_response", False),
    ],
)
def test_every_status_has_a_code(status, code, retryable):
    error = failure(status, b'{"error": {"message": "words"}}')
    assert (error.code, error.retryable, error.status) == (code, retryable, status)
    assert "words" in str(error)
    assert "openrouter" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "the request exceeds the available context size. try increasing the context size",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Input is too long for requested model.",
        "Please reduce the length of the messages or completion.",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "tokens + max_new_tokens exceed the context window",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length",
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "Invalid request: Your request exceeded model token limit: 262144",
        "Prompt exceeds max length",
        "too many tokens: total number of tokens in the prompt exceed the limit of 4081",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ],
)
def test_too_long_a_conversation_is_recognised_by_its_words(message):
    assert failure(400, f'{{"error": {{"message": "{message}"}}}}'.encode()).code == "model_context_length"


@pytest.mark.parametrize("message", ["max_tokens must be <= 4096", "Invalid 'max_output_tokens': above maximum value"])
def test_too_long_an_answer_that_was_asked_for_is_no_too_long_conversation(message):
    assert failure(400, f'{{"error": {{"message": "{message}"}}}}'.encode()).code == "model_bad_request"


def test_too_long_a_conversation_is_recognised_by_its_code():
    error = failure(400, b'{"error": {"message": "no", "code": "context_length_exceeded"}}')
    assert (error.code, error.retryable) == ("model_context_length", False)


def test_a_rate_limit_that_mentions_the_context_is_a_rate_limit():
    assert failure(429, b"too many tokens in your context window per minute").code == "model_rate_limited"


def test_anthropic_says_that_money_is_missing_as_if_the_request_were_bad():
    body = b'{"error": {"type": "invalid_request_error", "message": "Your credit balance is too low."}}'
    error = failure(400, body)
    assert (error.code, error.retryable, error.status) == ("model_unauthorized", False, 400)
    assert "paid" in str(error)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 11.054s.", 11.054),
        ("Please try again in 250ms. Visit our site", 0.25),
        ("try again in 3 seconds", 3.0),
        ("Please try again in 5 minutes", None),
        ("try again later", None),
    ],
)
def test_a_pause_may_be_told_in_words(words, seconds):
    assert failure(429, words.encode()).retry_after == seconds
    assert failure(429, words.encode(), **{"retry-after": "7"}).retry_after == 7
    assert failure(500, words.encode()).retry_after is None


def test_an_empty_account_is_not_asked_again():
    error = failure(429, b'{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}')
    assert (error.code, error.retryable) == ("model_rate_limited", False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "a", "type": "t"}}', "a"),
        (b'{"error": "b"}', "b"),
        (b'[{"error": {"message": "c", "code": 400}}]', "c"),
        (b'{"message": "d"}', "d"),
        (b'{"detail": "e"}', "e"),
        (b'{"detail": [{"loc": ["x"], "msg": "f"}]}', "[{'loc': ['x'], 'msg': 'f'}]"),
        (b"plain words", "plain words"),
        (b"", ""),
        (b"<html><head><title>502 Bad\nGateway</title></head></html>", "an HTML page titled '502 Bad\nGateway'"),
        (b"<!doctype html>", "an HTML page"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_providers_have_many_ways_to_say_what_is_wrong(body, message):
    assert read_body(body).message == message


def test_an_error_shows_one_short_line():
    text = str(failure(500, b"x\n" * 5000))
    assert "\n" not in text
    assert len(text) < LONGEST_MESSAGE + 200


def test_no_error_repeats_a_secret():
    body = b"bad key sk-or-secret of org-secret, see hunter2-token"
    error = error_from_status(TARGET, 401, {}, body, NOW, hide=["hunter2-token"])
    assert "secret" not in str(error)
    assert "hunter2" not in str(error)
    assert "bad key *** of ***" in str(error)


def test_a_secret_that_contains_another_is_hidden_whole():
    assert redact("sk-or-secret-longer", TARGET, ["sk-or-secret-longer"]) == "***"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT"}, 30.0),
        ({"retry-after": "Mon, 21 Sep 2020 14:13:50 GMT"}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Mon, 99 Zzz 99999 99:99:99 GMT"}, None),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    assert parse_retry_after(headers, NOW) == seconds


def test_the_error_carries_what_the_provider_asked_for():
    assert failure(429, b"", **{"retry-after": "7"}).retry_after == 7.0
