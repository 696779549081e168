from __future__ import annotations

import contextlib
import os
import re
import threading
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.errors import ConfigError
from hermes_trio.home import yaml_edit
from hermes_trio.home.config_edit import remove_config_value, set_config_value, split_setting
from hermes_trio.home.yaml_edit import CannotEdit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def set_value(file: Path, setting: str, value: object) -> bool:
    return set_config_value(file, "coder", setting, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a:\n  b: new\n"),
        ("# mine\n", "# mine\na:\n  b: new\n"),
        ("x: 1", "x: 1\na:\n  b: new\n"),
        ("a: {b: old, c: 1}  # x\n", "a: {b: new, c: 1}  # x\n"),
        ("a: {c: 1}\n", "a: {c: 1, b: new}\n"),
        ("a: {}  # none\n", "a: {b: new}  # none\n"),
        ("a:\nc: 1\n", "a: {b: new}\nc: 1\n"),
        ("a:  # mine\nc: 1\n", "a: {b: new}  # mine\nc: 1\n"),
        ("a:\n    b: 'old'   # why\n    c: 1\n", "a:\n    b: new   # why\n    c: 1\n"),
        ("a:\n  b:\n  c: 1\n", "a:\n  b: new\n  c: 1\n"),
        ("a:\n  c: 1  # x\n\n# y\nz: 2\n", "a:\n  c: 1  # x\n  b: new\n\n# y\nz: 2\n"),
        ("a:\n  c: |\n    text\nz: 2\n", "a:\n  c: |\n    text\n  b: new\nz: 2\n"),
        ("a:\n  b: |\n    old\n    text\n\nz: 2\n", "a:\n  b: new\n\nz: 2\n"),
        ("a:\n  b:\n  - 1\n  - 2\n# c\nz: 2\n", "a:\n  b: new\n# c\nz: 2\n"),
        ("a:\n  b: # why\n    d: 1\nz: 2\n", "a:\n  b: new # why\nz: 2\n"),
        ("a:\r\n  b: old\r\n", "a:\r\n  b: new\r\n"),
        ("\ufeffa: {b: é😀}\n", "\ufeffa: {b: new}\n"),
        ("a: {b: 1}\na: {b: 2}\n", "a: {b: 1}\na: {b: new}\n"),
        ("base: &x {b: 1}\na:\n  <<: *x\n", "base: &x {b: 1}\na:\n  <<: *x\n  b: new\n"),
        ("a:\n  c: *x\n".replace("*x", "&x 1") + "d: *x\n", "a:\n  c: &x 1\n  b: new\nd: *x\n"),
    ],
)
def test_a_value_is_set_and_all_else_stays(file: Path, before: str, after: str) -> None:
    file.write_bytes(before.encode())
    assert set_value(file, "a.b", "new")
    assert file.read_bytes().decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n  b: 1\n  c: 2\n", "a:\n  c: 2\n"),
        ("a:\n  c: 2\n  b: 1\nz: 1\n", "a:\n  c: 2\nz: 1\n"),
        ("a:\n  b: 1  # why\n  c: 2\n", "a:\n  # why\n  c: 2\n"),
        ("a:\n  b:\n    - 1\n    - 2\n  # mine\n  c: 2\n", "a:\n  # mine\n  c: 2\n"),
        ("a:\n  b: 1\nz: 1\n", "a: {}\nz: 1\n"),
        ("a: {b: 1, c: 2}\n", "a: {c: 2}\n"),
        ("a: {c: 2, b: 1}\n", "a: {c: 2}\n"),
        ("a: {b: 1}\n", "a: {}\n"),
        ("a:\n  b: |\n    text\n  c: 2\n", "a:\n  c: 2\n"),
    ],
)
def test_a_value_is_removed_and_all_else_stays(file: Path, before: str, after: str) -> None:
    file.write_text(before)
    assert remove_config_value(file, "coder", "a.b")
    assert file.read_text() == after


