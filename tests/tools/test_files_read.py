from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.tools.files_read import Page, _page_of
from hermes_trio.tools.tool import ToolError
from tests.tools.files_rig import open_agents

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


async def test_a_file_comes_with_line_numbers(ada):
    ada.put("a.txt", "one\ntwo\n")
    assert await ada.call("read_file", path="a.txt") == {
        "content": "1|one\n2|two",
        "total_lines": 2,
        "file_size": 8,
        "truncated": False,
        "is_binary": False,
        "is_image": False,
    }


async def test_pages_follow_each_other_without_gap(ada):
    ada.put("a.txt", "".join(f"line {number}\n" for number in range(1, 11)))
    first = await ada.call("read_file", path="a.txt", limit=4)
    assert first["content"].splitlines()[-1] == "4|line 4"
    assert (first["total_lines"], first["truncated"], first["hint"]) == (10, True, "continue with offset=5")
    last = await ada.call("read_file", path="a.txt", offset=9)
    assert (last["content"], last["truncated"]) == ("9|line 9\n10|line 10", False)


async def test_beyond_the_end_there_is_nothing(ada):
    ada.put("a.txt", "one\ntwo\n")
    reply = await ada.call("read_file", path="a.txt", offset=9)
    assert (reply["content"], reply["total_lines"], reply["hint"]) == ("", 2, "the file has 2 lines only")


async def test_an_empty_file_is_empty(ada):
    ada.put("a.txt", "")
    reply = await ada.call("read_file", path="a.txt")
    assert (reply["content"], reply["total_lines"], reply["truncated"]) == ("", 0, False)


async def test_a_page_is_no_longer_than_a_reply_may_be(tmp_path):
    async with open_agents(tmp_path, "ada", config={"file_read_max_chars": 1000}) as (ada,):
        ada.put("a.txt", "".join(f"line {number}\n" for number in range(1, 1001)))
        reply = await ada.call("read_file", path="a.txt")
        shown = reply["content"].count("\n") + 1
        assert 40 < shown < 100
        assert reply["hint"] == f"continue with offset={shown + 1}"


async def test_a_long_line_is_shortened_and_says_so(ada):
    ada.put("a.txt", "x" * 100_000 + "\nnext\n")
    first, second = (await ada.call("read_file", path="a.txt"))["content"].split("\n")
    assert first.endswith("[... 98000 more]")
    assert len(first) < 2100
    assert second == "2|next"


async def test_windows_line_ends_are_not_shown(ada):
    ada.put("a.txt", "one\r\ntwo\r\n")
    assert (await ada.call("read_file", path="a.txt"))["content"] == "1|one\n2|two"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_encodings_with_a_mark_are_understood(ada, encoding):
    ada.put("a.txt", "Grüße\nзавтра\n".encode(encoding))
    reply = await ada.call("read_file", path="a.txt")
    assert (reply["content"], reply["total_lines"]) == ("1|Grüße\n2|завтра", 2)


async def test_bytes_that_are_no_text_are_replaced(ada):
    ada.put("a.txt", b"caf\xe9\n")
    assert (await ada.call("read_file", path="a.txt"))["content"] == "1|caf\ufffd"


async def test_an_image_is_not_shown_as_text(ada):
    ada.put("a.png", PNG)
    reply = await ada.call("read_file", path="a.png")
    assert (reply["is_image"], reply["is_binary"], reply["content"]) == (True, True, "")
    assert "vision_analyze" in reply["error"]


async def test_a_binary_file_is_not_shown_as_text(ada):
    ada.put("a.bin", b"abc\0def")
    reply = await ada.call("read_file", path="a.bin")
    assert (reply["is_image"], reply["is_binary"], reply["content"]) == (False, True, "")


async def test_a_missing_file_brings_similar_names(ada):
    ada.put("report.txt", "x")
    with pytest.raises(ToolError, match=r"no such file.*did you mean report\.txt\?"):
        await ada.call("read_file", path="reprot.txt")


