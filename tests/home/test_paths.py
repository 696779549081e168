from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermes_trio.errors import HomeError
from hermes_trio.home.paths import HomePaths, profile_of_home, resolve_root

HOME = {"HOME": "/home/ann"}


def root(environ: dict[str, str], home: str | None = None) -> str:
    return str(resolve_root({**HOME, **environ}, None if home is None else Path(home)).root)


def test_the_usual_home_is_in_the_users_folder() -> None:
    assert root({}) == "/home/ann/.hermes"


def test_an_empty_variable_is_an_unset_one() -> None:
    assert root({"HERMES_HOME": "  "}) == "/home/ann/.hermes"


def test_the_variable_names_another_home() -> None:
    assert root({"HERMES_HOME": "/srv/agents"}) == "/srv/agents"


def test_the_variable_may_begin_with_a_tilde() -> None:
    assert root({"HERMES_HOME": "~/agents"}) == "/home/ann/agents"


@pytest.mark.parametrize("below", ["/home/ann/.hermes/profiles/coder", "/home/ann/.hermes/other", "/home/ann/.hermes"])
def test_a_variable_below_the_usual_home_means_the_usual_home(below: str) -> None:
    assert root({"HERMES_HOME": below}) == "/home/ann/.hermes"


def test_a_neighbour_whose_name_begins_alike_is_not_below_the_usual_home() -> None:
    assert root({"HERMES_HOME": "/home/ann/.hermes-test"}) == "/home/ann/.hermes-test"


def test_a_variable_that_names_a_profile_means_the_home_of_that_profile() -> None:
    assert root({"HERMES_HOME": "/srv/agents/profiles/coder"}) == "/srv/agents"


def test_the_command_line_wins_over_the_variable() -> None:
    assert root({"HERMES_HOME": "/srv/agents"}, "/srv/others") == "/srv/others"


def test_the_command_line_may_name_a_folder_below_the_usual_home() -> None:
    assert root({}, "/home/ann/.hermes/copy") == "/home/ann/.hermes/copy"


def test_a_profile_named_on_the_command_line_means_its_home() -> None:
    assert root({}, "/srv/agents/profiles/coder") == "/srv/agents"


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert root({}, "here/../there") == str(tmp_path / "there")


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert root({}, str(tmp_path / "link")) == str(tmp_path / "link")


def test_the_default_profile_lives_in_the_root() -> None:
    home = HomePaths(Path("/h"))
    assert home.profile("default").root == Path("/h")
    assert home.profile("Coder").root == Path("/h/profiles/coder")


def test_no_profile_name_leads_out_of_the_home() -> None:
    with pytest.raises(HomeError):
        HomePaths(Path("/h")).profile("../../etc")


def test_files_of_a_profile_have_the_names_hermes_gives_them() -> None:
    paths = HomePaths(Path("/h")).profile("coder")
    below = {path.relative_to(paths.root).as_posix() for path in (
        paths.config, paths.env, paths.soul, paths.state_db, paths.memory_md, paths.user_md, paths.sessions_json,
        paths.logs, paths.parked_marker, paths.cron_jobs, paths.auth_json, paths.profile_yaml,
    )}  # fmt: skip
    assert below == {
        "config.yaml", ".env", "SOUL.md", "state.db", "memories/MEMORY.md", "memories/USER.md",
        "sessions/sessions.json", "logs", "gateway.parked", "cron/jobs.json", "auth.json", "profile.yaml",
    }  # fmt: skip


def test_the_control_socket_is_in_the_home() -> None:
    assert HomePaths(Path("/h")).control_socket == Path("/h/hermes-trio.sock")


def test_a_home_too_deep_for_a_socket_has_it_in_the_temporary_folder() -> None:
    first, second = (HomePaths(Path("/" + letter * 120)).control_socket for letter in "ab")
    assert len(os.fsencode(first)) <= 100
    assert first.name.startswith(f"hermes-trio-{os.getuid()}-")
    assert first != second


@pytest.mark.parametrize(
    ("home", "variable", "profile"),
    [
        ("/srv/h/profiles/coder", "", "coder"),
        (None, "/srv/h/profiles/coder", "coder"),
        (None, "~/.hermes/profiles/coder", "coder"),
        ("/srv/h", "/srv/h/profiles/coder", None),
        (None, "/srv/h", None),
        (None, "", None),
        ("/srv/h/profiles/default", "", None),
        ("/srv/h/profiles/No Name", "", None),
        (None, "~/.hermes/workspace/profiles/coder", None),
    ],
)
def test_the_profile_in_whose_folder_the_home_points(home: str | None, variable: str, profile: str | None) -> None:
    environ = {**HOME, "HERMES_HOME": variable}
    assert profile_of_home(environ, None if home is None else Path(home)) == profile
