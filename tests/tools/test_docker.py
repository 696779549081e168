"""The docker backend: a container is described by its own profile's settings and nothing else (R14)."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.agent_config import TerminalConfig
from hermes_trio.home.paths import HomePaths, ProfilePaths
from hermes_trio.testing.home import ProfileFiles
from hermes_trio.tools.terminal_docker import (
    USUAL_IMAGE,
    container_name,
    container_spec,
    create_argv,
    end_argv,
    exec_argv,
    shell_in_container,
    spec_hash,
)
from hermes_trio.tools.tool import ToolError
from tests.rig import canary
from tests.tools.terminal_rig import LAUNCHER, open_profile, open_profiles

HOME = HomePaths(Path("/homes/h"))
USER_HOME = Path("/home/u")


def spec_of(profile: str = "bob", **settings: object):
    return container_spec(profile, HOME.profile(profile), TerminalConfig(backend="docker", **settings), USER_HOME)


def test_without_settings_the_documented_defaults_count():
    assert create_argv(spec_of())[2:] == (
        "--detach", "--name", container_name("bob", HOME.profile("bob").root),
        "--label", f"hermes-trio.spec={spec_hash(spec_of())}",
        "--init", "--label", "hermes-trio.profile=bob", "--security-opt", "no-new-privileges",
        "--cpus", "1", "--memory", "5120m", "--entrypoint", "sleep", USUAL_IMAGE, "infinity",
    )  # fmt: skip


def test_all_settings_arrive():
    spec = spec_of(
        docker_image="debian:12",
        docker_volumes=("/srv/data:/data:ro", "~/code:/code", "./notes:/notes", "sub/x:/x", "cache:/cache"),
        docker_network=False,
        container_cpu=2.5,
        container_memory=0,
        cwd="/code",
    )
    argv = create_argv(spec)
    volumes = [argv[i + 1] for i, word in enumerate(argv) if word == "--volume"]
    assert volumes == [
        "/srv/data:/data:ro",
        "/home/u/code:/code",
        "/homes/h/profiles/bob/notes:/notes",
        "/homes/h/profiles/bob/sub/x:/x",
        "cache:/cache",
    ]
    assert argv[-2:] == ("debian:12", "infinity")
    text = " ".join(argv)
    assert "--network none" in text
    assert "--cpus 2.5" in text
    assert "--memory" not in text
    assert "--workdir /code" in text


def test_a_working_directory_that_is_no_path_in_the_container_is_refused():
    with pytest.raises(ToolError, match=r"terminal.cwd: not a path in a container; found projects"):
        spec_of(cwd="projects")


NAMES = st.from_regex(r"[a-z0-9]{6,10}", fullmatch=True)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "docker_image": NAMES,
        "docker_volumes": st.lists(st.builds("/host/{0}:/{0}".format, NAMES), max_size=3).map(tuple),
        "docker_env": st.dictionaries(NAMES.map(str.upper), NAMES, max_size=3),
        "docker_network": st.booleans(),
        "container_cpu": st.sampled_from([0, 1, 2.5]),
        "container_memory": st.sampled_from([0, 512]),
        "cwd": NAMES.map("/{}".format),
    },
)


def words_of(settings: dict[str, object]) -> set[str]:
    """What only this profile's settings say."""
    texts = [settings.get("docker_image", ""), settings.get("cwd", ""), *settings.get("docker_volumes", ())]
    for name, value in settings.get("docker_env", {}).items():
        texts += [name, value]
    return {text for text in texts if text}


