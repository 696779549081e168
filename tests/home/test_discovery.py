from __future__ import annotations

from pathlib import Path

import pytest

from hermes_trio.errors import HomeError
from hermes_trio.home.discovery import ServedProfile, discover_profiles
from hermes_trio.home.paths import HomePaths


def make(home: HomePaths, name: str, file: str = "config.yaml", text: str = "") -> None:
    folder = home.profiles / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)


def names(home: HomePaths, wanted: list[str] | None = None, allowlist: tuple[str, ...] | None = None) -> list[str]:
    return [found.name for found in discover_profiles(home, wanted=wanted, allowlist=allowlist)]


def test_a_bare_home_has_the_default_profile(home: HomePaths) -> None:
    assert discover_profiles(home, wanted=None, allowlist=None) == (ServedProfile("default"),)


def test_the_default_profile_comes_first_then_the_others_by_name(home: HomePaths) -> None:
    for name in ("zoe", "amy", "bob"):
        make(home, name)
    assert names(home) == ["default", "amy", "bob", "zoe"]


@pytest.mark.parametrize("file", ["config.yaml", ".env", "SOUL.md", "profile.yaml", "auth.json", "state.db"])
def test_one_identity_file_makes_a_profile(home: HomePaths, file: str) -> None:
    make(home, "coder", file)
    assert names(home) == ["default", "coder"]


def test_a_folder_without_one_is_none(home: HomePaths) -> None:
    make(home, "coder", "notes.txt")
    (home.profiles / "empty").mkdir()
    assert names(home) == ["default"]


@pytest.mark.parametrize("name", ["Coder", "a b", ".hidden", "x" * 65])
def test_a_folder_with_another_kind_of_name_is_none(home: HomePaths, name: str) -> None:
    make(home, name)
    assert names(home) == ["default"]


def test_a_file_among_the_profiles_is_none(home: HomePaths) -> None:
    home.profiles.mkdir()
    (home.profiles / "coder").write_text("")
    assert names(home) == ["default"]


def test_a_stray_folder_called_default_is_never_a_profile(home: HomePaths) -> None:
    make(home, "default", "config.yaml", "gateway: {standalone: true}\n")
    assert discover_profiles(home, wanted=None, allowlist=None) == (ServedProfile("default"),)


def test_a_link_to_a_folder_is_a_profile_and_a_dangling_one_is_not(home: HomePaths, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "SOUL.md").write_text("")
    home.profiles.mkdir()
    (home.profiles / "linked").symlink_to(target)
    (home.profiles / "gone").symlink_to(tmp_path / "nowhere")
    assert names(home) == ["default", "linked"]


def test_the_allowlist_limits_the_named_profiles_only(home: HomePaths) -> None:
    for name in ("amy", "bob"):
        make(home, name)
    assert names(home, allowlist=("bob", "gone")) == ["default", "bob"]
    assert names(home, allowlist=()) == ["default"]


def test_what_is_wanted_is_final(home: HomePaths) -> None:
    for name in ("amy", "bob", "eve"):
        make(home, name)
    assert names(home, wanted=["eve", "Amy", "eve"], allowlist=("bob",)) == ["amy", "eve"]
    assert names(home, wanted=["default"]) == ["default"]


def test_an_unknown_wanted_name_is_an_error_with_a_suggestion(home: HomePaths) -> None:
    make(home, "coder")
    with pytest.raises(HomeError, match="did you mean 'coder'") as caught:
        names(home, wanted=["codr"])
    assert caught.value.code == "unknown_profile"
    assert caught.value.expected == "one of default, coder"


def test_a_parked_profile_is_listed_as_such_even_when_wanted(home: HomePaths) -> None:
    make(home, "coder")
    home.profile("coder").parked_marker.touch()
    assert discover_profiles(home, wanted=["coder"], allowlist=None) == (ServedProfile("coder", "parked"),)


@pytest.mark.parametrize("text", ["standalone: true\n", "gateway:\n  standalone: 'yes'\n"])
def test_a_standalone_profile_is_listed_as_such(home: HomePaths, text: str) -> None:
    make(home, "coder", text=text)
    assert discover_profiles(home, wanted=None, allowlist=None)[1] == ServedProfile("coder", "standalone")


@pytest.mark.parametrize(
    "text",
    [
        "gateway: {standalone: false}\n",
        "# standalone\nmodel: m\n",
        "standalone: perhaps\n",
        "standalone: [\n",
        "gateway: 5 # standalone\n",
    ],
)
def test_any_other_profile_is_to_be_served_even_when_its_settings_are_broken(home: HomePaths, text: str) -> None:
    make(home, "coder", text=text)
    assert discover_profiles(home, wanted=None, allowlist=None)[1] == ServedProfile("coder")


def test_a_profile_that_may_not_be_looked_into_does_not_hide_the_others(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("amy", "locked"):
        make(home, name)
    exists = Path.exists

    def refuse(path: Path) -> bool:
        if "locked" in path.parts:
            raise PermissionError(13, "denied")
        return exists(path)

    monkeypatch.setattr(Path, "exists", refuse)
    assert names(home) == ["default", "amy", "locked"]


def test_a_missing_home_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="mkdir") as caught:
        names(HomePaths(tmp_path / "none"))
    assert caught.value.code == "home_missing"


def test_a_file_in_place_of_the_home_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="found a file"):
        names(HomePaths(tmp_path / "file"))
