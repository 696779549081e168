"""What ``check`` says about who may talk to the bots."""

from __future__ import annotations

import pytest

from hermes_trio.access.pairing_places import pairing_places
from hermes_trio.cli.checks.access import check_access
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.access.rig import write_approved

TOKEN = {"TELEGRAM_BOT_TOKEN": "123456:abcdefghijklmnop"}
IGNORE = "unauthorized_dm_behavior: ignore"


@pytest.fixture
def found(tmp_path):
    """Level and code of all that is found in a home with one profile."""

    def check(config="", *, approved=None, text=None, **env):
        home = write_home(
            tmp_path, {"a": ProfileFiles(config=f"model: builtin/echo\n{config}\n", env={**TOKEN, **env})}
        )
        folder = pairing_places("a", home.profile("a")).folders[0]
        if approved:
            write_approved(folder, approved)
        if text is not None:
            folder.mkdir(parents=True)
            (folder / "telegram-approved.json").write_text(text)
        return [(finding.level.value, finding.code) for finding in check_access(survey_home(home, {}))]

    return check


def test_a_bot_with_a_list_is_fine(found):
    assert found(TELEGRAM_ALLOWED_USERS="1") == []


def test_a_bot_that_pairs_strangers_is_fine(found):
    assert found() == []


@pytest.mark.parametrize("env", [{"TELEGRAM_ALLOW_ALL_USERS": "true"}, {"TELEGRAM_ALLOWED_USERS": "*"}])
def test_a_bot_for_everybody(found, env):
    assert found(**env) == [("warning", "bot_open_to_everybody")]


@pytest.mark.parametrize("name", ["TELEGRAM_GROUP_ALLOWED_CHATS", "TELEGRAM_GROUP_ALLOWED_USERS"])
def test_a_bot_for_everybody_who_adds_it_to_a_group(found, name):
    assert found(**{name: "*"}) == [("warning", "bot_open_in_groups")]


@pytest.mark.parametrize("env", [{"TELEGRAM_ALLOWED_USERS": "7,@alice"}, {"GATEWAY_ALLOWED_USERS": "alice"}])
def test_a_list_with_a_name_where_people_have_numbers(found, env):
    assert found(**env) == [("warning", "user_name_not_id")]


def test_numbers_and_everybody_are_no_names(found):
    assert found("telegram: {allow_admin_from: [7, '-1001']}", TELEGRAM_ALLOWED_USERS="7") == []


@pytest.mark.parametrize("key", ["user_allowed_commands", "group_user_allowed_commands"])
def test_a_list_of_commands_that_restricts_nobody(found, key):
    assert found(f"telegram: {{{key}: [status]}}") == [("warning", "commands_open_to_everybody")]
    assert found(f"telegram: {{{key}: [status], allow_admin_from: [7]}}") == []


def test_a_bot_for_nobody(found):
    assert found(IGNORE) == [("warning", "bot_open_to_nobody")]


def test_a_bot_with_a_paired_user_is_not_for_nobody(found):
    assert found(IGNORE, approved="1") == []


def test_a_platform_that_is_switched_off_is_left_alone(found):
    assert found(f"{IGNORE}\ntelegram: {{enabled: false}}") == []


def test_a_pattern_that_is_none(found):
    assert found("telegram: {mention_patterns: ['(', 'fine']}") == [("warning", "bad_mention_pattern")]


def test_a_pairing_file_that_cannot_be_used(found):
    assert found(text="[") == [("warning", "pairing_file_invalid")]
