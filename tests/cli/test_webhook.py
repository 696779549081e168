"""``hermes-trio webhook`` without a gateway; with one: tests/e2e/test_webhooks.py."""

from __future__ import annotations

import json
import stat

import pytest

from hermes_trio.testing.home import ProfileFiles, write_home

CONFIG = {
    "model": "builtin/echo",
    "platforms": {
        "webhook": {
            "enabled": True,
            "extra": {"secret": "CANARY-global-secret", "routes": {"fixed": {"events": ["a"]}}},
        }
    },
}


@pytest.fixture
def home(tmp_path):
    return write_home(tmp_path / "home", {"default": ProfileFiles(config=CONFIG), "coder": "You are Coder."}).root


@pytest.fixture
def webhook(command, home):
    return lambda *arguments: command("webhook", *arguments, "--home", home)


def stored(home):
    return json.loads((home / "webhook_subscriptions.json").read_text())


def test_a_subscription_is_made_with_a_secret_that_is_shown_once(webhook, home):
    ran = webhook("subscribe", "deploys", "--prompt", "Deploy {id}", "--events", "a, b", "--skills", "x")
    assert ran.code == 0
    route = stored(home)["deploys"]
    assert len(route["secret"]) > 30
    assert route["secret"] in ran.out
    assert "http://127.0.0.1:8642/webhooks/deploys" in ran.out
    assert (route["prompt"], route["events"], route["skills"]) == ("Deploy {id}", ["a", "b"], ["x"])
    assert route["created_at"]
    assert stat.S_IMODE((home / "webhook_subscriptions.json").stat().st_mode) == 0o600
    assert route["secret"] not in webhook("list").out + webhook("list", "--json").out


def test_a_second_time_it_is_changed_and_keeps_its_secret_and_what_was_not_said(webhook, home):
    webhook("add", "deploys", "--prompt", "one", "--description", "d")
    before = stored(home)["deploys"]
    ran = webhook("subscribe", "deploys", "--prompt", "two")
    assert stored(home)["deploys"] == {**before, "prompt": "two"}
    assert before["secret"] not in ran.out


def test_what_the_file_holds_of_it_besides_may_be_unusable(webhook, home):
    (home / "webhook_subscriptions.json").write_text('{"deploys": {"events": {"a": 1}, "secret": "CANARY-secret"}}')
    ran = webhook("subscribe", "deploys", "--prompt", "two")
    assert ran.code == 1
    assert "[webhook_unusable]" in ran.err
    assert "webhook remove deploys" in ran.err
    assert "CANARY" not in ran.out + ran.err


def test_a_secret_of_blanks_is_none(webhook, home):
    webhook("subscribe", "deploys", "--secret", "  ")
    assert len(stored(home)["deploys"]["secret"]) > 30


def test_with_a_profile_it_is_bound_to_that_profile(webhook, home):
    ran = webhook("subscribe", "reviews", "-p", "coder", "--secret", "mine", "--json")
    assert json.loads(ran.out) == {
        "name": "reviews",
        "url": "http://127.0.0.1:8642/p/coder/webhooks/reviews",
        "secret": None,
    }
    assert (stored(home)["reviews"]["profile"], stored(home)["reviews"]["secret"]) == ("coder", "mine")
    assert webhook("subscribe", "reviews", "-p", "nobody").code == 78


def test_where_the_answer_goes(webhook, home):
    webhook("subscribe", "a", "--deliver", "telegram", "--deliver-chat-id", "42", "--deliver-only")
    extra = ("--deliver-extra", "repo={repository.full_name}", "--deliver-extra", "pr_number={number}")
    webhook("subscribe", "b", "--deliver", "github_comment", *extra)
    assert stored(home)["a"]["deliver_extra"] == {"chat_id": "42"}
    assert stored(home)["a"]["deliver_only"] is True
    assert stored(home)["b"]["deliver_extra"] == {"repo": "{repository.full_name}", "pr_number": "{number}"}
    assert webhook("subscribe", "c", "--deliver-extra", "chat").code == 2


@pytest.mark.parametrize("name", ["Bad", "a b", "-x", "x/y", "x" * 65])
def test_a_name_that_is_none_is_wrong_usage(webhook, home, name):
    assert webhook("subscribe", "--", name).code == 2 if name.startswith("-") else webhook("subscribe", name).code == 2
    assert not (home / "webhook_subscriptions.json").exists()


def test_a_route_of_the_settings_is_not_subscribed(webhook):
    ran = webhook("subscribe", "fixed")
    assert (ran.code, "webhook_taken" in ran.err or "config.yaml" in ran.err) == (1, True)


def test_a_script_must_be_there(webhook, home):
    assert webhook("subscribe", "a", "--script", "gone.py").code == 1
    (home / "scripts").mkdir()
    (home / "scripts" / "here.py").write_text("")
    assert webhook("subscribe", "a", "--script", "here.py").code == 0


def test_the_list_has_both_kinds(webhook, home):
    assert "No routes" not in webhook("ls").out
    webhook("add", "deploys", "--description", "What the CI says", "-p", "coder")
    page = webhook("list").out
    assert "fixed" in page
    assert "What the CI says" in page
    assert "CANARY" not in page
    routes = json.loads(webhook("list", "--json").out)["routes"]
    assert {one["name"]: one["source"] for one in routes} == {"fixed": "config.yaml", "deploys": "subscription"}
    assert [one["name"] for one in json.loads(webhook("ls", "--json", "-p", "coder").out)["routes"]] == ["deploys"]


def test_a_subscription_is_removed_and_a_route_of_the_settings_is_not(webhook, home):
    webhook("add", "deploys")
    webhook("add", "other")
    assert webhook("rm", "deploys").code == 0
    assert list(stored(home)) == ["other"]
    assert webhook("remove", "deploys").code == 1
    assert webhook("remove", "fixed").code == 1


def test_a_broken_file_is_said_to_be_broken(webhook, home):
    (home / "webhook_subscriptions.json").write_text("{")
    for arguments in (("list",), ("add", "x"), ("rm", "x")):
        ran = webhook(*arguments)
        assert ran.code == 1
        assert "webhook_subscriptions.json" in ran.err


def test_a_platform_that_is_off_is_warned_about(command, tmp_path):
    home = write_home(tmp_path / "home", {}).root
    ran = command("webhook", "add", "x", "--home", home)
    assert (ran.code, "platforms.webhook.enabled" in ran.err) == (0, True)


def test_a_test_needs_a_route_a_payload_and_a_gateway(webhook):
    gone = webhook("test", "gone")
    assert (gone.code, "hermes-trio check" in gone.err) == (1, True)
    assert webhook("test", "fixed", "--payload", "{").code == 2


@pytest.mark.parametrize("name", ["", "subscribe", "list", "remove", "test"])
def test_every_help_page_has_examples(command, name):
    assert "Examples:" in command("webhook", *filter(None, [name]), "--help").out
