from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.log_format import (
    INFO,
    MAXIMUM_MESSAGE,
    WARNING,
    LogRecord,
    Origin,
    TimeStamps,
    file_line,
    message_text,
    one_line,
    parse_level,
)
from hermes_trio.io.log_redaction import make_redactor

plain = make_redactor(())
stamps = TimeStamps(timedelta())


@pytest.mark.parametrize(("name", "level"), [("info", INFO), ("WARN", WARNING), (" Warning ", WARNING), ("loud", INFO)])
def test_a_level_is_known_by_its_name_and_a_wrong_name_silences_nothing(name, level):
    assert parse_level(name) == level


def test_times_are_those_of_the_zone_with_milliseconds_after_a_comma():
    zone = TimeStamps(timedelta(hours=5, minutes=30))
    assert zone.full(0.0625) == "1970-01-01 05:30:00,062"
    assert zone.full(0.9999) == "1970-01-01 05:30:00,999"
    assert zone.short(1.0) == "05:30:01"


@given(st.text(), st.text(), st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_a_record_is_always_one_line_whose_continuations_are_indented(message, session, extra):
    record = LogRecord(0.0, INFO, Origin("p", 1, session, "t", "c"), message, extra)
    line = file_line(record, message_text(record, plain), stamps)
    assert line.endswith("\n")
    first, *others = line[:-1].splitlines()
    assert first.startswith("1970-01-01 00:00:00,000 INFO ")
    assert all(other.startswith("    ") for other in others)
    assert not any(character in line for character in "\x00\x1b\x07\x9b\u202e")


def test_readable_text_stays_as_it_is():
    assert one_line("Grüße, 你好 🙂") == "Grüße, 你好 🙂"


def test_a_long_message_is_cut():
    record = LogRecord(0.0, INFO, Origin(), "x" * (MAXIMUM_MESSAGE + 1), {})
    assert message_text(record, plain) == "x" * MAXIMUM_MESSAGE + " ... (cut)"


def test_extra_values_are_quoted_only_where_they_need_it():
    record = LogRecord(0.0, INFO, Origin(), "m", {"a": "x.y", "b": "x y", "c": "", "d": 1.5, "e": None, "f": True})
    assert message_text(record, plain) == "m a=x.y b='x y' c='' d=1.5 e=None f=True"
