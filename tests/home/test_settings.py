from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from hermes_trio.errors import ConfigError, HomeError, SecretsError
from hermes_trio.home.settings import ProfileSettings, load_profile_settings

if TYPE_CHECKING:
    from hermes_trio.home.paths import HomePaths

Load = Callable[..., ProfileSettings]


def test_a_profile_without_files_has_defaults(home: HomePaths) -> None:
    settings = load_profile_settings(home, "default", {})
    assert settings.config.model.name == ""
    assert dict(settings.sources) == {}


def test_every_given_setting_knows_its_file_and_line(load: Load) -> None:
    settings = load("model:\n  default: m\nagent: {max_turns: 5}\n")
    assert str(settings.sources["model.default"]) == f"{settings.paths.config}:2"
    assert settings.sources["agent.max_turns"].line == 3
    assert set(settings.sources) == {"model", "model.default", "agent", "agent.max_turns"}
    assert len(settings.sources) == 4
    assert "agent.gateway_timeout" not in settings.sources


def test_variables_of_the_profile_are_put_into_its_settings(load: Load) -> None:
    settings = load("model: {default: '${NAME}-x', base_url: 'http://${HOST}:${PORT}'}\n", "NAME=m\nHOST=h\nPORT=1\n")
    assert settings.config.model.name == "m-x"
    assert settings.config.model.base_url == "http://h:1"
    assert settings.config.raw["model"]["default"] == "m-x"  # type: ignore[index]


def test_an_unset_variable_stays_and_is_remarked(load: Load) -> None:
    config = load("model:\n  default: m\n  api_key: ${NO_SUCH}\n").config
    assert config.model.api_key == "${NO_SUCH}"
    (notice,) = config.notices
    assert (notice.code, notice.path, notice.location.line) == ("unset_variable", "model.api_key", 3)
    assert "NO_SUCH" in notice.text


def test_the_process_environment_feeds_the_default_profile_only(load: Load) -> None:
    environ = {"NAME": "from-process", "API_SERVER_PORT": "9999"}
    default = load("model: ${NAME}\n", name="default", environ=environ)
    coder = load("model: ${NAME}\n", name="coder", environ=environ)
    assert (default.config.model.name, default.config.api_server.port) == ("from-process", 9999)
    assert (coder.config.model.name, coder.config.api_server.port) == ("${NAME}", 8642)
    assert coder.secrets.names() == frozenset()


def test_the_real_process_environment_is_never_read(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_NAME", "leaked")
    monkeypatch.setenv("API_SERVER_PORT", "1")
    settings = load("model: ${CANARY_NAME}\n", name="default")
    assert settings.config.model.name == "${CANARY_NAME}"
    assert settings.config.api_server.port == 8642
    assert os.environ["CANARY_NAME"] == "leaked"


def test_one_profile_never_sees_the_variables_of_another(load: Load) -> None:
    load("model: ${NAME}\n", "NAME=one\n", name="one")
    assert load("model: ${NAME}\n", "", name="two").config.model.name == "${NAME}"


def test_literal_secrets_of_the_settings_are_redacted_too(load: Load) -> None:
    settings = load(
        "providers: {p: {api_key: literal-key-1, key_env: SOME_VARIABLE}}\ntelegram: {token: literal-token}\n"
        "platforms: {x: {accounts: [{password: literal-password}]}}\n"
        "model: {default: harmless-name, api_key: '${UNSET_NAME}'}\n",
        "P_TOKEN=variable-token\n",
    )
    assert set(settings.secrets.values_to_redact()) == {
        "literal-key-1", "literal-token", "literal-password", "variable-token",
    }  # fmt: skip


def test_a_key_given_twice_is_remarked(load: Load) -> None:
    config = load("model: a\nmodel: b\n").config
    assert config.model.name == "b"
    assert [(notice.code, notice.location.line) for notice in config.notices] == [("duplicate_key", 2)]


def test_a_skipped_line_of_the_env_file_is_remarked_without_quoting_it(load: Load) -> None:
    (notice,) = load("", "A=1\nhunter2 is my password\n").config.notices
    assert (notice.code, str(notice.location).endswith(".env:2")) == ("line_skipped", True)
    assert "hunter2" not in repr(notice)


def test_a_secret_put_into_a_wrong_place_does_not_show_in_the_error(load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load("agent: {max_turns: '${BOT_TOKEN}'}\n", "BOT_TOKEN=hunter2\n")
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_an_unknown_profile_is_an_error_and_its_folder_is_not_made(home: HomePaths) -> None:
    with pytest.raises(HomeError) as caught:
        load_profile_settings(home, "nobody", {})
    assert caught.value.code == "unknown_profile"
    assert not home.profiles.exists()


def test_a_missing_home_is_an_error_with_its_own_code(home: HomePaths) -> None:
    home.root.rmdir()
    with pytest.raises(HomeError) as caught:
        load_profile_settings(home, "default", {})
    assert caught.value.code == "home_missing"


def test_loading_writes_nothing(load: Load, home: HomePaths) -> None:
    load("model: m\n")
    before = sorted(path.as_posix() for path in home.root.rglob("*"))
    load_profile_settings(home, "coder", {})
    assert sorted(path.as_posix() for path in home.root.rglob("*")) == before


def test_broken_secrets_are_told_from_broken_settings(load: Load, home: HomePaths) -> None:
    load()
    home.profile("coder").config.write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigError, match=r"config\.yaml:1.*UTF-8"):
        load_profile_settings(home, "coder", {})
    home.profile("coder").env.write_bytes(b"\xff")
    with pytest.raises(SecretsError):
        load_profile_settings(home, "coder", {})


def test_settings_in_utf16_are_read(load: Load, home: HomePaths) -> None:
    load()
    home.profile("coder").config.write_text("model: m\n", encoding="utf-16")
    assert load_profile_settings(home, "coder", {}).config.model.name == "m"


def test_a_file_far_too_large_is_refused(load: Load, home: HomePaths) -> None:
    load()
    with home.profile("coder").config.open("r+b") as file:
        file.truncate(5_000_000)
    with pytest.raises(ConfigError, match="too large"):
        load_profile_settings(home, "coder", {})


def test_a_link_in_a_circle_is_an_error(load: Load, home: HomePaths) -> None:
    load()
    config = home.profile("coder").config
    config.unlink()
    config.symlink_to(config)
    with pytest.raises(ConfigError, match="circle"):
        load_profile_settings(home, "coder", {})


def test_a_setting_that_a_variable_overrides_is_listed_once_with_the_variable(load: Load) -> None:
    settings = load("platforms: {api_server: {extra: {port: 1}}}\n", "API_SERVER_PORT=2\nAPI_SERVER_HOST=h\n")
    paths = list(settings.sources)
    assert len(paths) == len(set(paths)) == len(settings.sources) == 5
    assert settings.sources["platforms.api_server.extra.port"].file == settings.paths.env
