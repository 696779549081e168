"""The webhook platform in ``config.yaml`` and ``.env``, and the file of subscriptions."""

import json
import stat

import pytest

from hermes_trio.home.paths import HomePaths
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.home.webhook_config import WebhookConfig, WebhookRoute
from hermes_trio.home.webhook_subscriptions import SubscriptionsError, edit_subscriptions, parse_subscriptions


@pytest.fixture
def load(tmp_path):
    """The webhook platform of a profile with these files, and the remarks about them."""

    def read(config="", env=""):
        (tmp_path / "config.yaml").write_text(config)
        (tmp_path / ".env").write_text(env)
        settings = load_profile_settings(HomePaths(tmp_path), "default", {})
        return settings.config.webhook, settings.config.notices

    return read


def test_nothing_said_is_switched_off(load):
    assert load() == (WebhookConfig(), ())


ROUTE = """
{place}:
  enabled: true
  {extra}:
    secret: global
    rate_limit: 5
    routes:
      gh: {{prompt: hi, secret: own, events: [push], skills: "a, b", deliver: telegram,
           deliver_extra: {{chat_id: -100, message_thread_id: 7}}}}
"""


@pytest.mark.parametrize(
    "config",
    [
        "platforms:" + ROUTE.format(place="webhook", extra="extra").replace("\n", "\n  "),
        "gateway:\n  platforms:" + ROUTE.format(place="webhook", extra="extra").replace("\n", "\n    "),
        ROUTE.format(place="webhook", extra="extra"),
    ],
    ids=["platforms", "gateway.platforms", "top"],
)
def test_every_place_of_hermes_is_read(load, config):
    if config.startswith("\nwebhook"):
        config = config.replace("  extra:\n", "").replace("\n    ", "\n  ")
    webhook, notices = load(config)
    assert notices == ()
    assert (webhook.enabled, webhook.secret, webhook.rate_limit, webhook.own_listener) == (True, "global", 5, False)
    route = webhook.routes["gh"]
    assert (route.prompt, route.secret, route.events, route.skills) == ("hi", "own", ("push",), ("a", "b"))
    assert (route.deliver, dict(route.deliver_extra)) == ("telegram", {"chat_id": "-100", "thread_id": "7"})


def test_variables_win(load):
    config = "webhook: {enabled: true, port: 1, secret: s}"
    webhook, _ = load(config, "WEBHOOK_PORT=9000\nWEBHOOK_SECRET=t\n")
    assert (webhook.enabled, webhook.port, webhook.own_listener, webhook.secret) == (True, 9000, True, "t")
    assert load("", "WEBHOOK_ENABLED=true\n")[0].enabled
    webhook, notices = load(config, "WEBHOOK_ENABLED=false\n")
    assert not webhook.enabled
    assert [notice.code for notice in notices] == ["value_ignored"]


def test_a_port_or_a_host_asks_for_a_listener_of_its_own(load):
    assert not load("webhook: {enabled: true}")[0].own_listener
    assert load("webhook: {enabled: true, port: 8644}")[0].own_listener
    assert load("webhook: {enabled: true, host: 127.0.0.1}")[0].own_listener


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("{events: {a: 1}}", "platforms.webhook.routes.bad.events"),
        ("{deliver_only: perhaps}", "platforms.webhook.routes.bad.deliver_only"),
        ("{profile: ''}", "platforms.webhook.routes.bad.profile"),
        ("{profile: null}", "platforms.webhook.routes.bad.profile"),
        ("{profile: 'no name!'}", "platforms.webhook.routes.bad.profile"),
        ("just text", "platforms.webhook.routes.bad"),
    ],
)
def test_a_route_that_cannot_be_read_is_left_out_and_remarked_with_its_path(load, route, path):
    config = f"platforms:\n  webhook:\n    enabled: true\n    routes:\n      bad: {route}\n      good: {{}}\n"
    webhook, notices = load(config)
    assert list(webhook.routes) == ["good"]
    (notice,) = notices
    assert (notice.code, notice.path) == ("webhook_route_invalid", "platforms.webhook.routes.bad")
    assert path in notice.text
    assert notice.location.line == 5


