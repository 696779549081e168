"""The settings of what an agent can do: tools, approvals, budget, hooks; part of `ProfileConfig`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY: Final = 86400.0
LONGEST_HOOK: Final = 300.0


def _no_texts() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_lists() -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TerminalConfig:
    """How commands are run.

    Attributes:
        backend: ``local`` or ``docker``; other names of Hermes are kept as they are.
        cwd: Working directory; ``.`` for the usual one.
        timeout: Seconds a foreground command may take when the model does not say.
        home_mode: What ``HOME`` of a command is; ``auto`` for the usual.
        env_passthrough: Names of this profile's variables that commands may see.
        persistent_shell: Whether directory and variables survive from one command to the next.
        docker_image: Image of the docker backend, or empty for the usual one.
        docker_volumes: ``host:container[:ro]`` mounts.
        docker_env: Variables of the container, as written.
        docker_network: Whether the container has network.
        container_cpu: CPUs of a container; 0 for no limit.
        container_memory: Memory of a container in MB; 0 for no limit.
        daemon_term_grace_seconds: Seconds between asking a process to end and killing it.
        shell_init_files: Files a shell reads first.
    """

    backend: str = "local"
    cwd: str = "."
    timeout: float = 180.0
    home_mode: str = "auto"
    env_passthrough: tuple[str, ...] = ()
    persistent_shell: bool = True
    docker_image: str = ""
    docker_volumes: tuple[str, ...] = ()
    docker_env: Mapping[str, str] = field(default_factory=_no_texts, repr=False)
    docker_network: bool = True
    container_cpu: float = 1.0
    container_memory: int = 5120
    daemon_term_grace_seconds: float = 2.0
    shell_init_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolOutputConfig:
    """How much of a tool's result the model sees: bytes, lines, and characters of one line."""

    max_bytes: int = 50_000
    max_lines: int = 2000
    max_line_length: int = 2000


@dataclass(frozen=True, slots=True)
class ApprovalsConfig:
    """What happens with dangerous commands.

    Attributes:
        mode: ``smart`` (a model is asked first), ``manual`` or ``off``.
        timeout: Seconds an answer may take; then it counts as no.
        cron_mode: ``deny`` or ``approve`` for jobs, where nobody is there to answer.
        deny: Globs of commands that are never run.
    """

    mode: str = "smart"
    timeout: float = 60.0
    cron_mode: str = "deny"
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompressionConfig:
    """When a conversation is summarised.

    Attributes:
        enabled: Whether it is at all.
        threshold: Share of the model's window from which on it is, above 0 up to 1.
        target_ratio: Share of the window the result should have, above 0 up to 1.
        protect_first_n: Messages at the beginning that stay.
        protect_last_n: Messages at the end that stay.
    """

    enabled: bool = True
    threshold: float = 0.5
    target_ratio: float = 0.2
    protect_first_n: int = 3
    protect_last_n: int = 20


@dataclass(frozen=True, slots=True)
class DelegationConfig:
    """What child turns may do.

    Attributes:
        max_iterations: Most rounds of model and tools of a child.
        max_concurrent_children: Most children of one turn at once.
        max_spawn_depth: How many generations there may be below a turn; 0 for none.
        child_timeout_seconds: Seconds a child may take; 0 for no limit of its own.
        max_summary_chars: Most characters a child's answer may have.
        inherit_mcp_toolsets: Whether a child that is given fewer toolsets keeps the MCP tools of its parent.
        orchestrator_enabled: Whether children may have children, as far as ``max_spawn_depth`` goes.
        subagent_auto_approve: Whether children need nobody's consent; what is never run is not run for them either.
    """

    max_iterations: int = 50
    max_concurrent_children: int = 3
    max_spawn_depth: int = 1
    child_timeout_seconds: float = 0.0
    max_summary_chars: int = 24_000
    inherit_mcp_toolsets: bool = True
    orchestrator_enabled: bool = True
    subagent_auto_approve: bool = False


