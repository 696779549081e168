"""What ``check`` says about profiles that are offered as models."""

from __future__ import annotations

import pytest

from hermes_trio.cli.checks.offered_profiles import check_offered_profiles
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.testing.home import ProfileFiles, write_home


@pytest.fixture
def check(tmp_path):
    """The findings of a home with some offers."""

    def find(**offers):
        settings = {name: {"platforms": {"api_server": {"extra": {"profiles": said}}}} for name, said in offers.items()}
        home = write_home(tmp_path, {"ada": "", **{name: ProfileFiles(config=one) for name, one in settings.items()}})
        return [(one.code, one.profile) for one in check_offered_profiles(survey_home(home, {}))]

    return find


@pytest.mark.parametrize("offer", ["all", ["ada"], ["default", "ada"], []])
def test_profiles_that_exist_may_be_offered(check, offer):
    assert check(default=offer) == []


def test_a_profile_that_does_not_exist_is_reported(check):
    assert check(default=["ada", "adda"]) == [("offered_profile_unknown", "default")]


def test_an_offer_of_another_profile_is_read_by_nobody(check):
    assert check(ada=["default"]) == [("offered_profiles_not_read", "ada")]
