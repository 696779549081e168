"""A process that is killed at any SQL statement between accepting and sending: nothing is lost, no work is repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_kill_9_at_every_statement(tmp_path):
    command = [sys.executable, "-m", "tests.store.mail_journey", str(tmp_path)]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(outcomes) > 40, "the journey has that many statements"
    parts = ["m1/1", "m1/2", "m2/1", "m2/2"]
    for outcome in outcomes:
        assert [row[:2] for row in outcome["inbox"]] == [["m1", "done"], ["m2", "done"]]
        assert all(attempts <= 2 for _, _, attempts in outcome["inbox"])
        assert outcome["outbox"] == [[part, "sent"] for part in parts]
        assert outcome["stored"] == [["m1", 2], ["m2", 2]], "no finished turn is repeated"
        unmarked = [line for line in outcome["sent"] if not line.endswith(" again")]
        assert len(unmarked) == len(set(unmarked)), "what may have arrived is marked"
        assert len(outcome["sent"]) <= len(parts) + 1
        assert list(dict.fromkeys(line.removesuffix(" again") for line in outcome["sent"])) == parts, "in order"
    assert any(len(outcome["sent"]) > len(parts) for outcome in outcomes)
