"""The forms of session ids."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from hermes_trio.store.session_ids import (
    api_session_id,
    branch_session_id,
    created_session_id,
    cron_session_id,
    new_session_id,
)

NOW = datetime(2026, 11, 20, 20, 25, 20)


def test_a_new_session_has_its_local_time_and_eight_random_digits():
    assert re.fullmatch(r"20261120_202520_[0-9a-f]{8}", new_session_id(NOW))
    assert len({new_session_id(NOW) for _ in range(100)}) == 100


def test_a_branch_has_six_random_digits():
    assert re.fullmatch(r"20261120_202520_[0-9a-f]{6}", branch_session_id(NOW))


def test_a_session_created_over_http_has_its_epoch():
    assert re.fullmatch(r"api_1790000000_[0-9a-f]{8}", created_session_id(1_790_000_000.9))


def test_a_scheduled_run_has_its_job():
    assert cron_session_id("1a2b", NOW) == "cron_1a2b_20261120_202520"


def test_the_same_start_of_a_conversation_gives_the_same_session():
    digest = hashlib.sha256("Be kind.\nGrüß dich".encode()).hexdigest()
    assert api_session_id("Be kind.", "Grüß dich") == f"api-{digest[:16]}"
    assert api_session_id("Be kind.", "Grüß dich!") != api_session_id("Be kind.", "Grüß dich")


def test_half_characters_have_a_session_too():
    assert api_session_id("", "\ud800").startswith("api-")
