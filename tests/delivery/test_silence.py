"""Replies that say nothing."""

from __future__ import annotations

import pytest

from hermes_trio.delivery.silence import is_silence, may_become_silence


@pytest.mark.parametrize("text", ["[SILENT]", "silent", " No_Reply\n", "NO REPLY"])
def test_a_marker_alone_is_silence(text):
    assert is_silence(text, narration=False)


@pytest.mark.parametrize("text", ["", "SILENT night", "[SILENT] but", "no", "Silence"])
def test_anything_more_is_said(text):
    assert not is_silence(text, narration=True)


@pytest.mark.parametrize("text", ["*stays silent*", "(no response needed)", "_Silence._", "[nothing to say]"])
def test_a_stage_direction_counts_where_the_settings_say_so(text):
    assert is_silence(text, narration=True)
    assert not is_silence(text, narration=False)


def test_the_beginning_of_a_marker_may_become_one():
    assert may_become_silence(" [Sil")
    assert may_become_silence("no_")
    assert not may_become_silence("now")
