from __future__ import annotations

import os

import pytest

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.tools.file_changes import FileChange, apply_changes, read_state
from hermes_trio.tools.lint import lint_file
from hermes_trio.tools.paths import guard_of
from hermes_trio.tools.tool import ToolError
from tests.tools.files_rig import everything_below


async def test_a_file_is_written_and_reported(ada):
    reply = await ada.call("write_file", path="notes.txt", content="Grüße\n")
    path = ada.workspace / "notes.txt"
    assert path.read_text() == "Grüße\n"
    assert reply == {
        "bytes_written": 8,
        "dirs_created": False,
        "lint": {"status": "skipped", "message": "no check for .txt files"},
        "resolved_path": str(path),
        "files_modified": [str(path)],
    }


async def test_missing_folders_are_made(ada):
    reply = await ada.call("write_file", path="a/b/c.txt", content="x")
    assert reply["dirs_created"] is True
    assert (ada.workspace / "a/b/c.txt").read_text() == "x"


async def test_permissions_stay_and_new_files_have_the_usual_ones(ada):
    script = ada.put("run.sh", "old")
    script.chmod(0o750)
    await ada.call("write_file", path="run.sh", content="new")
    assert (script.read_text(), script.stat().st_mode & 0o777) == ("new", 0o750)
    await ada.call("write_file", path="new.txt", content="")
    (ada.workspace / "usual.txt").touch()
    assert (ada.workspace / "new.txt").stat().st_mode == (ada.workspace / "usual.txt").stat().st_mode


async def test_whoever_reads_meanwhile_sees_the_old_or_the_new_content(ada):
    path = ada.put("a.txt", "old")
    with path.open() as reader:
        await ada.call("write_file", path="a.txt", content="new and longer")
        assert reader.read() == "old"
    assert path.read_text() == "new and longer"


async def test_a_link_stays_a_link_and_its_target_changes(ada):
    target = ada.put("target.txt", "old")
    (ada.workspace / "link.txt").symlink_to("target.txt")
    reply = await ada.call("write_file", path="link.txt", content="new")
    assert (ada.workspace / "link.txt").is_symlink()
    assert target.read_text() == "new"
    assert reply["resolved_path"] == str(target)


async def test_nothing_is_left_beside_the_file(ada):
    await ada.call("write_file", path="a.txt", content="x")
    assert list(everything_below(ada.workspace)) == ["a.txt"]


async def test_a_failure_leaves_everything_as_it_was(ada, monkeypatch):
    ada.put("a.txt", "old")
    before = everything_below(ada.workspace)

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    for path in ("a.txt", "new/folder/b.txt"):
        with pytest.raises(ToolError, match="No space left"):
            await ada.call("write_file", path=path, content="new")
        assert everything_below(ada.workspace) == before


async def test_a_file_in_the_place_of_a_folder_is_an_error(ada):
    ada.put("a.txt", "x")
    with pytest.raises(ToolError, match="not a folder"):
        await ada.call("write_file", path="a.txt/b.txt", content="x")
    with pytest.raises(ToolError, match="this is a folder"):
        await ada.call("write_file", path=".", content="x")


async def test_half_a_character_is_refused(ada):
    with pytest.raises(ToolError, match="half a character"):
        await ada.call("write_file", path="a.txt", content="a\ud800")
    assert everything_below(ada.workspace) == {}


async def test_nothing_of_the_other_profile_can_be_written(ada, bob):
    bob.put("note.txt", "private")
    (ada.workspace / "way").symlink_to(bob.workspace)
    before = everything_below(bob.home)
    for path in (str(bob.workspace / "note.txt"), "../../bob/new.txt", "way/note.txt", "way/new/x.txt", "../../../x"):
        with pytest.raises(FileRefused):
            await ada.call("write_file", path=path, content="x", cross_profile=True)
    assert everything_below(bob.home) == before


async def test_writing_over_a_hard_link_does_not_reach_its_other_name(ada, tmp_path):
    original = tmp_path.parent / f"{tmp_path.name}-outside.txt"
    original.write_text("old")
    os.link(original, ada.workspace / "linked.txt")
    await ada.call("write_file", path="linked.txt", content="new")
    assert original.read_text() == "old"


async def test_a_change_by_somebody_else_in_between_is_not_overwritten(ada):
    path = ada.put("a.txt", "old")
    files = GuardedFiles(guard_of(ada.scope))
    before = read_state(files, path)
    path.write_text("of the user")
    with pytest.raises(ToolError, match="changed by somebody else"):
        apply_changes(files, [FileChange(before, b"of the agent")])
    assert everything_below(ada.workspace) == {"a.txt": b"of the user"}


async def test_a_file_that_appeared_in_between_is_not_overwritten(ada):
    path = ada.workspace / "a.txt"
    files = GuardedFiles(guard_of(ada.scope))
    before = read_state(files, path)
    path.write_text("of the user")
    with pytest.raises(ToolError, match="changed by somebody else"):
        apply_changes(files, [FileChange(before, b"of the agent")])


async def test_when_the_second_of_two_changes_fails_the_first_is_taken_back(ada, monkeypatch):
    first, second = ada.put("a.txt", "old a"), ada.put("b.txt", "old b")
    first.chmod(0o640)
    files = GuardedFiles(guard_of(ada.scope))
    changes = [FileChange(read_state(files, path), b"new") for path in (first, second)]
    rename, calls = os.rename, []

    def fail_once(*args, **more):
        calls.append(args)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        rename(*args, **more)

    monkeypatch.setattr(os, "rename", fail_once)
    with pytest.raises(OSError, match="Input/output"):
        apply_changes(files, changes)
    assert everything_below(ada.workspace) == {"a.txt": b"old a", "b.txt": b"old b"}
    assert first.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "content", "status", "message"),
    [
        ("a.py", b"x = 1\n", "ok", ""),
        ("a.py", b"def f(:\n", "error", "line 1: invalid syntax"),
        ("a.py", b"(" * 500, "error", "too many nested parentheses"),
        ("a.py", b"x\0", "error", "null bytes"),
        ("a.json", b'{"a": 1}', "ok", ""),
        ("a.json", b'{"a": }', "error", "line 1 column 7"),
        ("a.json", b"[" * 100_000, "error", "recursion"),
        ("a.yaml", b"a: [1, 2]\n", "ok", ""),
        ("a.yml", b"a: [1, 2\nb: 3", "error", "line 2"),
        ("a.yaml", b"a: &a [x]\n" + b"b: [" + b"*a, " * 1000 + b"]", "ok", ""),
        ("a.toml", b"a = 1", "ok", ""),
        ("a.toml", b"a = ", "error", "Invalid value"),
        ("a.txt", b"(", "skipped", "no check"),
        ("Makefile", b"(", "skipped", "no check"),
        ("a.json", b" " * 600_000, "skipped", "too large"),
        ("a.py", b"#" * 101_000, "skipped", "too large"),
    ],
)
def test_a_quick_check_tells_a_broken_file(tmp_path, name, content, status, message):
    found = lint_file(tmp_path / name, content)
    assert found["status"] == status
    assert message in found["message"]


async def test_a_broken_file_is_written_all_the_same(ada):
    reply = await ada.call("write_file", path="a.py", content="def f(:\n")
    assert reply["lint"]["status"] == "error"
    assert (ada.workspace / "a.py").exists()