@given(SETTINGS, SETTINGS)
def test_nothing_of_one_profile_is_in_the_container_of_another(first, second):
    specs = {"olgaolga": spec_of("olgaolga", **first), "kurtkurt": spec_of("kurtkurt", **second)}
    for own, other, foreign in (("olgaolga", "kurtkurt", second), ("kurtkurt", "olgaolga", first)):
        spec = specs[own]
        argv = (*create_argv(spec), *exec_argv(spec, ("true",), spec.environment), *end_argv(spec, "mark", 2))
        text = " ".join(argv)
        assert other not in text
        own_words = words_of(first if own == "olgaolga" else second)
        assert [word for word in words_of(foreign) - own_words if word in argv] == []
    assert specs["olgaolga"].name != specs["kurtkurt"].name


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_profiles_never_share_a_container(profile, other, root, other_root):
    names = {container_name(name, HomePaths(Path("/") / home).profile(name).root)
             for name in (profile, other) for home in (root, other_root)}  # fmt: skip
    assert len(names) == len({profile, other}) * len({root, other_root})


def test_any_change_that_lasts_makes_another_container():
    hashes = {
        spec_hash(spec_of(**settings))
        for settings in (
            {},
            {"docker_image": "x"},
            {"docker_volumes": ("/a:/a",)},
            {"docker_network": False},
            {"container_cpu": 2.0},
            {"container_memory": 1},
            {"cwd": "/x"},
        )
    }
    assert len(hashes) == 7
    assert spec_hash(spec_of(docker_env={"A": "b"})) == spec_hash(spec_of())


def test_values_of_secrets_stay_out_of_the_arguments():
    argv = exec_argv(spec_of(), ("true",), {"A_TOKEN": "t0p", "GREETING": "hello", "DB": "pg://u:pw@h/d"})
    assert argv[2:-1] == ("--env", "A_TOKEN", "--env", "DB", "--env", "GREETING=hello", spec_of().name)


def test_a_command_runs_in_the_folder_of_the_container():
    spec = spec_of(cwd="/code")
    assert exec_argv(spec, ("true",), {})[2:4] == ("--workdir", "/code")
    assert exec_argv(spec, ("true",), {}, "sub")[2:4] == ("--workdir", "/code/sub")
    assert exec_argv(spec, ("true",), {}, "/etc")[2:4] == ("--workdir", "/etc")
    assert exec_argv(spec_of(), ("true",), {}, interactive=True)[:3] == ("docker", "exec", "--interactive")


FAKE = """#!/bin/bash
# Records how it was called; knows which containers are there; runs `exec` on this machine.
folder=$(dirname "$0")
{ printf '%s\\1' "$@"; printf '\\2'; env -0 | tr '\\0' '\\1'; printf '\\3\\n'; } >>"$folder/calls"
case $1 in
  inspect) name=${@: -1}; [ -e "$folder/$name" ] && cat "$folder/$name" || exit 1 ;;
  run) for ((i = 1; i <= $#; i++)); do [ "${!i}" = --name ] && j=$((i + 1)) && name=${!j}; done
       spec=$(printf '%s\\n' "$@" | sed -n 's/^hermes-trio.spec=//p'); echo "true $spec" >"$folder/$name" ;;
  start) echo "true $(cut -d' ' -f2 "$folder/$2")" >"$folder/$2" ;;
  rm) rm "$folder/$3" ;;
  stop) name=${@: -1}; [ -e "$folder/$name" ] && sed -i 's/true/false/' "$folder/$name" ;;
  exec) shift
        while [[ $1 == --* ]]; do
          case $1 in
            --env) [[ $2 == *=* ]] && export "$2"; shift 2 ;;
            --workdir) cd "$2"; shift 2 ;;
            *) shift ;;
          esac
        done
        [ -e "$folder/$1" ] || { echo "Error: No such container: $1" >&2; exit 1; }
        shift; "$@" ;;
esac
"""


