from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from hermes_trio.errors import HomeError
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.process_record import ProcessRecord
from hermes_trio.home.status_file import GatewayStatus, PlatformStatus, ProfileStatus, read_status, write_status

if TYPE_CHECKING:
    from pathlib import Path

STATUS = GatewayStatus(
    record=ProcessRecord(7, ("hermes-trio", "run"), 99),
    gateway_state="running",
    updated_at="2026-01-02T03:04:05+00:00",
    active_agents=2,
    platforms={"telegram": PlatformStatus("retrying", "network", "no route", "2026-01-02T03:04:05+00:00")},
    served_profiles=("default", "coder"),
    profiles={"coder": ProfileStatus("failed", "config_invalid", "2026-01-02T03:04:05+00:00", None, 3, "bad YAML")},
)


def test_hermes_finds_the_keys_it_looks_for(home: HomePaths) -> None:
    write_status(home, STATUS)
    assert json.loads(home.gateway_state.read_text()) == {
        "pid": 7, "kind": "hermes-gateway", "argv": ["hermes-trio", "run"], "start_time": 99,
        "gateway_state": "running", "exit_reason": None, "restart_requested": False, "active_agents": 2,
        "platforms": {"telegram": {"state": "retrying", "error_code": "network", "error_message": "no route",
                                   "updated_at": "2026-01-02T03:04:05+00:00"}},
        "updated_at": "2026-01-02T03:04:05+00:00", "served_profiles": ["default", "coder"],
        "profiles": {"coder": {"state": "failed", "reason": "config_invalid", "since": "2026-01-02T03:04:05+00:00",
                               "next_retry": None, "generation": 3, "problem": "bad YAML"}},
    }  # fmt: skip


def test_the_file_is_compact_and_its_owners_only(home: HomePaths) -> None:
    write_status(home, STATUS)
    assert ": " not in home.gateway_state.read_text().replace("T03:04", "")
    assert home.gateway_state.stat().st_mode & 0o777 == 0o600


def test_reads_back_what_was_written(home: HomePaths) -> None:
    write_status(home, STATUS)
    assert read_status(home) == STATUS


def test_reads_the_file_of_hermes_itself(home: HomePaths) -> None:
    home.gateway_state.write_text('{"pid":1,"gateway_state":"stopped","platforms":{"irc":{"state":"fatal"}},"new":1}')
    status = read_status(home)
    assert status is not None
    assert (status.gateway_state, status.platforms["irc"].state, status.served_profiles) == ("stopped", "fatal", ())


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "{}", '{"pid":"x"}', "\x00"])
def test_a_garbled_file_is_none(home: HomePaths, text: str) -> None:
    home.gateway_state.write_text(text)
    assert read_status(home) is None


def test_wrong_kinds_of_values_do_no_harm(home: HomePaths) -> None:
    home.gateway_state.write_text(
        '{"pid":1,"active_agents":"x","platforms":[1],"profiles":{"a":5},"served_profiles":7}'
    )
    status = read_status(home)
    assert status is not None
    assert (status.active_agents, dict(status.platforms), dict(status.profiles)) == (0, {}, {})


def test_a_missing_file_is_none(home: HomePaths) -> None:
    assert read_status(home) is None


def test_a_failed_write_keeps_the_old_file_and_leaves_no_litter(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_status(home, STATUS)
    before = home.gateway_state.read_bytes()

    def refuse(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(HomeError, match="disk is full") as caught:
        write_status(home, STATUS)
    assert caught.value.code == "home_unwritable"
    assert home.gateway_state.read_bytes() == before
    assert list(home.root.iterdir()) == [home.gateway_state]


def test_a_home_that_is_gone_is_an_error_and_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(HomeError):
        write_status(HomePaths(tmp_path / "gone"), STATUS)
    assert not (tmp_path / "gone").exists()
