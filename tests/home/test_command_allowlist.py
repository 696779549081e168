from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.errors import ConfigError
from hermes_trio.home import file_edit
from hermes_trio.home.command_allowlist import add_to_command_allowlist

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def add(file: Path, *names: str) -> bool:
    return add_to_command_allowlist(file, "coder", names)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "command_allowlist:\n  - one_two\n"),
        ("# mine\n", "# mine\ncommand_allowlist:\n  - one_two\n"),
        ("model: m", "model: m\ncommand_allowlist:\n  - one_two\n"),
        ("model: m  # x\n\n# end\n", "model: m  # x\n\n# end\ncommand_allowlist:\n  - one_two\n"),
        ("command_allowlist: []  # none\nmodel: m\n", "command_allowlist: [one_two]  # none\nmodel: m\n"),
        ("command_allowlist:\nmodel: m\n", "command_allowlist: [one_two]\nmodel: m\n"),
        ("command_allowlist: null\n", "command_allowlist: [one_two]\n"),
        ("command_allowlist: ''\n", "command_allowlist: [one_two]\n"),
        ("command_allowlist: ls -l # x\n", "command_allowlist: [ls -l, one_two] # x\n"),
        ("command_allowlist: [a, 'b c']\n", "command_allowlist: [a, 'b c', one_two]\n"),
        ("command_allowlist: [\n  a, # x\n  b,\n]\n", "command_allowlist: [\n  a, # x\n  b, one_two,\n]\n"),
        ("command_allowlist:\n- a  # x\n# y\nmodel: m\n", "command_allowlist:\n- a  # x\n- one_two\n# y\nmodel: m\n"),
        ("command_allowlist:\n    - a\n\nmodel: m\n", "command_allowlist:\n    - a\n    - one_two\n\nmodel: m\n"),
        ("command_allowlist:\n  - a", "command_allowlist:\n  - a\n  - one_two\n"),
        ("a: 1\r\ncommand_allowlist:\r\n- b\r\n", "a: 1\r\ncommand_allowlist:\r\n- b\r\n- one_two\r\n"),
        ("\ufeffmodel: é€😀\n", "\ufeffmodel: é€😀\ncommand_allowlist:\n  - one_two\n"),
        ("  model: m\n", "  model: m\n  command_allowlist:\n    - one_two\n"),
        ("a: {command_allowlist: [x]}\n", "a: {command_allowlist: [x]}\ncommand_allowlist:\n  - one_two\n"),
    ],
)
def test_a_name_is_added_and_all_else_stays(file: Path, before: str, after: str) -> None:
    file.write_bytes(before.encode())
    assert add(file, "one_two")
    assert file.read_bytes().decode() == after


@pytest.mark.parametrize(
    "before",
    [
        "- a\n",
        "model: [\n",
        "{model: m}\n",
        "a: &x [q]\ncommand_allowlist: *x\n",
        "a: &x {command_allowlist: [q]}\n<<: *x\n",
        "a: 1\n...\n",
        "a: 1\n---\nb: 2\n",
        "text: |\n  no line end",
        "a: !python/object:os.system x\n",
        "b: \x00\n",
    ],
)
def test_what_cannot_be_edited_safely_stays_as_it_is(file: Path, before: str) -> None:
    file.write_text(before)
    with pytest.raises(ConfigError) as caught:
        add(file, "one_two")
    assert file.read_text() == before
    assert "add one_two to the list command_allowlist by hand" in str(caught.value)
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_not_utf8_stays_as_it_is(file: Path) -> None:
    file.write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(ConfigError):
        add(file, "one_two")
    assert file.read_bytes() == b"a: \xff\xfe\n"


def test_what_is_in_it_already_is_not_added_again(file: Path) -> None:
    file.write_text("command_allowlist: [a, b]\n")
    assert not add(file, "b", "a")
    assert add(file, "b", "one", "one")
    assert file.read_text() == "command_allowlist: [a, b, one]\n"


def test_a_missing_file_is_made_for_its_owner_only(file: Path) -> None:
    assert add(file, "one_two")
    assert file.read_text() == "command_allowlist:\n  - one_two\n"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o640])
def test_the_files_mode_stays(file: Path, mode: int) -> None:
    file.write_text("model: m\n")
    file.chmod(mode)
    add(file, "one_two")
    assert file.stat().st_mode & 0o777 == mode


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "hermes.yaml"
    real.parent.mkdir()
    real.write_text("model: m\n")
    file.symlink_to(real)
    add(file, "one_two")
    assert file.is_symlink()
    assert "one_two" in real.read_text()


def test_a_change_by_somebody_else_in_the_meantime_is_not_lost(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("model: m\n")
    replace, times = file_edit._replace, []

    def write_late(*arguments: object) -> bool:
        if not times:
            file.write_text("model: changed meanwhile\n")
        times.append(1)
        return replace(*arguments)

    monkeypatch.setattr(file_edit, "_replace", write_late)
    assert add(file, "one_two")
    assert file.read_text() == "model: changed meanwhile\ncommand_allowlist:\n  - one_two\n"


def test_a_full_disk_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("model: m\n")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ConfigError, match="disk is full"):
        add(file, "one_two")
    assert list(file.parent.iterdir()) == [file]
    assert file.read_text() == "model: m\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(file: Path) -> None:
    file.write_text("model: m\n")
    file.parent.chmod(0o500)
    with pytest.raises(ConfigError, match="not allowed"):
        add(file, "one_two")


plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(plain, values, max_size=5),
    st.none() | st.lists(plain, max_size=4),
    st.booleans(),
    st.lists(plain, min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=50)
def test_whatever_the_settings_are_only_the_list_changes(
    tmp_path_factory, others: dict[str, object], listed: list[str] | None, flow: bool, names: list[str]
) -> None:
    file = tmp_path_factory.mktemp("home") / "config.yaml"
    content = {**others, **({} if listed is None else {"command_allowlist": listed})}
    file.write_text(
        yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=None if flow else False)
    )
    before = yaml.safe_load(file.read_text())
    try:
        add(file, *names)
    except ConfigError:
        assert yaml.safe_load(file.read_text()) == before
        return
    after = yaml.safe_load(file.read_text()) or {}
    known = list(before.get("command_allowlist") or [])
    assert after.pop("command_allowlist", []) == known + [name for name in dict.fromkeys(names) if name not in known]
    before.pop("command_allowlist", None)
    assert after == before
