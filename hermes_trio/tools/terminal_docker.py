"""The docker backend of the terminal: one container per profile, described by the profile's own settings only."""

from __future__ import annotations

import hashlib
import math
import os.path
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import below, is_secret
from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_process import ChildCommand, ChildError, run_child
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.agent_config import TerminalConfig
    from hermes_trio.home.paths import ProfilePaths

USUAL_IMAGE: Final = "python:3.11-slim"
SPEC_LABEL: Final = "hermes-trio.spec"
#: Marks the processes of one command in the container, so that they can be found and ended.
MARK: Final = "HERMES_TRIO_COMMAND"
CREATE_SECONDS: Final = 280.0
CONTROL_SECONDS: Final = 20.0
STOP_SECONDS: Final = 4.0
_ANSWER_BYTES: Final = 4000

_ANY_SHELL: Final = 'if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; else exec sh -c "$1"; fi'
_END_MARKED: Final = f"""
end() {{
  found=1
  for folder in /proc/[0-9]*; do
    if tr '\\0' '\\n' <"$folder/environ" 2>/dev/null | grep -qx "{MARK}=$2"; then
      kill -"$1" "${{folder#/proc/}}" 2>/dev/null && found=0
    fi
  done
  return $found
}}
end TERM "$1" && sleep "$2" && end KILL "$1"
true
"""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A profile's container.

    Attributes:
        name: Its name; holds the profile's name and a hash of its home, so that no two profiles share one.
        profile: The profile.
        image: Image.
        volumes: ``host:container[:options]`` with absolute host paths, or named volumes.
        network: Whether it has network.
        cpu: CPUs; 0 for no limit.
        memory: Megabytes; 0 for no limit.
        folder: Working directory in it, or empty for the image's.
        environment: What every command in it gets.
    """

    name: str
    profile: str
    image: str
    volumes: tuple[str, ...]
    network: bool
    cpu: float
    memory: int
    folder: str
    environment: Mapping[str, str] = field(repr=False)


def container_name(profile: str, root: Path) -> str:
    """The name of a profile's container."""
    return f"hermes-{profile}-{hashlib.sha256(bytes(root)).hexdigest()[:12]}"


def container_spec(profile: str, paths: ProfilePaths, settings: TerminalConfig, user_home: Path) -> ContainerSpec:
    """Describe a profile's container; pure.

    Args:
        profile: The profile's name.
        paths: Its paths; relative host paths of volumes start at its home folder.
        settings: Its ``terminal`` settings.
        user_home: What ``~`` of a volume means.

    Raises:
        ToolError: ``terminal.cwd`` is not a path in the container.
    """
    folder = settings.cwd.strip()
    if folder in ("", "."):
        folder = ""
    elif not PurePosixPath(folder).is_absolute():
        raise ToolError(
            "not a path in a container", where="terminal.cwd", found=folder, expected="an absolute path or `.`"
        )
    return ContainerSpec(
        name=container_name(profile, paths.root),
        profile=profile,
        image=settings.docker_image or USUAL_IMAGE,
        volumes=tuple(_absolute_volume(volume, paths.root, user_home) for volume in settings.docker_volumes),
        network=settings.docker_network,
        cpu=settings.container_cpu,
        memory=settings.container_memory,
        folder=folder,
        environment=settings.docker_env,
    )


def create_argv(spec: ContainerSpec) -> tuple[str, ...]:
    """The command that makes and starts the container."""
    described = _description(spec)
    return ("docker", "run", "--detach", "--name", spec.name, "--label", f"{SPEC_LABEL}={spec_hash(spec)}", *described)


def spec_hash(spec: ContainerSpec) -> str:
    """Changes with all that a container keeps for life; its commands' environment is not part of it."""
    return hashlib.sha256("\0".join(_description(spec)).encode()).hexdigest()[:16]


def exec_argv(
    spec: ContainerSpec,
    inner: tuple[str, ...],
    environment: Mapping[str, str],
    folder: str = "",
    *,
    interactive: bool = False,
    terminal: bool = False,
) -> tuple[str, ...]:
    """The command that runs ``inner`` in the container.

    Values of secret variables are left to the environment of the docker command: its arguments are for all to see.
    """
    options = ["--interactive"] if interactive or terminal else []
    if terminal:
        options.append("--tty")
    if folder or spec.folder:
        options += ["--workdir", str(PurePosixPath(spec.folder) / folder) if folder else spec.folder]
    for name, value in sorted(environment.items()):
        options += ["--env", name if is_secret(name, value) else f"{name}={value}"]
    return ("docker", "exec", *options, spec.name, *inner)