class FakeDocker:
    """A docker command that runs everything here and remembers how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        program = folder / "docker"
        program.write_text(FAKE)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.base = {**LAUNCHER, "PATH": f"{folder}:/usr/bin:/bin"}

    def calls(self) -> list[tuple[tuple[str, ...], str]]:
        """Arguments and environment of each call."""
        path = self.folder / "calls"
        calls = [call.partition("\2") for call in path.read_text().split("\3\n")[:-1]] if path.exists() else []
        return [(tuple(arguments.split("\1")[:-1]), environment) for arguments, _, environment in calls]

    def verbs(self) -> list[str]:
        return [arguments[0] for arguments, _ in self.calls()]


@pytest.fixture
def docker(tmp_path) -> FakeDocker:
    return FakeDocker(tmp_path / "bin")


def profile_files(name: str, tmp_path: Path, **settings: object) -> ProfileFiles:
    (tmp_path / f"mount-{name}").mkdir(exist_ok=True)
    terminal = {
        "backend": "docker",
        "docker_image": f"image-{name}",
        "docker_volumes": [f"{tmp_path}/mount-{name}:/data"],
        "docker_env": {"GREETING": f"hello {name}"},
        "env_passthrough": ["WANTED_TOKEN"],
        **settings,
    }
    env = {"WANTED_TOKEN": canary(name, "WANTED"), "OPENAI_API_KEY": canary(name, "OPENAI")}
    return ProfileFiles(config={"model": "builtin/echo", "terminal": terminal}, env=env)


@pytest.mark.slow
async def test_alternating_turns_of_two_profiles_stay_in_their_own_containers(tmp_path, docker):
    files = {name: profile_files(name, tmp_path) for name in ("olga", "kurt")}
    async with open_profiles(tmp_path / "h", files, base=docker.base) as profiles:
        for name in ("olga", "kurt", "olga", "kurt"):
            assert (
                await profiles[name].run("echo $GREETING $WANTED_TOKEN") == f"hello {name} {canary(name, 'WANTED')}\n"
            )
        names = {name: container_name(name, profile.home) for name, profile in profiles.items()}
    assert [verb for verb in docker.verbs() if verb in ("run", "exec", "stop")] == [
        "run", "exec", "run", "exec", "exec", "exec", "stop", "stop",
    ]  # fmt: skip
    for arguments, environment in docker.calls():
        whose = {name for name, container in names.items() if container in arguments}
        assert len(whose) == 1
        (other,) = {"olga", "kurt"} - whose
        assert other not in " ".join(arguments).replace(str(tmp_path / "h"), "")
        assert canary(other, "WANTED") not in environment
        assert "CANARY" not in " ".join(arguments)
        assert canary("launcher", "OPENAI") not in environment


async def test_a_container_is_used_again_while_its_settings_hold(tmp_path, docker):
    for _ in range(2):
        async with open_profiles(tmp_path / "h", {"bob": profile_files("bob", tmp_path)}, base=docker.base) as profiles:
            await profiles["bob"].run("true")
    assert docker.verbs() == ["inspect", "run", "exec", "stop", "inspect", "start", "exec", "stop"]


async def test_a_container_of_other_settings_is_replaced(tmp_path, docker):
    for image in ("one", "two"):
        files = {"bob": profile_files("bob", tmp_path, docker_image=image)}
        async with open_profiles(tmp_path / "h", files, base=docker.base) as profiles:
            await profiles["bob"].run("true")
    assert docker.verbs() == ["inspect", "run", "exec", "stop", "inspect", "rm", "run", "exec", "stop"]


async def test_a_container_that_somebody_removed_is_made_again(tmp_path, docker):
    async with open_profiles(tmp_path / "h", {"bob": profile_files("bob", tmp_path)}, base=docker.base) as profiles:
        bob = profiles["bob"]
        await bob.run("true")
        (docker.folder / container_name("bob", bob.home)).unlink()
        assert "No such container" in await bob.run("true")
        assert await bob.run("echo again") == "again\n"


async def test_a_profile_that_runs_nothing_touches_no_container(tmp_path, docker):
    async with open_profiles(tmp_path / "h", {"bob": profile_files("bob", tmp_path)}, base=docker.base):
        pass
    assert docker.calls() == []


async def test_paths_of_this_machine_stay_out_of_the_container(tmp_path, docker):
    files = {"bob": profile_files("bob", tmp_path)}
    async with open_profiles(tmp_path / "h", files, base=docker.base) as profiles:
        await profiles["bob"].run("true")
    (arguments,) = [arguments for arguments, _ in docker.calls() if arguments[0] == "exec"]
    passed = {arguments[i + 1].partition("=")[0] for i, word in enumerate(arguments) if word == "--env"}
    assert {name for name in passed if not name.startswith("HERMES_SESSION_")} == {
        "GREETING", "HERMES_TRIO_COMMAND", "TERM", "WANTED_TOKEN",
    }  # fmt: skip


async def test_code_and_background_commands_run_in_the_container_too(tmp_path, docker):
    files = {"bob": profile_files("bob", tmp_path)}
    async with open_profiles(tmp_path / "h", files, base=docker.base) as profiles:
        bob = profiles["bob"]
        reply = await bob.call("execute_code", code="import os\nprint(os.environ['GREETING'])")
        assert reply["output"] == "hello bob\n"
        process_id = await bob.background("echo $GREETING")
        state = await bob.call("process", action="wait", session_id=process_id)
        assert state["output"] == "hello bob\n"
        assert docker.verbs() == ["inspect", "run", "exec", "exec"]


@pytest.mark.slow
async def test_what_runs_in_the_container_is_ended_there(tmp_path, docker):
    """Ending `docker exec` ends nothing: a process that has lost its parent is found by its mark."""
    files = {"bob": profile_files("bob", tmp_path, daemon_term_grace_seconds=0.2)}
    async with open_profiles(tmp_path / "h", files, base=docker.base) as profiles:
        bob = profiles["bob"]
        command = "(setsid bash -c 'echo $$ > pid; exec sleep 300' </dev/null >/dev/null 2>&1 &); sleep 300"
        with trio.move_on_after(0.4):
            await bob.run(command)
        pid = (bob.home / "pid").read_text().strip()
        assert docker.verbs() == ["inspect", "run", "exec", "exec"]
        with trio.fail_after(5):
            while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
                await trio.sleep(0.01)


async def test_without_docker_it_says_so_and_runs_nothing_here(tmp_path):
    base = {**LAUNCHER, "PATH": str(tmp_path / "empty")}
    files = {"bob": profile_files("bob", tmp_path)}
    async with open_profiles(tmp_path / "h", files, base=base) as profiles:
        with pytest.raises(ToolError, match=r"docker command cannot be run.*install docker"):
            await profiles["bob"].run("touch x")
        assert not (profiles["bob"].home / "x").exists()


async def test_only_a_container_without_mounts_is_free_of_questions(tmp_path, docker, monkeypatch):
    for volumes, questions in (([f"{tmp_path}:/data"], 1), ([], 0)):
        files = {"bob": profile_files("bob", tmp_path, docker_volumes=volumes)}
        async with open_profiles(tmp_path / "h", files, base=docker.base) as profiles:
            await profiles["bob"].call("execute_code", code="print(1)")
            assert len(profiles["bob"].questions) == questions


async def test_a_relative_folder_needs_one_to_start_from(tmp_path, docker):
    async with open_profiles(tmp_path / "h", {"bob": profile_files("bob", tmp_path)}, base=docker.base) as profiles:
        with pytest.raises(ToolError, match="not a path in the container"):
            await profiles["bob"].run("true", workdir="sub")


def test_any_shell_will_do():
    import subprocess

    argv = shell_in_container("echo \"$0\" 'a b'; exit 3")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "bash a b\n")


async def test_the_local_backend_never_calls_docker(tmp_path, docker):
    async with open_profile(tmp_path / "h") as bob:
        await bob.run("true")
    assert docker.calls() == []
    assert json.dumps(docker.calls()) == "[]"


def test_the_name_says_whose_it_is():
    assert container_name("bob", ProfilePaths(Path("/x")).root).startswith("hermes-bob-")