@pytest.mark.parametrize("text", ["", "x: 1\n", "a: 1\n", "a: {c: 1}\n"])
def test_removing_what_is_not_there_changes_nothing(file: Path, text: str) -> None:
    file.write_text(text)
    assert not remove_config_value(file, "coder", "a.b")
    assert file.read_text() == text


def test_the_last_key_of_a_file_can_be_removed(file: Path) -> None:
    file.write_text("# mine\nmodel: m\n")
    assert remove_config_value(file, "coder", "model")
    assert file.read_text() == "# mine\n"


@pytest.mark.parametrize(
    "before",
    [
        "a: text\n",
        "a: [1]\n",
        "a: [\n",
        "- a\n",
        "x: &x {b: 1}\na: *x\n",
        "a:\n  b: &x 1\nc: *x\n",
        "a:\n  b:\n  - 1 # lost\n  - 2\n",
        "a:\n  b: | # lost\n    text\n",
        "a: !mine {b: 1}\n",
    ],
)
def test_what_cannot_be_edited_safely_stays_as_it_is(file: Path, before: str) -> None:
    file.write_text(before)
    with pytest.raises(ConfigError, match=r"set a\.b by hand") as caught:
        set_value(file, "a.b", "secret-value")
    assert file.read_text() == before
    assert "secret-value" not in str(caught.value)
    assert list(file.parent.iterdir()) == [file]


def test_what_is_said_already_is_not_written_again(file: Path) -> None:
    file.write_text("a: {b: 'x'}\n")
    assert not set_value(file, "a.b", "x")
    assert set_value(file, "a.b", True)
    assert not set_value(file, "a.b", True)
    assert set_value(file, "a.b", 1)


@pytest.mark.parametrize(
    "value",
    ["", "yes", "12", "1.5", "null", "a: b", "two\nlines", "é\u2028\x7f😀", "#x", True, None, 3, 1.5, 1e30, [], {}],
)
def test_every_value_comes_back_as_it_was(file: Path, value: object) -> None:
    set_value(file, "agent.x", "first")
    set_value(file, "agent.x", value)
    found = yaml.safe_load(file.read_text())["agent"]["x"]
    assert (found, type(found)) == (value, type(value))


def test_a_key_with_a_dot_stands_in_quotes(file: Path) -> None:
    set_value(file, 'models."gpt-4.1".x', 1)
    assert yaml.safe_load(file.read_text()) == {"models": {"gpt-4.1": {"x": 1}}}


@pytest.mark.parametrize("setting", ["", ".", "a.", ".a", "a..b", 'a"b"', 'a."b'])
def test_what_is_no_path_is_a_mistake_of_the_caller(setting: str) -> None:
    with pytest.raises(ValueError, match="not the dotted path"):
        split_setting(setting)


def test_a_key_that_looks_like_a_number_is_found(file: Path) -> None:
    file.write_text("prompts:\n  -100123: old\n")
    assert set_value(file, "prompts.-100123", "new")
    assert file.read_text() == "prompts:\n  -100123: new\n"


def test_a_missing_file_is_made_for_its_owner_only_and_a_mode_stays(file: Path) -> None:
    set_value(file, "a", 1)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    set_value(file, "a", 2)
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_pipe_is_refused_and_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="not a file"):
        set_value(file, "a", 1)


