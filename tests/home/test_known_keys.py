from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_trio.home.chat_config import ChatConfig
from hermes_trio.home.config import AgentConfig, ProfileConfig
from hermes_trio.home.settings import ProfileSettings

Load = Callable[..., ProfileSettings]


def unknown(load: Load, text: str) -> list[tuple[str, str | None]]:
    return [(key.path, key.suggestion) for key in load(text).config.unknown_keys]


@pytest.mark.parametrize(
    ("text", "path", "suggestion"),
    [
        ("modle: m\n", "modle", "model"),
        ("Model: m\n", "Model", "model"),
        ("max-concurrent-sessions: 1\n", "max-concurrent-sessions", "max_concurrent_sessions"),
        ("max_turns: 5\n", "max_turns", "agent.max_turns"),
        ("quite_different: 5\n", "quite_different", None),
        ("model: {defualt: m}\n", "model.defualt", "model.default"),
        ("gateway: {standalon: true}\n", "gateway.standalon", "gateway.standalone"),
        ("agent: {max_turn: 5}\n", "agent.max_turn", "agent.max_turns"),
        ("providers: {p: {base_ulr: x}}\n", "providers.p.base_ulr", "providers.p.base_url"),
        ("platforms: {telegramm: {}}\n", "platforms.telegramm", "platforms.telegram"),
        ("telegram: {allow_form: [1]}\n", "telegram.allow_form", "telegram.allow_from"),
        ("platforms: {irc: {allow_form: [1]}}\n", "platforms.irc.allow_form", "platforms.irc.allow_from"),
        (
            "display: {platforms: {irc: {tool_progres: new}}}\n",
            "display.platforms.irc.tool_progres",
            "display.platforms.irc.tool_progress",
        ),
    ],
)
def test_a_typing_error_is_reported_with_what_was_meant(
    load: Load, text: str, path: str, suggestion: str | None
) -> None:
    assert unknown(load, text) == [(path, suggestion)]


def test_an_unknown_key_has_its_line_and_is_kept(load: Load) -> None:
    config = load("model: m\nfoo: {bar: 1}\n").config
    assert config.unknown_keys[0].location.line == 2
    assert config.raw["foo"]["bar"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    "text",
    [
        "_config_version: 33\nmodel: m\ntoolsets: [hermes-cli]\nauxiliary: {vision: {provider: auto}}\n",
        "gateway: {multiplex_profiles: true, api_server: {max_concurrent_runs: 0}, restart_loop_guard: {x: 3}}\n",
        "telegram: {anything: 1, extra: {rich_messages: false}}\ndiscord: {auto_thread: true}\n",
        "platforms: {telegram: {enabled: true, base_url: x, extra: {whatever: 1}}}\n",
        "personalities: {pirate: Arr}\nquick_commands: {up: {type: exec}}\nhooks: {x: [{command: y}]}\n",
        "mcp_servers: {fs: {a: b}}\n",
        "agent: {disabled_toolsets: [], something_of_a_later_version: 1}\ndisplay: {skin: dark}\n",
        "terminal: {docker_image: x}\nsession_reset: {mode: daily}\nstt: {enabled: true}\n",
        "providers: {bench: {name: b, base_url: x, key_env: K, default_model: m, rate_limit_delay: 1}}\n",
        "42: number\n",
    ],
)
def test_what_hermes_knows_and_free_sections_are_not_unknown(load: Load, text: str) -> None:
    assert [path for path, _ in unknown(load, text) if path != "42"] == []


def test_a_file_with_every_default_of_hermes_written_out_has_no_unknown_key_and_no_remark(load: Load) -> None:
    config = load((Path(__file__).parent / "hermes_defaults.yaml").read_text()).config
    assert (config.unknown_keys, config.notices) == ((), ())
    assert dataclasses.replace(config, raw={}, agent=AgentConfig(), platforms={}, chat=ChatConfig()) == ProfileConfig(
        raw={}
    )
    assert dataclasses.replace(config.chat, platform_display={}) == ChatConfig()
    assert not any(platform.enabled for platform in config.platforms.values())
    assert config.agent == AgentConfig(restart_drain_timeout=0.0)