def shell_in_container(command: str) -> tuple[str, ...]:
    """Runs a shell command in an image that may have bash or not."""
    return ("sh", "-c", _ANY_SHELL, "sh", command)


def end_argv(spec: ContainerSpec, mark: str, grace: float) -> tuple[str, ...]:
    """The command that ends all marked processes: ending ``docker exec`` ends nothing in the container."""
    return ("docker", "exec", spec.name, "sh", "-c", _END_MARKED, "sh", mark, str(math.ceil(grace)))


class ProfileContainer:
    """A profile's container during one generation: made or found at the first use, stopped at the end."""

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self._used: tuple[ContainerSpec, Mapping[str, str], Path] | None = None
        self._is_ready = False

    async def make_ready(self, spec: ContainerSpec, environment: Mapping[str, str], folder: Path) -> None:
        """Have the container run. One that was made for other settings is replaced.

        Args:
            spec: The container.
            environment: Of the docker command.
            folder: Working directory of the docker command.

        Raises:
            ToolError: There is no docker command, or it failed.
        """
        async with self._lock:
            if self._is_ready:
                return
            show = f'{{{{.State.Running}}}} {{{{index .Config.Labels "{SPEC_LABEL}"}}}}'
            code, answer = await _docker(
                ("docker", "inspect", "--type", "container", "--format", show, spec.name), environment, folder
            )
            words = answer.split() if code == 0 else []
            if words[1:] != [spec_hash(spec)]:
                if words:
                    await _docker_or_fail(("docker", "rm", "--force", spec.name), environment, folder)
                await _docker_or_fail(create_argv(spec), environment, folder, CREATE_SECONDS)
            elif words[0] != "true":
                await _docker_or_fail(("docker", "start", spec.name), environment, folder)
            self._used = (spec, environment, folder)
            self._is_ready = True

    def doubt(self) -> None:
        """Look again before the next command: one has failed, maybe because somebody removed the container."""
        self._is_ready = False

    async def close(self) -> None:
        """Stop the container if it was used; what is in it stays for the next time.

        Cancellation: the caller shields; takes at most 4 s.
        """
        if self._used is not None:
            spec, environment, folder = self._used
            with trio.move_on_after(STOP_SECONDS):
                await _docker(("docker", "stop", "-t", "1", spec.name), environment, folder)


async def _docker(
    argv: tuple[str, ...], environment: Mapping[str, str], folder: Path, seconds: float = CONTROL_SECONDS
) -> tuple[int, str]:
    output = HeadAndTail(_ANSWER_BYTES)
    deadline = trio.current_time() + seconds
    try:
        result = await run_child(ChildCommand(argv, environment, folder), output, deadline=deadline, grace=0.5)
    except ChildError as exc:
        raise ToolError(
            f"the docker command cannot be run: {exc.problem}",
            where="terminal.backend docker",
            mend="install docker, or set terminal.backend to local",
        ) from exc
    return result.code, output.text()


async def _docker_or_fail(
    argv: tuple[str, ...], environment: Mapping[str, str], folder: Path, seconds: float = CONTROL_SECONDS
) -> None:
    code, answer = await _docker(argv, environment, folder, seconds)
    if code:
        raise ToolError(f"`docker {argv[1]}` failed", where="terminal.backend docker", found=answer.strip()[-500:])


def _description(spec: ContainerSpec) -> tuple[str, ...]:
    options = ["--init", "--label", f"hermes-trio.profile={spec.profile}", "--security-opt", "no-new-privileges"]
    if not spec.network:
        options += ["--network", "none"]
    if spec.cpu:
        options += ["--cpus", f"{spec.cpu:g}"]
    if spec.memory:
        options += ["--memory", f"{spec.memory}m"]
    for volume in spec.volumes:
        options += ["--volume", volume]
    if spec.folder:
        options += ["--workdir", spec.folder]
    return (*options, "--entrypoint", "sleep", spec.image, "infinity")


def _absolute_volume(volume: str, root: Path, user_home: Path) -> str:
    """Docker takes a relative host path for the name of a volume, and knows no ``~``."""
    source, colon, rest = volume.partition(":")
    if source.startswith(("~", ".")) or ("/" in source and not source.startswith("/")):
        source = os.path.normpath(below(root, source, user_home))
    return source + colon + rest