@dataclass(frozen=True, slots=True)
class SkillsConfig:
    """Which skills there are.

    Attributes:
        disabled: Names that are left out.
        platform_disabled: Platform -> names that are left out there.
        external_dirs: Further folders with skills.
        template_vars: Whether variables in a skill's text are filled in.
    """

    disabled: tuple[str, ...] = ()
    platform_disabled: Mapping[str, tuple[str, ...]] = field(default_factory=_no_lists)
    external_dirs: tuple[str, ...] = ()
    template_vars: bool = True


@dataclass(frozen=True, slots=True)
class EgressConfig:
    """Where the profile's tools may connect to.

    Attributes:
        mode: ``off``, ``report`` (log what is not allowed) or ``enforce``.
        allow: Host names that are allowed, ``*.example.org`` for all below one.
    """

    mode: str = "off"
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """Guards of the profile.

    Attributes:
        allow_private_urls: Whether web tools may reach private addresses.
        redact_secrets: Whether secrets are blotted out of what tools return.
        egress: Where connections may go.
    """

    allow_private_urls: bool = False
    redact_secrets: bool = True
    egress: EgressConfig = EgressConfig()


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """What the profile may spend within a window of time; None for no limit, 0 for nothing.

    Attributes:
        usd: US dollars.
        tokens: Tokens, in and out together.
        turns: Turns.
        window_seconds: Length of the window.
    """

    usd: float | None = None
    tokens: int | None = None
    turns: int | None = None
    window_seconds: float = DAY


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """What a model costs, in US dollars per million tokens; None where the general price table counts."""

    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True)
class McpServerConfig:
    """One entry of ``mcp_servers``: either a command to start or an address.

    Attributes:
        name: Its key.
        command: Program of a server on stdin and stdout, or empty.
        args: Its arguments.
        env: Variables it gets.
        url: Address of a server on the network, or empty.
        headers: Sent with every request.
        transport: ``stdio``, ``http`` (streamable) or ``sse``; what the user wrote, lower case, or told from the rest.
        timeout: Seconds one call may take.
        connect_timeout: Seconds connecting may take.
        keepalive_interval: Seconds after which it is asked whether it is still there; None for the usual.
        enabled: Whether it is used.
        include: The only tools to offer; None for all.
        exclude: Tools not to offer.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=_no_texts, repr=False)
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=_no_texts, repr=False)
    transport: str = "stdio"
    timeout: float = 300.0
    connect_timeout: float = 60.0
    keepalive_interval: float | None = None
    enabled: bool = True
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShellHookConfig:
    """A command that runs at an event.

    Attributes:
        event: Name of the event.
        command: The command line.
        matcher: Regular expression on tool names; empty for all. Only at events of tools.
        timeout: Seconds it may take, at most 300.
        fail_closed: Whether a tool is blocked when its hook fails or takes too long.
    """

    event: str
    command: str
    matcher: str = ""
    timeout: float = 60.0
    fail_closed: bool = False


@dataclass(frozen=True, slots=True)
class AuxiliaryConfig:
    """The model for one auxiliary task.

    Attributes:
        provider: Provider name; ``auto`` for the main model's.
        model: Model id; empty for the provider's usual one.
        base_url: Address of an API of its own, or empty.
        api_key: Literal key, or empty.
        timeout: Seconds one call may take, or None for the task's usual time.
    """

    provider: str = "auto"
    model: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Which service searches the web.

    Attributes:
        search_provider: ``searxng``, ``brave`` or empty: the one that an address or a key is there for.
        search_url: Address of a SearXNG-compatible service, or empty.
        search_api_key: Key of the service, or empty.
        timeout: Seconds one request may take.
    """

    search_provider: str = ""
    search_url: str = ""
    search_api_key: str = field(default="", repr=False)
    timeout: float = 30.0
