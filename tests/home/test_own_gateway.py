"""A named profile that the running gateway of the root home serves gets no second gateway by mistake."""

from __future__ import annotations

import contextlib
import fcntl
import json
from typing import TYPE_CHECKING

import pytest

from hermes_trio.errors import ProfileServed
from hermes_trio.home.own_gateway import refuse_served_profiles
from hermes_trio.home.process_record import ProcessRecord
from tests.home.processes import GATEWAY, running

if TYPE_CHECKING:
    from hermes_trio.home.paths import HomePaths
    from hermes_trio.home.process_record import Processes

THEIRS = ProcessRecord(20275, GATEWAY, 230300)


@contextlib.contextmanager
def served(home: HomePaths, *profiles: str, record: ProcessRecord = THEIRS, **more: object):
    """A gateway holds the lock of the root home and says which profiles it serves."""
    home.gateway_pid.write_text(json.dumps(THEIRS.to_json()))
    home.gateway_lock.write_text(json.dumps(THEIRS.to_json()))
    state = {**record.to_json(), "gateway_state": "running", "served_profiles": list(profiles), **more}
    home.gateway_state.write_text(json.dumps(state))
    with home.gateway_lock.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def live() -> Processes:
    return running(THEIRS)


def test_a_served_profile_is_refused_with_all_that_helps(home: HomePaths) -> None:
    with served(home, "default", "coder"), pytest.raises(ProfileServed) as caught:
        refuse_served_profiles(home, ["coder"], live())
    error = caught.value
    assert (error.code, error.profile, error.where) == ("profile_already_served", "coder", str(home.root))
    assert "pid 20275" in str(error)
    assert "gateway run" in str(error)
    assert "serves default, coder" in str(error)
    assert "--force" in str(error)


@pytest.mark.parametrize("profiles", [["other"], ["default"], []])
def test_others_are_not_refused(home: HomePaths, profiles: list[str]) -> None:
    with served(home, "default", "coder"):
        refuse_served_profiles(home, profiles, live())


def test_a_gateway_that_serves_one_profile_only_says_nothing_of_others(home: HomePaths) -> None:
    with served(home, served_profiles=None):
        refuse_served_profiles(home, ["coder"], live())


def test_what_a_dead_gateway_left_behind_does_not_count(home: HomePaths) -> None:
    with served(home, "default", "coder"):
        refuse_served_profiles(home, ["coder"], running())
    refuse_served_profiles(home, ["coder"], live())


def test_the_status_of_an_earlier_process_does_not_count(home: HomePaths) -> None:
    earlier = ProcessRecord(THEIRS.pid, THEIRS.argv, 7)
    with served(home, "default", "coder", record=earlier):
        refuse_served_profiles(home, ["coder"], live())


def test_a_garbled_status_does_not_count(home: HomePaths) -> None:
    with served(home, "default", "coder"):
        home.gateway_state.write_text("{")
        refuse_served_profiles(home, ["coder"], live())


def test_the_pid_alone_is_enough_for_old_homes(home: HomePaths) -> None:
    with served(home, "default", "coder"):
        home.gateway_pid.write_text("20275")
        with pytest.raises(ProfileServed):
            refuse_served_profiles(home, ["coder"], live())
