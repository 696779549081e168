from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.errors import SecretsError
from hermes_trio.home.env_edit import remove_env_variable, set_env_variable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def read(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text), interpolate=False))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "A=new\n"),
        ("B=1", "B=1\nA=new\n"),
        ("# mine\nA=old\nB=1\n", "# mine\nA=new\nB=1\n"),
        ("export A='old'  # why\n", "export A=new  # why\n"),
        ('  A = "old"\n\nB=1\n', "  A = new\n\nB=1\n"),
        ("A=\nB=1\n", "A=new\nB=1\n"),
        ("A\nB=1\n", "A=new\nB=1\n"),
        ("A=1\nA=2\n", "A=1\nA=new\n"),
        ("B=1\r\nA=old\r\n", "B=1\r\nA=new\r\n"),
        ("B=1\r\n", "B=1\r\nA=new\r\n"),
        ("\ufeffA=old\n", "\ufeffA=new\n"),
        ("AA=1\n#A=2\n", "AA=1\n#A=2\nA=new\n"),
        ("not a line\n\n\nA=old", "not a line\n\n\nA=new"),
    ],
)
def test_a_variable_is_set_and_every_other_line_stays(file: Path, before: str, after: str) -> None:
    file.write_bytes(before.encode())
    assert set_env_variable(file, "coder", "A", "new")
    assert file.read_bytes().decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A=1\nB=2\n", "B=2\n"),
        ("B=2\n\nA=1\n\n# x\n", "B=2\n\n\n# x\n"),
        ("A=1\nB=2\nA=3\n", "B=2\n"),
        ("B=2\nA=1", "B=2\n"),
    ],
)
def test_a_variable_is_removed_wherever_it_is(file: Path, before: str, after: str) -> None:
    file.write_text(before)
    assert remove_env_variable(file, "coder", "A")
    assert file.read_text() == after
    assert not remove_env_variable(file, "coder", "A")


def test_what_is_said_already_is_not_written_again(file: Path) -> None:
    file.write_text("A='x y'\n")
    assert not set_env_variable(file, "coder", "A", "x y")


def test_line_ends_in_a_value_fall_away(file: Path) -> None:
    set_env_variable(file, "coder", "A", "x\r\nB=evil\n")
    assert read(file.read_text()) == {"A": "xB=evil"}


def test_a_new_file_is_its_owners_only_and_a_mode_stays(file: Path) -> None:
    set_env_variable(file, "coder", "A", "1")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    set_env_variable(file, "coder", "A", "2")
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A\nB", "é"])
def test_what_is_no_name_is_refused(file: Path, name: str) -> None:
    with pytest.raises(SecretsError, match="not the name of a variable"):
        set_env_variable(file, "coder", name, "x")
    assert not file.exists()


def test_bytes_that_are_not_utf8_in_other_lines_stay(file: Path) -> None:
    file.write_bytes(b"B=\xff\nA=1\n")
    set_env_variable(file, "coder", "A", "2")
    assert file.read_bytes() == b"B=\xff\nA=2\n"


def test_an_error_never_says_the_value(file: Path, tmp_path: Path) -> None:
    with pytest.raises(SecretsError) as caught:
        set_env_variable(tmp_path / "gone" / ".env", "coder", "A", "very-secret")
    assert "very-secret" not in f"{caught.value!r} {caught.value}"


LINES = st.lists(
    st.sampled_from(
        ["", "# note", "B=1", "export C='x # y'  # z", 'D="two words"', "what is this", "A=old", "  A = 'o'", "E", "A"]
    ),
    max_size=8,
)


@pytest.mark.slow
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.text(st.characters(codec="utf-8"), max_size=20))
@settings(deadline=None, max_examples=200)
def test_whatever_the_file_only_the_variable_changes(
    tmp_path_factory, lines: list[str], line_end: str, ended: bool, value: str
) -> None:
    file = tmp_path_factory.mktemp("home") / ".env"
    before = line_end.join(lines) + (line_end if ended else "")
    file.write_bytes(before.encode())
    try:
        set_env_variable(file, "coder", "A", value)
    except SecretsError:
        assert file.read_bytes().decode() == before
        return
    after = file.read_bytes().decode()
    assert read(after) == {**read(before), "A": value.replace("\r", "").replace("\n", "")}
    kept = [line for line in lines if "A" not in line and line]
    assert [line for line in re.split(r"\r?\n", after) if line in kept] == kept


@pytest.mark.slow
@given(LINES)
@settings(deadline=None, max_examples=100)
def test_whatever_the_file_only_the_variable_is_removed(tmp_path_factory, lines: list[str]) -> None:
    file = tmp_path_factory.mktemp("home") / ".env"
    file.write_text("\n".join(lines))
    remove_env_variable(file, "coder", "A")
    assert [line for line in file.read_text().split("\n") if line] == [
        line for line in lines if line and line not in ("A=old", "  A = 'o'", "A")
    ]