async def test_a_folder_is_not_read(ada):
    with pytest.raises(ToolError, match=r"this is a folder.*search_files"):
        await ada.call("read_file", path=".")


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "x" * 5000, "\ud800"])
async def test_what_is_no_path_is_refused(ada, path):
    with pytest.raises(ToolError, match="not a path"):
        await ada.call("read_file", path=path)


async def test_relative_paths_begin_in_the_workspace_and_without_one_in_the_home(ada):
    ada.put("a.txt", "workspace")
    (ada.home / "a.txt").write_text("home")
    assert (await ada.call("read_file", path="a.txt"))["content"] == "1|workspace"
    (ada.workspace / "a.txt").unlink()
    ada.workspace.rmdir()
    assert (await ada.call("read_file", path="a.txt"))["content"] == "1|home"


async def test_relative_paths_begin_in_the_folder_of_the_settings(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.txt").write_text("project")
    async with open_agents(tmp_path / "hermes", "ada", config={"terminal": {"cwd": str(project)}}) as (ada,):
        assert (await ada.call("read_file", path="./a.txt"))["content"] == "1|project"


async def test_a_tilde_is_the_home_of_the_users_commands(tmp_path):
    user = tmp_path / "user"
    user.mkdir()
    (user / "a.txt").write_text("of the user")
    async with open_agents(tmp_path / "hermes", "ada", base={"HOME": str(user)}) as (ada,):
        assert (await ada.call("read_file", path="~/a.txt"))["content"] == "1|of the user"
        ada.scope.home.terminal_home.mkdir()
        (ada.scope.home.terminal_home / "a.txt").write_text("of the profile")
        assert (await ada.call("read_file", path="~/a.txt"))["content"] == "1|of the profile"
        with pytest.raises(ToolError, match="~root has no meaning"):
            await ada.call("read_file", path="~root/a.txt")


async def test_nothing_of_the_other_profile_can_be_read(ada, bob):
    note = bob.put("note.txt", "private")
    for path in (str(note), "../../bob/workspace/note.txt", "../../../SOUL.md", str(bob.home / "missing")):
        with pytest.raises(FileRefused, match="belongs to another profile"):
            await ada.call("read_file", path=path)


async def test_a_refusal_says_nothing_about_what_is_there(ada, bob):
    note = bob.put("note.txt", "private")

    async def said(path):
        with pytest.raises(FileRefused) as caught:
            await ada.call("read_file", path=str(path))
        return str(caught.value).replace(str(path), "")

    assert await said(note) == await said(note.with_name("missing")) == await said(note / "below")


async def test_a_shared_folder_can_be_read_by_both(ada, bob, tmp_path):
    shared = tmp_path.parent / f"{tmp_path.name}-shared"
    shared.mkdir()
    (shared / "a.txt").write_text("for both")
    for agent in (ada, bob):
        assert (await agent.call("read_file", path=str(shared / "a.txt")))["content"] == "1|for both"


lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30), max_size=30)


@given(lines, st.booleans(), st.integers(1, 40), st.integers(1, 40), st.integers(700, 3000))
def test_a_page_is_exactly_the_wanted_lines(texts, final, offset, limit, characters):
    data = "\n".join(texts) + ("\n" if final and texts else "")
    wanted = data.split("\n")
    wanted = wanted[:-1] if wanted[-1] == "" else wanted
    found = _page_of(io.BytesIO(data.encode()), Page(offset, limit, characters, 2000))
    content = found.get("content", "")
    shown = content.split("\n") if "content" in found and content else []
    numbered = [f"{number}|{text}" for number, text in enumerate(wanted, 1)][offset - 1 :][:limit]
    assert shown == numbered[: len(shown)]
    assert found["total_lines"] == len(wanted)
    assert len(shown) == len(numbered) or found["truncated"]
    assert bool(found.get("truncated")) == (offset <= len(wanted) and offset - 1 + len(shown) < len(wanted))
