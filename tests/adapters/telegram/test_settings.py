from __future__ import annotations

import importlib.metadata

import pytest

from hermes_trio.adapter_api import ENTRY_POINT_GROUP, ConfigError, CredentialMissing
from hermes_trio_adapters.telegram import make_adapter
from hermes_trio_adapters.telegram.settings import load_settings
from tests.adapters.telegram.rig import TOKEN, make_config


def load(extra=None, variables=None, token=TOKEN):
    return load_settings("ada", make_config(extra, variables, token))


def test_the_adapter_is_found_by_its_entry_point():
    (point,) = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name="telegram")
    assert point.load() is make_adapter


def test_telegrams_own_server_is_the_usual_one():
    settings = load()
    assert settings.method_base == f"https://api.telegram.org/bot{TOKEN}/"
    assert settings.file_base == f"https://api.telegram.org/file/bot{TOKEN}/"
    assert settings.official
    assert settings.webhook is None
    assert settings.link_previews
    assert not settings.reactions


@pytest.mark.parametrize(
    "base", ["http://host:81/bot", "http://host:81/bot/", "http://host:81", "http://host:81/bot{token}"]
)
def test_a_server_of_ones_own(base):
    settings = load({"base_url": base})
    assert settings.method_base == f"http://host:81/bot{TOKEN}/"
    assert settings.file_base == f"http://host:81/file/bot{TOKEN}/"
    assert not settings.official


@pytest.mark.parametrize(
    ("base", "files"),
    [
        ("http://bots.test/api/{token}", f"http://bots.test/file/api/{TOKEN}/"),
        ("http://bots.test/bot{token}/test", f"http://bots.test/file/bot{TOKEN}/test/"),
    ],
)
def test_the_token_goes_to_no_other_host_for_files(base, files):
    assert load({"base_url": base}).file_base == files


@pytest.mark.parametrize(
    "base", ["http://ada:pass@host/bot", "http://host/bot?a=b", "http://host/bot#a", "http://a b/"]
)
@pytest.mark.parametrize("key", ["base_url", "base_file_url"])
def test_a_server_whose_address_would_not_be_used_as_it_is_is_refused(key, base):
    with pytest.raises(ConfigError, match=f"extra.{key}") as caught:
        load({key: base})
    assert "pass@" not in str(caught.value)


def test_files_may_come_from_somewhere_else():
    assert load({"base_file_url": "http://files/file/bot"}).file_base == f"http://files/file/bot{TOKEN}/"


def test_the_token_may_stand_in_the_variables():
    assert load(token="", variables={"TELEGRAM_BOT_TOKEN": f" {TOKEN} "}).token == TOKEN


def test_without_a_token_it_says_where_to_put_one():
    with pytest.raises(CredentialMissing, match="TELEGRAM_BOT_TOKEN"):
        load(token="")


def test_the_token_shows_nowhere():
    settings = load({"proxy": "http://user:pass@proxy"}, {"TELEGRAM_WEBHOOK_URL": "https://a.b/c"})
    assert TOKEN not in repr(settings)
    assert settings.webhook.secret not in repr(settings)
    assert "pass" not in repr(settings)


def test_an_odd_token_cannot_lead_elsewhere():
    assert load(token="../x?y#z").method_base == "https://api.telegram.org/bot..%2Fx%3Fy%23z/"


@pytest.mark.parametrize("value", ["host", "ftp://host", "http://", "http://host:port"])
@pytest.mark.parametrize("key", ["base_url", "base_file_url", "webhook_url"])
def test_what_is_no_address_is_refused(key, value):
    with pytest.raises(ConfigError, match=f"platforms.telegram.extra.{key}") as caught:
        load({key: value})
    assert caught.value.found != value


def test_variables_win_over_the_configuration():
    settings = load({"webhook_url": "https://a.b/c", "reactions": False}, {"TELEGRAM_REACTIONS": "1"})
    assert settings.webhook.url == "https://a.b/c"
    assert settings.reactions


def test_a_secret_is_made_where_none_is_given():
    first, second = (load({"webhook_url": "https://a.b/c"}).webhook.secret for _ in range(2))
    assert first != second
    assert len(first) > 30


def test_a_secret_that_telegram_would_not_take_is_refused():
    with pytest.raises(ConfigError, match="TELEGRAM_WEBHOOK_SECRET"):
        load(variables={"TELEGRAM_WEBHOOK_URL": "https://a.b/c", "TELEGRAM_WEBHOOK_SECRET": "with space"})


def test_a_flag_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="TELEGRAM_REACTIONS"):
        load(variables={"TELEGRAM_REACTIONS": "perhaps"})


@pytest.mark.parametrize(
    ("given", "url"), [("proxy:3128", "http://proxy:3128"), ("https://a:b@proxy:1", "https://a:b@proxy:1")]
)
def test_a_proxy_for_telegram_alone(given, url):
    assert load(variables={"TELEGRAM_PROXY": given}).proxy == url


def test_a_proxy_that_cannot_be_used_is_not_passed_by():
    with pytest.raises(ConfigError, match="SOCKS is not supported") as caught:
        load(variables={"TELEGRAM_PROXY": "socks5://user:secret@proxy:1080"})
    assert "secret" not in str(caught.value)
