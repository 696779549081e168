from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from hermes_trio.errors import ConfigError
from hermes_trio.home.config import (
    AgentConfig,
    ApiServerConfig,
    FallbackConfig,
    GatewayConfig,
    LoggingConfig,
    MemoryConfig,
    ModelConfig,
    ModelRoute,
    NetworkConfig,
)
from hermes_trio.home.settings import ProfileSettings

Load = Callable[..., ProfileSettings]


def test_an_empty_file_gives_the_defaults_of_hermes(load: Load) -> None:
    config = load().config
    assert config.model == ModelConfig()
    assert config.agent == AgentConfig(90, 1800.0, 3, "", None)
    assert config.memory == MemoryConfig(True, True, 2200, 1375)
    assert config.api_server == ApiServerConfig(False, False, "127.0.0.1", 8642)
    assert config.logging == LoggingConfig("INFO", 5.0, 3)
    assert config.network == NetworkConfig()
    assert config.gateway == GatewayConfig(None, None, False, True, 2048)
    assert (config.max_concurrent_sessions, config.timezone, config.providers) == (64, "", ())


# model


def test_the_model_may_be_just_its_name(load: Load) -> None:
    assert load("model: builtin/echo\n").config.model == ModelConfig(name="builtin/echo")


def test_a_model_name_that_looks_like_a_number_stays_as_written(load: Load) -> None:
    assert load("model: 4.10\n").config.model.name == "4.10"


def test_the_model_may_be_a_mapping(load: Load) -> None:
    text = "model:\n  default: m\n  provider: p\n  base_url: http://x\n  api_key: k\n  api_mode: a\n"
    model = load(text + "  context_length: '200000'\n  max_tokens: 4096\n").config.model
    assert model == ModelConfig("m", "p", "http://x", "k", "a", 200000, 4096)


@pytest.mark.parametrize("key", ["default", "model", "name"])
def test_the_models_name_has_aliases(load: Load, key: str) -> None:
    assert load(f"model: {{{key}: m}}\n").config.model.name == "m"


def test_the_models_address_has_an_alias(load: Load) -> None:
    assert load("model: {api_base: http://x}\n").config.model.base_url == "http://x"


@pytest.mark.parametrize("model", ["m", "{default: m}"])
def test_old_keys_at_top_level_fill_what_the_model_leaves_open(load: Load, model: str) -> None:
    config = load(f"model: {model}\nprovider: p\nbase_url: http://x\ncontext_length: 1000\n").config
    assert config.model == ModelConfig("m", "p", "http://x", context_length=1000)


def test_the_model_itself_wins_over_old_keys(load: Load) -> None:
    config = load(
        "model: {default: m, provider: a, base_url: http://a, context_length: 1}\nprovider: b\nbase_url: http://b\n"
    ).config
    assert (config.model.provider, config.model.base_url, config.model.context_length) == ("a", "http://a", 1)


def test_the_provider_may_come_from_a_variable_when_the_settings_name_none(load: Load) -> None:
    env = "HERMES_INFERENCE_PROVIDER=openrouter\n"
    settings = load("model: m\n", env)
    assert settings.config.model.provider == "openrouter"
    assert str(settings.sources["model.provider"]).endswith(".env:1")
    assert load("model: {provider: p}\n", env).config.model.provider == "p"


