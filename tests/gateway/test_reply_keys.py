"""The keys that platforms get with what is said: the same for every try, and such as every platform takes."""

from __future__ import annotations

import pytest

from hermes_trio.adapter_api.capabilities import Capabilities
from hermes_trio.gateway.reply import LONGEST_KEY, ReplyPlace


def key_of(key: str, part: int = 1) -> str:
    place = ReplyPlace("ada", "irc", "#café", None, "", key, None, "off", None, Capabilities(text_limit=4096))
    return place.row("x", part, 2).idempotency_key


def test_a_plain_key_stays_as_it_is():
    assert key_of("ada:telegram:7:12:answer") == "ada:telegram:7:12:answer:1"


@pytest.mark.parametrize("key", ["ada:irc:#café:1", "say:✅ I am back.", "a\nb", "a" * (LONGEST_KEY + 1), "\ud800"])
def test_any_other_key_becomes_one_that_fits_into_a_header(key):
    found = key_of(key)
    assert found.isascii()
    assert found.isprintable()
    assert len(found) <= LONGEST_KEY
    assert key_of(key) == found
    assert key_of(f"{key}?") != found
    assert key_of(key, 2) != found