def test_a_secret_whose_variable_is_not_set_is_no_secret(load):
    config = "platforms: {webhook: {enabled: true, secret: '${ALL}', routes: {a: {secret: '${OWN}'}, b: {}}}}"
    webhook, notices = load(config)
    assert (webhook.secret, list(webhook.routes)) == ("", ["b"])
    by_code = {notice.code: notice.text for notice in notices}
    assert "OWN is not set" in by_code["webhook_route_invalid"]
    assert "ALL is not set" in by_code["value_ignored"]
    webhook, notices = load(config, "ALL=one\nOWN=two\n")
    assert (webhook.secret, webhook.routes["a"].secret, notices) == ("one", "two", ())


@pytest.mark.parametrize("name", ["a:b", "a/b", "..", "two words", "a" * 65])
def test_a_name_that_is_no_part_of_a_path_is_no_route(load, name):
    webhook, notices = load(f"webhook: {{enabled: true, routes: {{'{name}': {{}}, good_1.x: {{}}}}}}")
    assert list(webhook.routes) == ["good_1.x"]
    assert [notice.code for notice in notices] == ["webhook_route_invalid"]


def test_a_bound_route_never_has_the_secret_of_all_routes():
    assert WebhookRoute("r").secret_or("global") == "global"
    assert WebhookRoute("r", profile="ada").secret_or("global") == ""
    assert WebhookRoute("r", profile="ada", secret="own").secret_or("global") == "own"


def test_secrets_do_not_print():
    route = WebhookRoute("r", secret="CANARY")
    assert "CANARY" not in f"{route!r}{WebhookConfig(secret='CANARY', routes={'r': route})!r}"


def parse(path, value):
    return parse_subscriptions(json.dumps(value).encode(), path)


def test_a_subscription_is_read_like_a_route_of_the_settings(tmp_path):
    path = tmp_path / "webhook_subscriptions.json"
    found = parse(
        path,
        {
            "deploys": {
                "description": "d",
                "events": ["a"],
                "secret": "s",
                "prompt": "p",
                "skills": [],
                "deliver": "log",
                "created_at": "2026-01-01T00:00:00",
                "profile": "ada",
                "filters": [{"field": "x", "equals": 1}],
            }
        },
    )
    route = found.routes["deploys"]
    assert (route.profile, route.secret, route.events, route.deliver_only) == ("ada", "s", ("a",), False)
    assert found.notices == ()


def test_a_subscription_that_cannot_be_read_harms_no_other(tmp_path):
    found = parse(tmp_path / "f", {"good": {}, "bad": {"events": {}}, "Bad Name": {}, "text": "x"})
    assert list(found.routes) == ["good"]
    assert len(found.notices) == 3


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_file_that_is_no_object_is_an_error(tmp_path, content):
    with pytest.raises(SubscriptionsError):
        parse_subscriptions(content, tmp_path / "f")


def test_no_file_and_an_empty_one_have_no_routes(tmp_path):
    assert parse_subscriptions(None, tmp_path / "f").routes == {}
    assert parse_subscriptions(b"  ", tmp_path / "f").routes == {}


def test_an_edit_keeps_what_it_does_not_know_and_the_file_private(tmp_path):
    path = tmp_path / "webhook_subscriptions.json"
    path.write_text(json.dumps({"old": {"secret": "s", "of_the_future": [1]}, "odd": 7}))
    path.chmod(0o644)
    edit_subscriptions(path, lambda values: values.update(new={"prompt": "gr\u00fc\u00dfe"}))
    assert json.loads(path.read_text()) == {
        "old": {"secret": "s", "of_the_future": [1]},
        "odd": 7,
        "new": {"prompt": "gr\u00fc\u00dfe"},
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_broken_file_is_not_edited(tmp_path):
    path = tmp_path / "webhook_subscriptions.json"
    path.write_text("{")
    with pytest.raises(SubscriptionsError):
        edit_subscriptions(path, lambda values: values.clear())
    assert path.read_text() == "{"
