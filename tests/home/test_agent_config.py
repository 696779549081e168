from __future__ import annotations

from collections.abc import Callable

import pytest

from hermes_trio.errors import ConfigError
from hermes_trio.home.agent_config import (
    ApprovalsConfig,
    AuxiliaryConfig,
    BudgetConfig,
    CompressionConfig,
    DelegationConfig,
    EgressConfig,
    McpServerConfig,
    PriceConfig,
    SecurityConfig,
    ShellHookConfig,
    SkillsConfig,
    TerminalConfig,
    ToolOutputConfig,
    WebConfig,
)
from hermes_trio.home.settings import ProfileSettings
from tests.rig import canary

Load = Callable[..., ProfileSettings]


def test_an_empty_file_gives_the_defaults_of_hermes(load: Load) -> None:
    config = load().config
    assert config.terminal == TerminalConfig("local", ".", 180.0, "auto", (), persistent_shell=True)
    assert (config.terminal.container_cpu, config.terminal.container_memory) == (1.0, 5120)
    assert (config.terminal.daemon_term_grace_seconds, config.terminal.docker_network) == (2.0, True)
    assert config.tool_output == ToolOutputConfig(50_000, 2000, 2000)
    assert config.approvals == ApprovalsConfig("smart", 60.0, "deny", ())
    assert config.compression == CompressionConfig(True, 0.5, 0.2, 3, 20)
    assert config.delegation == DelegationConfig(50, 3, 1, 0.0, 24_000)
    assert config.skills == SkillsConfig((), {}, (), template_vars=True)
    assert config.security == SecurityConfig(False, True, EgressConfig("off", ()))
    assert config.web == WebConfig("", "", "", 30.0)
    assert (config.command_allowlist, config.platform_toolsets, config.disabled_toolsets) == ((), {}, ())
    assert (config.mcp_servers, config.hooks, config.hooks_auto_accept, config.auxiliary) == ((), (), False, {})
    assert (config.budget, config.prices) == (None, {})
    assert (config.file_read_max_chars, config.context_file_max_chars, config.code_execution_mode) == (
        100_000,
        None,
        "project",
    )
    assert config.agent.clarify_timeout == 3600.0
    assert config.agent.reasoning_effort == ""


@pytest.mark.parametrize(("written", "effort"), [("High", "high"), ("false", "none"), ("none", "none"), ("", "")])
def test_how_hard_the_model_is_to_think(load: Load, written: str, effort: str) -> None:
    assert load(f"agent: {{reasoning_effort: {written}}}").config.agent.reasoning_effort == effort


def test_an_effort_that_nobody_knows_is_remarked(load: Load) -> None:
    config = load("agent:\n  reasoning_effort: hihg\n").config
    (notice,) = config.notices
    assert config.agent.reasoning_effort == ""
    assert (notice.code, notice.path, notice.location.line) == ("value_ignored", "agent.reasoning_effort", 2)


# terminal, limits, skills


def test_the_terminals_settings(load: Load) -> None:
    text = """
terminal:
  backend: Docker
  cwd: ~/work
  timeout: '30'
  home_mode: profile
  env_passthrough: [GITHUB_TOKEN, B]
  persistent_shell: false
  docker_image: python:3.11
  docker_volumes: ['/data:/data:ro']
  docker_env: {A: b, N: 1}
  docker_network: false
  container_cpu: 0.5
  container_memory: 512
  daemon_term_grace_seconds: 1
  shell_init_files: ~/.profile
"""
    assert load(text).config.terminal == TerminalConfig(
        backend="docker",
        cwd="~/work",
        timeout=30.0,
        home_mode="profile",
        env_passthrough=("GITHUB_TOKEN", "B"),
        persistent_shell=False,
        docker_image="python:3.11",
        docker_volumes=("/data:/data:ro",),
        docker_env={"A": "b", "N": "1"},
        docker_network=False,
        container_cpu=0.5,
        container_memory=512,
        daemon_term_grace_seconds=1.0,
        shell_init_files=("~/.profile",),
    )


def test_a_limit_of_nothing_is_the_usual_one(load: Load) -> None:
    config = load(
        "terminal: {timeout: 0}\ntool_output: {max_bytes: 0, max_lines: null}\nfile_read_max_chars: 0\n"
        "context_file_max_chars: 0\ncompression: {threshold: 0}\n"
    ).config
    assert (config.terminal.timeout, config.tool_output, config.file_read_max_chars) == (
        180.0,
        ToolOutputConfig(),
        100_000,
    )
    assert (config.context_file_max_chars, config.compression.threshold) == (None, 0.5)


def test_skills_and_toolsets_of_platforms(load: Load) -> None:
    config = load(
        "skills: {disabled: [a], platform_disabled: {telegram: [b, c], slack: null}, external_dirs: [~/s]}\n"
        "platform_toolsets: {telegram: [web, terminal], slack: [], discord: null}\n"
        "agent: {disabled_toolsets: [vision]}\n"
    ).config
    assert config.skills == SkillsConfig(("a",), {"telegram": ("b", "c")}, ("~/s",))
    assert config.platform_toolsets == {"telegram": ("web", "terminal"), "slack": ()}
    assert config.disabled_toolsets == ("vision",)


