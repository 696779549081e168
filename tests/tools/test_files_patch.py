from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.tools.diff import unified_diff
from hermes_trio.tools.tool import ToolError
from tests.tools.files_rig import everything_below


def patch(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


async def test_a_replacement_is_made_and_reported(ada):
    path = ada.put("a.py", "x = 1\ny = 2\n")
    reply = await ada.call("patch", mode="replace", path="a.py", old_string="x = 1", new_string="x = 3")
    assert path.read_text() == "x = 3\ny = 2\n"
    assert reply == {
        "success": True,
        "diff": f"--- {path}\n+++ {path}\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 3\n y = 2",
        "files_modified": [str(path)],
        "lint": {"status": "ok", "message": ""},
        "resolved_path": str(path),
    }


async def test_replace_all_replaces_everywhere(ada):
    path = ada.put("a.txt", "b b b")
    await ada.call("patch", mode="replace", path="a.txt", old_string="b", new_string="c", replace_all=True)
    assert path.read_text() == "c c c"


async def test_a_text_can_be_taken_out(ada):
    path = ada.put("a.txt", "keep drop")
    await ada.call("patch", mode="replace", path="a.txt", old_string=" drop", new_string="")
    assert path.read_text() == "keep"


async def test_an_error_names_the_file(ada):
    ada.put("a.txt", "x")
    with pytest.raises(ToolError, match=r"a\.txt: old_string is not in the file"):
        await ada.call("patch", mode="replace", path="a.txt", old_string="y", new_string="z")
    with pytest.raises(ToolError, match=r"b\.txt: no such file"):
        await ada.call("patch", mode="replace", path="b.txt", old_string="y", new_string="z")


@pytest.mark.parametrize("missing", ["path", "old_string", "new_string"])
async def test_a_missing_argument_is_named(ada, missing):
    arguments = {"path": "a", "old_string": "b", "new_string": "c"}
    del arguments[missing]
    with pytest.raises(ToolError, match=f"{missing} is missing"):
        await ada.call("patch", mode="replace", **arguments)
    with pytest.raises(ToolError, match="patch is missing"):
        await ada.call("patch", mode="patch")


async def test_a_patch_adds_updates_moves_and_deletes(ada):
    ada.put("a.txt", "one\ntwo\n")
    ada.put("old.txt", "x\n")
    ada.put("moved.sh", "same\n").chmod(0o755)
    text = patch(
        *("*** Update File: a.txt", "-two", "+2", "*** Delete File: old.txt", "*** Add File: new/b.txt", "+hello"),
        *("*** Move File: moved.sh -> bin/moved.sh",),
    )
    reply = await ada.call("patch", mode="patch", patch=text)
    assert everything_below(ada.workspace) == {
        "a.txt": b"one\n2\n",
        "new": None,
        "new/b.txt": b"hello\n",
        "bin": None,
        "bin/moved.sh": b"same\n",
    }
    assert (ada.workspace / "bin/moved.sh").stat().st_mode & 0o777 == 0o755
    names = ["a.txt", "old.txt", "new/b.txt", "moved.sh", "bin/moved.sh"]
    assert reply["files_modified"] == [str(ada.workspace / name) for name in names]
    assert "-two\n+2" in reply["diff"]
    assert "+++ /dev/null" in reply["diff"]


async def test_a_file_is_updated_and_moved_at_once(ada):
    ada.put("a.txt", "one\n")
    await ada.call("patch", mode="patch", patch=patch("*** Update File: a.txt", "*** Move to: b.txt", "-one", "+two"))
    assert everything_below(ada.workspace) == {"b.txt": b"two\n"}


async def test_later_operations_build_on_earlier_ones(ada):
    text = patch(
        "*** Add File: a.txt", "+one", "*** Update File: ./a.txt", "-one", "+two", "*** Move File: a.txt -> b.txt"
    )
    await ada.call("patch", mode="patch", patch=text)
    assert everything_below(ada.workspace) == {"b.txt": b"two\n"}


@pytest.mark.parametrize(
    "last",
    [
        ("*** Update File: b.txt", "-no such line"),
        ("*** Update File: missing.txt", "-x"),
        ("*** Add File: b.txt", "+there already"),
        ("*** Delete File: missing.txt",),
        ("*** Move File: a.txt -> b.txt",),
        ("*** Add File: b.txt/below", "+x"),
        ("*** Add File: " + "x" * 300, "+x"),
        ("*** Update File: image.png", "-x"),
        ("*** Add File: ../../bob/x", "+x"),
        ("*** Add File: ../.env", "+x"),
        ("*** Delete File: ../config.yaml",),
    ],
)
async def test_a_patch_with_one_bad_operation_changes_nothing(ada, last):
    ada.put("a.txt", "one\n")
    ada.put("b.txt", "two\n")
    ada.put("image.png", b"\x89PNG\0")
    before = everything_below(ada.home)
    text = patch("*** Update File: a.txt", "-one", "+1", "*** Add File: new/c.txt", "+x", *last)
    with pytest.raises((ToolError, FileRefused)):
        await ada.call("patch", mode="patch", patch=text)
    assert everything_below(ada.home) == before


async def test_nothing_of_the_other_profile_can_be_patched(ada, bob):
    note = bob.put("note.txt", "private\n")
    (ada.workspace / "way").symlink_to(bob.workspace)
    ada.put("a.txt", "x\n")
    before = everything_below(bob.home)
    for path in (str(note), "../../bob/workspace/note.txt", "way/note.txt"):
        with pytest.raises(FileRefused):
            await ada.call("patch", mode="replace", path=path, old_string="private", new_string="public")
        for operation in (("*** Delete File: " + path,), (f"*** Move File: {path} -> mine.txt",)):
            with pytest.raises(FileRefused):
                await ada.call("patch", mode="patch", patch=patch(*operation))
        with pytest.raises(FileRefused):
            await ada.call("patch", mode="patch", patch=patch(f"*** Move File: a.txt -> {path}.new"))
    assert everything_below(bob.home) == before


async def test_bytes_that_are_no_text_stay(ada):
    path = ada.put("a.txt", b"caf\xe9\none\n")
    reply = await ada.call("patch", mode="replace", path="a.txt", old_string="one", new_string="two")
    assert path.read_bytes() == b"caf\xe9\ntwo\n"
    assert json.dumps(reply)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_an_encoding_with_a_mark_stays(ada, encoding):
    path = ada.put("a.txt", "Grüße\none\n".encode(encoding))
    await ada.call("patch", mode="patch", patch=patch("*** Update File: a.txt", "-Grüße", "+Hallo"))
    assert path.read_bytes() == "Hallo\none\n".encode(encoding)


async def test_half_a_character_is_refused(ada):
    path = ada.put("a.txt", "one")
    with pytest.raises(ToolError, match="half a character"):
        await ada.call("patch", mode="replace", path="a.txt", old_string="one", new_string="\ud800")
    assert path.read_text() == "one"


async def test_a_failing_disk_changes_nothing(ada, monkeypatch):
    ada.put("a.txt", "one\n")
    before = everything_below(ada.workspace)
    rename, done = os.rename, []

    def fail_second(*args, **more):
        done.append(args)
        if len(done) == 2:
            raise OSError(28, "No space left on device")
        rename(*args, **more)

    monkeypatch.setattr(os, "rename", fail_second)
    text = patch("*** Update File: a.txt", "-one", "+1", "*** Add File: new/b.txt", "+x")
    with pytest.raises(ToolError, match="No space"):
        await ada.call("patch", mode="patch", patch=text)
    assert everything_below(ada.workspace) == before


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_a_diff_applied_gives_the_new_text(before, after):
    old, new = ("".join(f"{text}\n" for text in texts) for texts in (before, after))
    result, position = [], 0
    lines = before
    for line in unified_diff(old, new, "a").split("\n")[2:]:
        if line.startswith("@@"):
            start = max(int(line.split()[1].split(",")[0]) * -1 - 1, 0)
            result += lines[position:start]
            position = start
        elif line[:1] == "+":
            result.append(line[1:])
        else:
            assert lines[position] == line[1:]
            position += 1
            if line[:1] == " ":
                result.append(line[1:])
    assert result + lines[position:] == after


def test_a_diff_of_large_texts_is_quick_and_short():
    old = "\n".join(f"line {number}" for number in range(100_000))
    new = "\n".join(f"other {number}" for number in range(100_000))
    assert len(unified_diff(old, new, "a")) < 13_000
    one = old.replace("line 50000\n", "changed\n")
    assert "@@ -49998,7 +49998,7 @@" in unified_diff(old, one, "a")
