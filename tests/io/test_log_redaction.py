from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.log_redaction import make_redactor


@given(st.text(), st.text(min_size=8), st.text())
def test_a_secret_value_is_found_wherever_it_stands(before, secret, after):
    assert secret not in make_redactor((secret,))(before + secret + after).replace("[redacted]", "")


def test_of_two_secrets_that_begin_alike_the_longer_one_goes_whole():
    assert make_redactor(("password", "password-and-more"))("a password-and-more b") == "a [redacted] b"


def test_a_secret_in_an_address_is_found_in_its_encoded_form():
    assert make_redactor(("pass word/1",))("https://x/?q=pass%20word%2F1&y") == "https://x/?q=[redacted]&y"


def test_short_values_do_not_blacken_ordinary_words():
    assert make_redactor(("on", "1234567"))("it is on 1234567") == "it is on 1234567"


@pytest.mark.parametrize(
    "token",
    [
        "sk-proj-0123456789abcdef",
        "xoxb-1234567890-abcdef",
        "Bearer abcdef0123456789",
        "ghp_0123456789abcdef0123",
        "AIzaSyA0123456789012345678901234567890",
        "bot123456789:AAabcdefghijklmnopqrstuvwxyz0123456",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    ],
)
def test_what_looks_like_a_token_is_blackened_without_being_known(token):
    text = make_redactor(())(f"GET /{token} failed")
    assert token not in text
    assert text.startswith("GET /")
    assert text.endswith(" failed")


def test_a_password_in_an_address_is_blackened():
    assert "hunter2" not in make_redactor(())("proxy http://me:hunter2@proxy:3128 refused")


def test_ordinary_text_is_left_alone():
    text = "a task-based risk-assessment took 2.5s at https://example.org:8080/p/coder/v1 with basic results"
    assert make_redactor(("unrelated-secret",))(text) == text