# approvals


@pytest.mark.parametrize(
    ("written", "mode"),
    [("off", "off"), ("on", "manual"), ("false", "off"), ("'off'", "off"), ("MANUAL", "manual"), ("null", "smart")],
)
def test_the_mode_of_approvals(load: Load, written: str, mode: str) -> None:
    assert load(f"approvals: {{mode: {written}}}\n").config.approvals.mode == mode


def test_an_unknown_mode_of_approvals_means_that_a_person_is_asked(load: Load) -> None:
    config = load("approvals: {mode: clever}\n").config
    assert config.approvals.mode == "manual"
    assert [notice.path for notice in config.notices] == ["approvals.mode"]


@pytest.mark.parametrize(("written", "mode"), [("approve", "approve"), ("Deny", "deny"), ("yes please", "deny")])
def test_jobs_may_do_dangerous_things_only_where_it_says_so(load: Load, written: str, mode: str) -> None:
    assert load(f"approvals: {{cron_mode: {written}}}\n").config.approvals.cron_mode == mode


def test_commands_in_lists_keep_their_commas(load: Load) -> None:
    config = load("approvals: {deny: ['echo a, b']}\ncommand_allowlist: [' ls -l, x ', '', rm_recursive]\n").config
    assert config.approvals.deny == ("echo a, b",)
    assert config.command_allowlist == ("ls -l, x", "rm_recursive")
    assert load("command_allowlist: 'git a, b'\n").config.command_allowlist == ("git a, b",)


# security


@pytest.mark.parametrize(
    ("written", "mode"),
    [("off", "off"), ("'off'", "off"), ("report", "report"), ("Enforce", "enforce"), ("null", "off")],
)
def test_the_mode_of_the_egress_policy(load: Load, written: str, mode: str) -> None:
    text = f"security: {{egress: {{mode: {written}, allow: [API.example.org, '*.x.org']}}}}\n"
    assert load(text).config.security.egress == EgressConfig(mode, ("api.example.org", "*.x.org"))


@pytest.mark.parametrize("written", ["enforced", "on", "true", "1"])
def test_an_egress_policy_that_nobody_understands_is_an_error_and_not_no_policy(load: Load, written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"model: m\nsecurity:\n  egress:\n    mode: {written}\n")
    assert ":4 security.egress.mode" in str(caught.value)


# budget


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        ("day", 86400),
        ("24h", 86400),
        ("90 m", 5400),
        ("7d", 604800),
        ("1w", 604800),
        ("month", 2592000),
        (60, 60),
        ("'60'", 60),
    ],
)
def test_a_budget(load: Load, window: object, seconds: float) -> None:
    text = f"budget: {{usd: 1.5, tokens: 1000000, turns: 100, window: {window}}}\n"
    assert load(text).config.budget == BudgetConfig(1.5, 1_000_000, 100, float(seconds))


def test_a_budget_of_nothing_is_a_budget(load: Load) -> None:
    assert load("budget: {usd: 0}\n").config.budget == BudgetConfig(usd=0.0)


@pytest.mark.parametrize("text", ["budget: {}\n", "budget: {window: day}\n", "budget: {usd: null}\n", "budget: null\n"])
def test_a_budget_that_limits_nothing_is_none(load: Load, text: str) -> None:
    assert load(text).config.budget is None