def test_edits_at_once_are_all_kept(file: Path) -> None:
    threads = [threading.Thread(target=set_value, args=(file, f"a.k{number}", number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert yaml.safe_load(file.read_text()) == {"a": {f"k{number}": number for number in range(8)}}


# Whatever the file

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.sampled_from(["1", "true", "'q # no'", '"d: q"', "plain text", "x#y", "", "0600", "null", "-100:7"])


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """Lines of a mapping as a person may have written it; every comment is unique."""
    lines: list[str] = []
    width = draw(st.sampled_from([2, 4]))
    for key in draw(st.lists(KEYS, unique=True, min_size=1, max_size=4)):
        lines += draw(st.lists(st.sampled_from(["", "# #"]), max_size=2))
        tail = draw(st.sampled_from(["", "  # #", " # 'q #"]))
        kind = draw(st.sampled_from(["scalar", "flow", "list", "text", "mapping"]))
        if kind == "scalar":
            lines.append(f"{key}: {draw(SCALARS)}{tail}".rstrip(" "))
        elif kind == "flow":
            lines.append(f"{key}: {{a: {draw(SCALARS)}, x: [1, 'y']}}{tail}")
        elif kind == "list":
            indent = draw(st.sampled_from(["", "  "]))
            lines += [f"{key}:{tail}", f"{indent}- 1{draw(st.sampled_from(['', ' # #']))}", f"{indent}- b: {{}}"]
        elif kind == "text":
            lines += [f"{key}: |{draw(st.sampled_from(['', '-']))}", "  text # no comment", "", "  more"]
        elif depth < 2:
            lines += [f"{key}:{tail}", *(" " * width + line if line else "" for line in draw(blocks(depth + 1)))]
    return lines


@st.composite
def files(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(["\n", "\r\n"])).join([*draw(blocks()), draw(st.sampled_from(["", "# #"]))])
    count = iter(range(10_000))
    return re.sub(r"# #", lambda _match: f"#c{next(count)}", text)


def marks(text: str) -> list[str]:
    return re.findall(r"#c\d+", text)


def change(values: object, path: list[str], value: object) -> object:
    target = values
    for key in path[:-1]:
        if target.get(key) is None:  # type: ignore[attr-defined]
            target[key] = {}  # type: ignore[index]
        target = target[key]  # type: ignore[index]
    target[path[-1]] = value  # type: ignore[index]
    return values


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="utf-8"), max_size=20), st.just(["x", "y: z"])
)


@pytest.mark.slow
@given(files(), st.lists(KEYS | st.just("new"), min_size=1, max_size=3), VALUES)
@settings(deadline=None, max_examples=200)
def test_whatever_the_file_only_the_value_changes_and_no_comment_is_lost(
    text: str, path: list[str], value: object
) -> None:
    with contextlib.suppress(CannotEdit):
        after = yaml_edit.set_value(text, path, value)  # type: ignore[arg-type]
        assert repr(yaml.safe_load(after)) == repr(change(yaml.safe_load(text) or {}, path, value))
        assert marks(after) == marks(text)
        assert after.count("\r\n") == after.count("\n") or "\r\n" not in text


@pytest.mark.slow
@given(files(), st.lists(KEYS, min_size=1, max_size=3))
@settings(deadline=None, max_examples=150)
def test_whatever_the_file_only_the_key_is_removed_and_no_comment_is_lost(text: str, path: list[str]) -> None:
    with contextlib.suppress(CannotEdit):
        after = yaml_edit.remove_value(text, path)
        assert marks(after) == marks(text)
        if after != text:
            expected = yaml.safe_load(text)
            target = expected
            for key in path[:-1]:
                target = target[key]
            del target[path[-1]]
            assert (yaml.safe_load(after) or {}) == expected


@pytest.mark.slow
@given(files(), KEYS, st.integers())
@settings(deadline=None, max_examples=100)
def test_a_single_value_is_never_refused(text: str, key: str, value: int) -> None:
    if not isinstance((yaml.safe_load(text) or {}).get(key), dict | list):
        assert yaml.safe_load(yaml_edit.set_value(text, [key], value))[key] == value


@pytest.mark.slow
@given(files(), st.lists(KEYS, min_size=2, max_size=3), st.integers())
@settings(deadline=None, max_examples=100)
def test_a_single_value_below_mappings_is_refused_only_where_a_mapping_is_none(
    text: str, path: list[str], value: int
) -> None:
    target: object = yaml.safe_load(text)
    for key in path:
        if target is not None and not isinstance(target, dict):
            return
        target = (target or {}).get(key)
    if not isinstance(target, dict | list):
        assert yaml_edit.set_value(text, path, value) != text or target == value
