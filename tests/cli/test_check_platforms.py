"""What ``check`` says about the chat platforms that are switched on."""

from __future__ import annotations

import pytest

from hermes_trio.cli.checks.analysis import analyse_home
from hermes_trio.cli.checks.credentials import check_credentials
from hermes_trio.cli.checks.platforms import check_platforms
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.testing.home import ProfileFiles, write_home

TOKEN = "123456:abcdefghijklmnop"


@pytest.fixture
def survey(tmp_path):
    """Read a home whose profiles have these settings and variables."""

    def write(**profiles):
        files = {
            name: ProfileFiles(config=f"model: builtin/echo\n{config}\n", env=env)
            for name, (config, env) in profiles.items()
        }
        return survey_home(write_home(tmp_path, files), {})

    return write


@pytest.fixture
def found(survey):
    def check(config="", **env):
        return [finding.code for finding in check_platforms(survey(a=(config, env)))]

    return check


def test_a_platform_with_adapter_and_token_is_fine(found):
    assert found(TELEGRAM_BOT_TOKEN=TOKEN) == []


def test_a_platform_without_a_credential(survey):
    [finding] = check_platforms(survey(a=("platforms:\n  telegram: {enabled: true}", {})))
    assert finding.code == "credential_missing"
    assert finding.where.endswith("config.yaml:3 platforms.telegram.enabled")
    assert "TELEGRAM_BOT_TOKEN" in finding.mend


def test_a_platform_without_an_adapter(survey):
    [finding] = check_platforms(survey(a=("", {"IRC_SERVER": "s", "IRC_CHANNEL": "#x"})))
    assert finding.code == "adapter_missing"
    assert ".env:" in finding.where
    assert "telegram" in finding.mend


@pytest.mark.parametrize("platform", ["api_server", "webhook", "local"])
def test_what_is_no_chat_platform_needs_no_adapter(found, platform):
    assert found(f"platforms: {{{platform}: {{enabled: true}}}}") == []


def test_a_platform_that_is_switched_off_needs_nothing(found):
    assert found("platforms: {irc: {enabled: false}}", IRC_SERVER="s", IRC_CHANNEL="#x") == []


@pytest.mark.parametrize("key", ["dm_policy", "group_policy"])
def test_an_open_policy_alone_lets_nobody_in(found, key):
    config = f"telegram: {{{key}: open}}"
    assert found(config, TELEGRAM_BOT_TOKEN=TOKEN) == ["open_policy_without_consent"]
    assert found(config, TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_ALLOW_ALL_USERS="true") == []


def test_an_account_is_the_same_wherever_it_is_given(survey):
    irc = "platforms: {irc: {extra: {server: s, nickname: n}}}"
    home = survey(a=(irc, {}), b=("", {"IRC_SERVER": "s", "IRC_NICKNAME": "n"}), c=("", {"IRC_SERVER": "s"}))
    assert [(one.profile, one.code) for one in check_credentials(home)] == [
        ("a", "duplicate_credential"),
        ("b", "duplicate_credential"),
    ]


def test_an_account_of_a_platform_that_is_switched_off_is_free(survey):
    env = {"TELEGRAM_BOT_TOKEN": TOKEN}
    assert not list(check_credentials(survey(a=("", env), b=("telegram: {enabled: false}", env))))


def test_a_platform_of_an_installed_adapter_is_a_known_key(tmp_path, monkeypatch):
    monkeypatch.setattr("hermes_trio.cli.checks.files.installed_adapters", lambda: frozenset({"tin-can"}))
    monkeypatch.setattr("hermes_trio.cli.checks.listening.bind_problem", lambda *_: None)
    config = "model: builtin/echo\nplatforms: {tin-can: {}, tin-cup: {}}\n"
    report = analyse_home(write_home(tmp_path, {"a": ProfileFiles(config=config)}), {})
    assert [finding.message for finding in report.findings] == [
        "unknown key platforms.tin-cup; it has no effect here",
    ]
