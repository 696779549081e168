"""What ``check`` says about webhooks."""

from __future__ import annotations

import json

import pytest

from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.cli.checks.webhooks import check_webhooks
from hermes_trio.testing.home import ProfileFiles, write_home

GOOD = {"secret": "long enough to be a secret"}


@pytest.fixture
def found(tmp_path, monkeypatch):
    """The codes of what is found about these routes."""
    monkeypatch.setattr("hermes_trio.cli.checks.webhooks.bind_problem", lambda *_: None)

    def check(webhook=None, *, coder_env=None, config=None, **routes):
        extra = {"routes": routes, **(webhook or {})}
        default = {
            "model": "builtin/echo",
            **(config or {}),
            "platforms": {"webhook": {"enabled": True, "extra": extra}, **(config or {}).get("platforms", {})},
        }
        coder = ProfileFiles(env=coder_env or {})
        home = write_home(tmp_path, {"default": ProfileFiles(config=default), "coder": coder})
        return [(finding.code, finding.level.value) for finding in check_webhooks(survey_home(home, {}))]

    return check


def test_a_route_with_a_secret_is_fine(found):
    assert found(a=GOOD, b={**GOOD, "profile": "coder"}) == []
    assert found(webhook=GOOD, a={}) == []


def test_a_route_without_a_secret(found):
    assert found(a={}) == [("webhook_secret_missing", "error")]
    # That of all routes does not open a bound one.
    assert found(webhook=GOOD, a={"profile": "coder"}) == [("webhook_secret_missing", "error")]
    assert found(a={"secret": "short"}) == [("webhook_secret_short", "warning")]
    assert found(a={"enabled": False}) == []


def test_a_route_that_is_bound_to_nobody(found):
    assert found(a={**GOOD, "profile": "gone"}) == [("webhook_profile_unknown", "error")]


def test_no_authentication_on_a_public_address(found):
    route = {"secret": "INSECURE_NO_AUTH"}
    assert found(a=route) == [("webhook_open", "warning")]
    public = {"platforms": {"api_server": {"extra": {"host": "0.0.0.0"}}}}
    assert found(a=route, config=public) == [("webhook_open", "error")]
    assert found(webhook={"port": 8644}, a=route) == [("webhook_open", "error")]
    assert found(webhook={"port": 8644, "host": "::1"}, a=route) == [("webhook_open", "warning")]


def test_a_destination_that_is_not_set_up(found):
    code = [("webhook_destination_missing", "error")]
    bound = {**GOOD, "profile": "coder"}
    token = {"TELEGRAM_BOT_TOKEN": "123456:abcdefghijklmnop"}
    assert found(a={**bound, "deliver": "telegram"}) == code
    assert found(a={**bound, "deliver": "telegram"}, coder_env=token) == code
    assert found(a={**bound, "deliver": "telegram", "deliver_extra": {"chat_id": 1}}, coder_env=token) == []
    assert found(a={**bound, "deliver": "telegram"}, coder_env={**token, "TELEGRAM_HOME_CHANNEL": "1"}) == []
    assert found(a={**bound, "deliver": "telegram:nowhere"}, coder_env=token) == code


def test_a_profile_may_speak_through_a_bot_whose_routes_lead_to_it_from_there(found):
    telegram = {"telegram": {"enabled": True, "token": "123456:abcdefghijklmnop"}}
    route = {"platform": "telegram", "chat_id": -42, "profile": "coder"}
    config = {"platforms": telegram, "gateway": {"profile_routes": [route]}}
    bound = {**GOOD, "profile": "coder"}
    for place in ({"deliver": "telegram:-42"}, {"deliver": "telegram", "deliver_extra": {"chat_id": -42}}):
        assert found(a={**bound, **place}, config=config) == []
    assert found(a={**bound, "deliver": "telegram:-43"}, config=config) == [("webhook_destination_missing", "error")]
    assert found(a={**bound, "deliver": "telegram"}, config=config) == [("webhook_destination_missing", "error")]


def test_comments_on_github_need_a_token_and_a_place(found):
    code = ("webhook_destination_missing", "error")
    place = {"repo": "{repository.full_name}", "pr_number": "{number}"}
    route = {**GOOD, "profile": "coder", "deliver": "github_comment"}
    assert found(a=route) == [code, code]
    assert found(a={**route, "deliver_extra": place}) == [code]
    assert found(a={**route, "deliver_extra": place}, coder_env={"GH_TOKEN": "t"}) == []


def test_a_script_that_is_not_there(found, tmp_path):
    assert found(a={**GOOD, "script": "gone.py"}) == [("webhook_script_missing", "error")]
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "x.py").symlink_to("/etc/passwd")
    assert found(a={**GOOD, "script": "x.py"}) == [("webhook_script_missing", "error")]


def test_a_filter_that_cannot_be_used(found):
    assert found(a={**GOOD, "filters": {"field": "a", "like": "b"}}) == [("webhook_filter_invalid", "error")]


def test_a_port_that_is_taken(found, monkeypatch):
    assert found(webhook={"port": 8642, **GOOD}) == [("webhook_port_taken", "warning")]
    monkeypatch.setattr("hermes_trio.cli.checks.webhooks.bind_problem", lambda *_: "another program uses the port")
    assert found(webhook={"port": 8644, **GOOD}) == [("webhook_port_taken", "warning")]
    assert found(webhook=GOOD) == []


def test_routes_of_a_platform_that_is_off(tmp_path):
    home = write_home(tmp_path, {"default": ProfileFiles(config={"webhook": {"routes": {"a": GOOD}}})})
    assert [one.code for one in check_webhooks(survey_home(home, {}))] == ["webhook_off"]


def test_the_file_of_subscriptions_is_checked_too(found, tmp_path):
    path = tmp_path / "webhook_subscriptions.json"
    path.write_text("{")
    path.chmod(0o600)
    assert found() == [("webhook_subscriptions_invalid", "error")]
    path.write_text(json.dumps({"a": {}, "b": GOOD, "c": {"profile": ""}, "fixed": GOOD}))
    assert found(fixed=GOOD) == [
        ("webhook_route_invalid", "error"),
        ("webhook_secret_missing", "error"),
        ("webhook_shadowed", "warning"),
    ]
    path.chmod(0o644)
    assert ("secrets_not_private", "warning") in found()