def test_prices_of_models(load: Load) -> None:
    config = load("budget:\n  prices:\n    my/model-1.5: {input: 0.5, output: 1}\n").config
    assert config.prices == {"my/model-1.5": PriceConfig(input=0.5, output=1.0)}
    assert config.unknown_keys == ()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("budget:\n  usd: much\n", ":2 budget.usd"),
        ("budget:\n  tokens: -1\n", ":2 budget.tokens"),
        ("budget:\n  window: soon\n", ":2 budget.window"),
        ("budget:\n  window: 0\n", ":2 budget.window"),
        ("budget:\n  prices:\n    m: {input: x}\n", ":3 budget.prices.m.input"),
        ("terminal:\n  timeout: long\n", ":2 terminal.timeout"),
        ("compression: {threshold: 50}\n", ":1 compression.threshold"),
        ("delegation: {max_iterations: 0}\n", ":1 delegation.max_iterations"),
        ("hooks_auto_accept: perhaps\n", ":1 hooks_auto_accept"),
        ("hooks: {pre_tool_call: x}\n", ":1 hooks.pre_tool_call"),
        ("hooks: {pre_tool_call: [{matcher: x}]}\n", "hooks.pre_tool_call[0].command"),
        ("hooks: {pre_tool_call: [{command: x, timeout: 301}]}\n", "hooks.pre_tool_call[0].timeout"),
        ("mcp_servers: {fs: x}\n", "mcp_servers.fs"),
        ("mcp_servers: {fs: {command: x, transport: pigeon}}\n", "mcp_servers.fs.transport"),
        ("platform_toolsets: {telegram: {a: b}}\n", "platform_toolsets.telegram"),
        ("command_allowlist: {a: b}\n", ":1 command_allowlist"),
        ("web: {timeout: x}\n", ":1 web.timeout"),
    ],
)
def test_a_value_of_the_wrong_kind_is_an_error_that_names_its_place(load: Load, text: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert where in str(caught.value)


# hooks


def test_hooks(load: Load) -> None:
    text = """
hooks:
  pre_tool_call:
    - {command: '~/gate.sh --strict', matcher: 'terminal|patch', timeout: 5}
    - command: other
  on_session_start: {command: one}
hooks_auto_accept: yes
"""
    config = load(text).config
    assert config.hooks == (
        ShellHookConfig("pre_tool_call", "~/gate.sh --strict", "terminal|patch", 5.0),
        ShellHookConfig("pre_tool_call", "other", "", 60.0),
        ShellHookConfig("on_session_start", "one", "", 60.0),
    )
    assert config.hooks_auto_accept


# MCP servers


def test_mcp_servers(load: Load) -> None:
    text = """
mcp_servers:
  files:
    command: npx
    args: ['-y', server, '', ' x ', 8080]
    env: {A: b}
    timeout: 10
    connect_timeout: 5
    keepalive_interval: 30
    tools: {include: [read], exclude: [write]}
  web:
    url: https://x/mcp
    headers: {Authorization: Bearer y}
    enabled: false
  old: {url: https://x/sse, transport: SSE}
  nothing: {}
"""
    config = load(text).config
    files, web, old = config.mcp_servers
    assert files == McpServerConfig(
        name="files",
        command="npx",
        args=("-y", "server", "", " x ", "8080"),
        env={"A": "b"},
        transport="stdio",
        timeout=10.0,
        connect_timeout=5.0,
        keepalive_interval=30.0,
        include=("read",),
        exclude=("write",),
    )
    assert (web.url, web.transport, web.enabled, web.include, web.timeout) == (
        "https://x/mcp",
        "http",
        False,
        None,
        300.0,
    )
    assert web.headers == {"Authorization": "Bearer y"}
    assert old.transport == "sse"
    assert [notice.path for notice in config.notices] == ["mcp_servers.nothing.command"]


def test_mcp_servers_get_variables_in_both_spellings_from_this_profile_only(load: Load) -> None:
    text = """
mcp_servers:
  s:
    command: run
    env: {TOKEN: '${env:MCP_TOKEN}', OTHER: '${MCP_TOKEN}', GONE: '${env:ELSEWHERE}'}
    url: https://x/${env:MCP_TOKEN}
model: '${env:MCP_TOKEN}'
"""
    token = canary("coder", "TOKEN")
    settings = load(text, f"MCP_TOKEN={token}\n", environ={"ELSEWHERE": canary("launcher", "ELSEWHERE")})
    server = settings.config.mcp_servers[0]
    assert server.env == {"TOKEN": token, "OTHER": token, "GONE": "${env:ELSEWHERE}"}
    assert server.url == f"https://x/{token}"
    assert settings.config.model.name == "${env:MCP_TOKEN}"
    unset = [notice.path for notice in settings.config.notices if notice.code == "unset_variable"]
    assert sorted(unset) == ["mcp_servers.s.env.GONE", "model"]


def test_secrets_of_servers_and_models_are_not_printed(load: Load) -> None:
    secret = canary("coder", "SECRET")
    text = (
        f"mcp_servers: {{s: {{url: 'https://x/{secret}', headers: {{a: {secret}}}, "
        f"env: {{b: {secret}}}, args: [{secret}]}}}}\n"
        f"auxiliary: {{vision: {{api_key: {secret}}}}}\nweb: {{search_api_key: {secret}}}\n"
        f"terminal: {{docker_env: {{a: {secret}}}}}\n"
    )
    assert secret not in repr(load(text).config)


# auxiliary models and the web


def test_auxiliary_models(load: Load) -> None:
    text = (
        "auxiliary: {vision: {provider: openai, model: m, timeout: 20}, approval: {provider: auto, model: ''}, x: 3}\n"
    )
    assert load(text).config.auxiliary == {"vision": AuxiliaryConfig("openai", "m", "", "", 20.0)}


def test_the_web_search_service(load: Load) -> None:
    config = load("web: {search_backend: SearXNG, search_url: http://s, timeout: 5}\n").config
    assert config.web == WebConfig("searxng", "http://s", "", 5.0)


def test_the_web_search_service_may_come_from_variables(load: Load) -> None:
    settings = load("", "SEARXNG_URL=http://s\nBRAVE_SEARCH_API_KEY=k\n")
    assert settings.config.web == WebConfig("", "http://s", "k", 30.0)
    assert str(settings.sources["web.search_url"]).endswith(".env:1")