def test_a_list_as_model_is_an_error(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:1 model: .*found a list"):
        load("model: [a, b]\n")


# providers


def test_providers_are_a_mapping_with_aliases(load: Load) -> None:
    text = """
providers:
  one:
    api: http://one/v1
    api_key_env: ONE_KEY
    transport: chat_completions
    model: m1
    models: {m1: {}, m2: {}}
    extra_headers: {X-One: 1}
    extra_body: {a: {b: [1]}}
    request_timeout_seconds: "30"
    stale_timeout_seconds: 5
    context_length: 1000
    ssl_verify: "no"
    ssl_ca_cert: /ca.pem
    enabled: off
  two: {name: Number Two, url: http://two, api_key: k, key_env: TWO, default_model: m}
  three:
"""
    one, two, three = load(text).config.providers
    assert (one.key, one.name, one.origin, one.base_url, one.key_env) == (
        "one",
        "one",
        "providers",
        "http://one/v1",
        "ONE_KEY",
    )
    assert (one.api_mode, one.default_model, one.models) == ("chat_completions", "m1", ("m1", "m2"))
    assert dict(one.extra_headers) == {"X-One": "1"}
    assert one.extra_body["a"]["b"] == (1,)  # type: ignore[index]
    assert (one.request_timeout_seconds, one.stale_timeout_seconds, one.context_length) == (30.0, 5.0, 1000)
    assert (one.ssl_verify, one.ssl_ca_cert, one.enabled) == (False, "/ca.pem", False)
    assert (two.key, two.name, two.base_url, two.api_key, two.default_model) == (
        "two",
        "Number Two",
        "http://two",
        "k",
        "m",
    )
    assert (three.key, three.ssl_verify, three.enabled) == ("three", True, True)


def test_a_zero_means_no_timeout_and_no_known_length(load: Load) -> None:
    text = "model: {context_length: 0, max_tokens: 0}\n"
    text += "providers: {p: {request_timeout_seconds: 0, stale_timeout_seconds: 0, context_length: 0}}\n"
    config = load(text).config
    assert (config.model.context_length, config.model.max_tokens) == (None, None)
    (found,) = config.providers
    assert (found.request_timeout_seconds, found.stale_timeout_seconds, found.context_length) == (None, None, None)


def test_custom_providers_are_a_list(load: Load) -> None:
    config = load("custom_providers:\n  - {name: mine, base_url: http://x, model: m}\n").config
    (mine,) = config.providers
    assert (mine.key, mine.origin, mine.base_url, mine.default_model) == ("mine", "custom_providers", "http://x", "m")


def test_a_custom_provider_without_a_name_is_left_out_and_remarked(load: Load) -> None:
    config = load("custom_providers:\n  - base_url: http://x\n").config
    assert config.providers == ()
    assert [(notice.code, notice.path) for notice in config.notices] == [("value_ignored", "custom_providers[0].name")]


def test_fallbacks_come_in_order_with_the_older_form_last(load: Load) -> None:
    text = "fallback_model: {provider: c, model: m3}\nfallback_providers:\n"
    text += "  - {provider: a, model: m1, base_url: http://a, api_key: k}\n  - {provider: b, model: m2, key_env: B}\n"
    assert load(text).config.fallback_providers == (
        FallbackConfig("a", "m1", "http://a", "k"),
        FallbackConfig("b", "m2", key_env="B"),
        FallbackConfig("c", "m3"),
    )


def test_a_fallback_without_provider_or_model_is_left_out(load: Load) -> None:
    config = load("fallback_providers: [{provider: a}, {model: m}]\n").config
    assert config.fallback_providers == ()
    assert len(config.notices) == 2


# api server


@pytest.mark.parametrize(
    "text",
    [
        "platforms: {api_server: {extra: {port: 9000}}}\n",
        "platforms: {api_server: {port: '9000'}}\n",
        "gateway: {platforms: {api_server: {extra: {port: 9000}}}}\n",
        "api_server: {port: 9000}\n",
        "gateway: {platforms: {api_server: {extra: {port: 1}}}}\nplatforms: {api_server: {extra: {port: 9000}}}\n",
    ],
)
def test_the_port_may_stand_in_all_the_places_hermes_looks(load: Load, text: str) -> None:
    assert load(text).config.api_server.port == 9000


def test_platform_sections_are_merged_key_by_key(load: Load) -> None:
    text = "gateway: {platforms: {api_server: {extra: {port: 1, host: 0.0.0.0}}}}\n"
    text += "platforms: {api_server: {extra: {port: 2}}}\n"
    api = load(text).config.api_server
    assert (api.host, api.port) == ("0.0.0.0", 2)


def test_variables_win_over_the_settings(load: Load) -> None:
    text = "platforms: {api_server: {extra: {key: a, host: a, port: 1, cors_origins: [a], model_name: a}}}\n"
    env = "API_SERVER_KEY=b\nAPI_SERVER_HOST=b\nAPI_SERVER_PORT=2\n"
    env += "API_SERVER_CORS_ORIGINS=b, c\nAPI_SERVER_MODEL_NAME=b\n"
    settings = load(text, env)
    assert settings.config.api_server == ApiServerConfig(True, False, "b", 2, "b", ("b", "c"), "b")
    assert settings.sources["platforms.api_server.extra.port"].line == 3


@pytest.mark.parametrize(
    ("config", "env", "enabled"),
    [
        ("", "", False),
        ("", "API_SERVER_ENABLED=true", True),
        ("", "API_SERVER_KEY=k", True),
        ("platforms: {api_server: {enabled: true}}", "", True),
        ("platforms: {api_server: {enabled: false}}", "API_SERVER_KEY=k", False),
        ("platforms: {api_server: {enabled: false}}", "API_SERVER_ENABLED=true", False),
        ("platforms: {api_server: {enabled: true}}", "API_SERVER_ENABLED=off", False),
        ("gateway: {platforms: {api_server: {enabled: 'no'}}}", "API_SERVER_KEY=k", False),
        ("platforms: {api_server: {extra: {key: k}}}", "", True),
    ],
)
def test_a_key_switches_the_interface_on_and_any_no_switches_it_off(
    load: Load, config: str, env: str, enabled: bool
) -> None:
    assert load(config, env).config.api_server.enabled is enabled


@pytest.mark.parametrize(
    ("env", "codes"), [("API_SERVER_ENABLED=yes", ["value_ignored"]), ("API_SERVER_ENABLED=no", [])]
)
def test_settings_and_variable_that_disagree_are_remarked(load: Load, env: str, codes: list[str]) -> None:
    config = load("platforms: {api_server: {enabled: false}}\n", env).config
    assert [notice.code for notice in config.notices] == codes


def test_explicitly_off_is_told_from_merely_not_on(load: Load) -> None:
    assert load("platforms: {api_server: {enabled: false}}").config.api_server.switched_off
    assert not load("").config.api_server.switched_off


@pytest.mark.parametrize("port", ["http", "70000", "-1", "80.5"])
def test_a_wrong_port_in_a_variable_is_an_error_with_its_line(load: Load, port: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("", f"A=1\nAPI_SERVER_PORT={port}\n")
    assert str(caught.value.where).endswith("/.env:2 API_SERVER_PORT")
    assert caught.value.expected == "a whole number from 0 to 65535"


def test_a_wrong_variable_of_the_process_is_named_as_such(load: Load) -> None:
    with pytest.raises(ConfigError, match="process environment API_SERVER_PORT"):
        load(name="default", environ={"API_SERVER_PORT": "x"})


def test_a_wrong_port_in_the_settings_is_an_error_with_its_line(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:4 platforms\.api_server\.extra\.port"):
        load("platforms:\n  api_server:\n    extra:\n      port: high\n")


def test_model_routes_may_be_names_or_mappings(load: Load) -> None:
    text = "platforms: {api_server: {extra: {model_routes: {fast: m1, gpt-4.1: {model: m2, provider: p, base_url: http://x}}}}}\n"
    assert load(text).config.api_server.model_routes == (
        ModelRoute("fast", "m1"),
        ModelRoute("gpt-4.1", "m2", "p", "http://x"),
    )


# gateway, both places


@pytest.mark.parametrize("prefix", ["", "gateway:\n  "])
def test_gateway_keys_may_stand_at_top_level_or_under_gateway(load: Load, prefix: str) -> None:
    assert load(f"{prefix}max_concurrent_sessions: 3\n").config.max_concurrent_sessions == 3
    assert load(f"{prefix}max_concurrent_turns: '5'\n").config.gateway.max_concurrent_turns == 5
    assert load(f"{prefix}write_sessions_json: false\n").config.gateway.write_sessions_json is False
    assert load(f"{prefix}standalone: true\n").config.gateway.standalone is True
    assert load(f"{prefix}multiplex_profiles: 'yes'\n").config.gateway.multiplex_profiles is True
    assert load(f"{prefix}multiplex_profile_allowlist: [b, A, b]\n").config.gateway.multiplex_profile_allowlist == (
        "b",
        "a",
    )


def test_the_top_level_wins_and_the_shadowed_key_is_remarked(load: Load) -> None:
    config = load("gateway:\n  max_concurrent_sessions: 3\nmax_concurrent_sessions: 5\n").config
    assert config.max_concurrent_sessions == 5
    (notice,) = config.notices
    assert (notice.code, notice.path, notice.location.line) == ("shadowed_key", "gateway.max_concurrent_sessions", 2)


@pytest.mark.parametrize("written", ["null", "0", ""])
def test_no_limit_means_the_default_limit(load: Load, written: str) -> None:
    config = load(f"max_concurrent_sessions: {written}\nmax_concurrent_turns: {written}\n").config
    assert (config.max_concurrent_sessions, config.gateway.max_concurrent_turns) == (64, 2048)


@pytest.mark.parametrize("written", ["coder", "[coder, 5]", "{coder: true}", "[../etc]", "7", "''"])
def test_a_malformed_allowlist_lets_nobody_in(load: Load, written: str) -> None:
    config = load(f"multiplex_profile_allowlist: {written}\n").config
    assert config.gateway.multiplex_profile_allowlist == ()
    assert [notice.code for notice in config.notices] == ["value_ignored"]


def test_an_empty_allowlist_is_not_the_absence_of_one(load: Load) -> None:
    assert load("multiplex_profile_allowlist: []\n").config.gateway.multiplex_profile_allowlist == ()
    assert load("multiplex_profile_allowlist: null\n").config.gateway.multiplex_profile_allowlist is None


# others


@pytest.mark.parametrize(
    ("written", "read"), [("", None), ("restart_drain_timeout: 0", 0.0), ("restart_drain_timeout: '90'", 90.0)]
)
def test_a_drain_timeout_of_zero_is_not_the_absence_of_one(load: Load, written: str, read: float | None) -> None:
    assert load(f"agent:\n  max_turns: 9\n  {written}\n").config.agent.restart_drain_timeout == read


@pytest.mark.parametrize(("written", "level"), [("debug", "DEBUG"), ("WARN", "WARNING"), ("loud", "INFO")])
def test_log_levels_are_read_in_any_case_and_an_unknown_one_is_remarked(load: Load, written: str, level: str) -> None:
    config = load(f"logging: {{level: {written}}}\n").config
    assert config.logging.level == level
    assert bool(config.notices) is (written == "loud")


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_proxy_comes_from_the_profiles_own_variables(load: Load, name: str) -> None:
    settings = load("", f"{name}=http://proxy:1\nNO_PROXY=a,b\n")
    assert (settings.config.network.proxy, settings.config.network.no_proxy) == ("http://proxy:1", "a,b")
    assert settings.sources["network.proxy"].line == 1


def test_the_settings_name_another_proxy_than_the_variables(load: Load) -> None:
    config = load("network: {proxy: http://mine, no_proxy: [x, y]}\n", "https_proxy=http://other\n").config
    assert (config.network.proxy, config.network.no_proxy) == ("http://mine", "x,y")


def test_a_time_zone_must_exist(load: Load) -> None:
    assert load("timezone: Europe/Berlin\n").config.timezone == "Europe/Berlin"
    for wrong in ("Mars/Base", "../../etc/passwd", "Europe"):
        config = load(f"timezone: {wrong}\n").config
        assert config.timezone == ""
        assert config.notices[0].path == "timezone"


def test_a_wrong_value_in_a_setting_nobody_reads_harms_nobody(load: Load) -> None:
    text = "model: m\nhoncho: [x]\nterminal: {container_disk: soon}\ncron: off\nhuman_delay: x\n"
    assert load(text).config.model.name == "m"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("agent: 5\n", ":1 agent"),
        ("agent:\n  max_turns: many\n", ":2 agent.max_turns"),
        ("agent:\n  max_turns: 0\n", ":2 agent.max_turns"),
        ("memory: {memory_enabled: perhaps}\n", ":1 memory.memory_enabled"),
        ("logging: {max_size_mb: -1}\n", ":1 logging.max_size_mb"),
        ("providers: [a]\n", ":1 providers"),
        ("providers: {a: http://x}\n", ":1 providers.a"),
        ("custom_providers:\n  - x\n", ":2 custom_providers[0]"),
        ("gateway: yes\n", ":1 gateway"),
        ("standalone: perhaps\n", ":1 standalone"),
        ("platforms: {api_server: 1}\n", ":1 platforms.api_server"),
        ("model: {context_length: 200k}\n", ":1 model.context_length"),
        ("max_concurrent_sessions: -1\n", ":1 max_concurrent_sessions"),
    ],
)
def test_a_wrong_value_in_a_setting_in_use_is_an_error_with_its_place(load: Load, text: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value.where).endswith("config.yaml" + where)
    assert caught.value.profile == "coder"
    assert caught.value.found
    assert caught.value.expected


def test_settings_cannot_be_changed(load: Load) -> None:
    config = load("a: {b: [{c: 1}]}\n").config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.timezone = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.raw["a"]["b"][0]["c"] = 2  # type: ignore[index]


def test_printing_the_settings_shows_no_secret(load: Load) -> None:
    canary = "hunter2-canary"
    text = f"""
model: {{default: m, api_key: {canary}}}
providers: {{p: {{api_key: {canary}, extra_headers: {{Authorization: {canary}}}, extra_body: {{key: {canary}}}}}}}
fallback_providers: [{{provider: p, model: m, api_key: {canary}}}]
platforms: {{api_server: {{extra: {{key: {canary}}}}}, telegram: {{token: {canary}}}}}
network: {{proxy: "http://u:{canary}@host"}}
"""
    settings = load(text, f"OTHER_TOKEN={canary}\n")
    assert canary not in f"{settings!r} {settings.config} {settings.config.model}"
