from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.home.agent_config import TerminalConfig
from hermes_trio.home.file_guard import FileRefused, make_file_guard
from hermes_trio.home.paths import HomePaths
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.tools import files_search, search_walk
from hermes_trio.tools.paths import FilePlace
from hermes_trio.tools.patterns import compile_expression, compile_glob
from hermes_trio.tools.search_findings import SearchRequest
from hermes_trio.tools.search_listing import read_listing
from hermes_trio.tools.search_walk import WalkingSearch, find_lines
from hermes_trio.tools.tool import ToolError
from tests.tools.files_rig import open_agents


def put_project(agent) -> None:
    agent.put("a.py", "import os\n\ndef main():\n    return 1\n")
    agent.put("sub/b.py", "def main():\n    pass\n")
    agent.put("sub/c.txt", "main street\n")
    agent.put("image.png", b"\x89PNG\0main")


async def test_lines_are_found_with_their_places(ada):
    put_project(ada)
    assert await ada.call("search_files", pattern=r"def \w+") == {
        "total_count": 2,
        "matches": [
            {"path": "a.py", "line": 3, "content": "def main():"},
            {"path": "sub/b.py", "line": 1, "content": "def main():"},
        ],
    }


async def test_what_was_found_can_be_read_by_its_path(ada):
    put_project(ada)
    for path in (".", "sub", "sub/b.py", str(ada.workspace), str(ada.workspace / "sub" / "..")):
        reply = await ada.call("search_files", pattern="pass", path=path)
        (match,) = reply["matches"]
        assert "pass" in (await ada.call("read_file", path=match["path"]))["content"]


async def test_nothing_found_is_no_error(ada):
    assert await ada.call("search_files", pattern="x") == {"total_count": 0, "matches": []}
    assert await ada.call("search_files", pattern="x", target="files") == {"total_count": 0, "files": []}


async def test_only_files_that_fit_a_glob_are_searched(ada):
    put_project(ada)
    reply = await ada.call("search_files", pattern="main", file_glob="*.{txt,md}")
    assert [match["path"] for match in reply["matches"]] == ["sub/c.txt"]


async def test_files_or_counts_can_be_asked_for(ada):
    ada.put("a.txt", "x\nx\n")
    ada.put("b.txt", "x\n")
    assert await ada.call("search_files", pattern="x", output_mode="files_only") == {
        "total_count": 2,
        "files": ["a.txt", "b.txt"],
    }
    assert await ada.call("search_files", pattern="x", output_mode="count") == {
        "total_count": 3,
        "counts": {"a.txt": 2, "b.txt": 1},
    }


@pytest.mark.parametrize("mode", ["content", "files_only", "count"])
async def test_results_come_in_pages(ada, mode):
    for number in range(10):
        ada.put(f"{number}.txt", "x\n")
    seen, offset = [], 0
    while True:
        reply = await ada.call("search_files", pattern="x", limit=4, offset=offset, output_mode=mode)
        assert reply["total_count"] == 10
        found = reply.get("matches") or reply.get("files") or list(reply["counts"])
        seen += [entry["path"] if mode == "content" else entry for entry in found]
        if "hint" not in reply:
            break
        offset = int(reply["hint"].removeprefix("more with offset="))
    assert seen == [f"{number}.txt" for number in range(10)]


async def test_lines_around_a_match_can_be_shown(ada):
    ada.put("a.txt", "1\n2\n3\n4\n5\n")
    (match,) = (await ada.call("search_files", pattern="3", context=1))["matches"]
    assert match == {"path": "a.txt", "line": 3, "content": "3", "before": ["2"], "after": ["4"]}
    (match,) = (await ada.call("search_files", pattern="5", context=9))["matches"]
    assert (match["before"], match["after"]) == (["1", "2", "3", "4"], [])


async def test_files_are_found_by_name_the_latest_first(ada):
    for age, name in enumerate(["new.py", "sub/old.py", "sub/oldest.py"]):
        os.utime(ada.put(name, ""), (1_000_000 - age, 1_000_000 - age))
    ada.put("a.txt", "")
    reply = await ada.call("search_files", pattern="*.py", target="files")
    assert reply == {"total_count": 3, "files": ["new.py", "sub/old.py", "sub/oldest.py"]}
    assert (await ada.call("search_files", pattern="sub/*", target="files"))["total_count"] == 2
    assert (await ada.call("search_files", pattern="old", target="files"))["total_count"] == 2
    page = await ada.call("search_files", pattern="*.py", target="files", limit=1, offset=1)
    assert (page["files"], page["hint"]) == (["sub/old.py"], "more with offset=2")


async def test_hidden_and_installed_files_are_passed_over_unless_named(ada):
    for name in (".git/config", ".hidden", "node_modules/x/a.js", "__pycache__/a.txt", "a.txt"):
        ada.put(name, "x\n")
    assert [match["path"] for match in (await ada.call("search_files", pattern="x"))["matches"]] == ["a.txt"]
    assert (await ada.call("search_files", pattern="x", path=".git"))["total_count"] == 1
    assert (await ada.call("search_files", pattern="x", path=".hidden"))["matches"][0]["path"] == ".hidden"


async def test_a_huge_line_is_shown_around_the_match(ada):
    ada.put("a.js", "a" * 50_000 + "needle" + "b" * 50_000)
    (match,) = (await ada.call("search_files", pattern="needle"))["matches"]
    assert "needle" in match["content"]
    assert len(match["content"]) < 500


async def test_a_reply_is_no_longer_than_it_may_be(tmp_path):
    async with open_agents(tmp_path, "ada", config={"tool_output": {"max_bytes": 4000}}) as (ada,):
        ada.put("a.txt", f"{'x' * 200}\n" * 100)
        reply = await ada.call("search_files", pattern="x", limit=100)
        assert reply["total_count"] == 100
        assert 5 < len(reply["matches"]) < 15
        assert reply["hint"] == f"more with offset={len(reply['matches'])}"


async def test_a_search_stops_when_it_has_found_far_too_much(ada, monkeypatch):
    monkeypatch.setattr("hermes_trio.tools.search_findings.MOST_FOUND", 100)
    ada.put("a.txt", "x\n" * 1000)
    reply = await ada.call("search_files", pattern="x")
    assert reply["total_count"] == 100
    assert "be more precise" in reply["incomplete"]


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", "a{1000}{1000}", "", "x" * 3000, "\ud800"])
async def test_what_is_no_pattern_is_explained(ada, pattern):
    with pytest.raises(ToolError, match="pattern"):
        await ada.call("search_files", pattern=pattern)


async def test_a_missing_place_is_an_error(ada):
    with pytest.raises(ToolError, match="no such file"):
        await ada.call("search_files", pattern="x", path="missing")


async def test_nothing_of_the_other_profile_is_found(ada, bob):
    bob.put("note.txt", "private CANARY\n")
    (ada.workspace / "way").symlink_to(bob.workspace)
    (ada.workspace / "file.txt").symlink_to(bob.workspace / "note.txt")
    os.link(bob.workspace / "note.txt", ada.workspace / "hard.txt")
    for target in ("content", "files"):
        for path in (".", "..", str(ada.home)):
            pattern = "CANARY" if target == "content" else "note.txt"
            assert (await ada.call("search_files", pattern=pattern, path=path, target=target))["total_count"] == 0
        for path in (str(bob.workspace), "../../bob", "../..", "way", "way/note.txt", "file.txt", "hard.txt"):
            with pytest.raises(FileRefused):
                await ada.call("search_files", pattern=".", path=path, target=target)
    assert (await ada.call("search_files", pattern="hard*", target="files"))["total_count"] == 0


async def test_a_search_from_above_all_homes_enters_none_of_another(tmp_path):
    async with open_agents(tmp_path / "top" / "hermes", "default", "ada") as (default, ada):
        (tmp_path / "top" / "free.txt").write_text("CANARY\n")
        ada.put("note.txt", "CANARY\n")
        default.put("mine.txt", "CANARY\n")
        for agent, found in ((ada, ["free.txt"]), (default, ["free.txt", "mine.txt"])):
            reply = await agent.call("search_files", pattern="CANARY", path=str(tmp_path / "top"))
            assert [Path(match["path"]).name for match in reply["matches"]] == found


async def test_own_secrets_are_not_found(ada):
    reply = await ada.call("search_files", pattern="test-key", path="..")
    assert reply["total_count"] == 0


async def test_a_cancelled_search_ends_between_two_steps_and_closes_everything(ada, monkeypatch):
    monkeypatch.setattr(search_walk, "_FILES_AT_ONCE", 1)
    for number in range(20):
        ada.put(f"{number}/a.txt", "x\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    steps = []
    step = WalkingSearch.step

    def count_and_cancel(search):
        steps.append(search)
        if len(steps) == 5:
            scope.cancel()
        return step(search)

    monkeypatch.setattr(WalkingSearch, "step", count_and_cancel)
    with trio.CancelScope() as scope:
        await ada.call("search_files", pattern="x")
    assert scope.cancelled_caught
    assert len(steps) == 5
    assert len(list(Path("/proc/self/fd").iterdir())) == before


LISTS = """#!/bin/sh
printf 'sub/b.txt\\0a.txt\\0node_modules/x.txt\\0../../bob/workspace/note.txt\\0way/note.txt\\0gone.txt\\0.env\\0'
"""


@pytest.mark.slow
@pytest.mark.parametrize("script", [LISTS, "#!/bin/sh\nexit 2\n", "no program"])
async def test_ripgrep_is_asked_for_names_only(tmp_path, script):
    """It may leave files out, but nothing that it names is opened without the guard, and without it all goes on."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "rg").write_text(script)
    (programs / "rg").chmod(0o755)
    async with open_agents(tmp_path / "hermes", "ada", "bob", base={"PATH": str(programs)}) as (ada, bob):
        bob.put("note.txt", "x CANARY\n")
        for name in ("a.txt", "sub/b.txt", "ignored.txt", "node_modules/x.txt"):
            ada.put(name, "x\n")
        (ada.workspace / "way").symlink_to(bob.workspace)
        reply = await ada.call("search_files", pattern="x")
        every = ["a.txt", "ignored.txt", "sub/b.txt"]
        assert [match["path"] for match in reply["matches"]] == (["a.txt", "sub/b.txt"] if script == LISTS else every)
        reply = await ada.call("search_files", pattern="CANARY", path=str(tmp_path))
        assert [Path(match["path"]).name for match in reply["matches"]] == (["rg"] if "CANARY" in script else [])


async def test_what_cannot_be_read_is_passed_over(ada, monkeypatch):
    ada.put("a.txt", "x\n")
    ada.put("b.txt", "x\n")
    os.mkfifo(ada.workspace / "pipe")
    opened = os.open

    def deny(path, *args, **more):
        if path == "a.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", deny)
    assert [match["path"] for match in (await ada.call("search_files", pattern="x"))["matches"]] == ["b.txt"]


@pytest.mark.parametrize(
    ("glob", "fitting", "other"),
    [
        ("*.py", ["a.py", "x/y/a.py", ".py"], ["a.pyc", "a.py/b"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py", "x/src/a.py"]),
        ("src/**/*.py", ["src/a.py", "src/x/y/a.py"], ["a.py"]),
        ("**/test", ["test", "a/b/test"], ["atest"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["docs"]),
        ("a?c", ["abc", "x/abc"], ["ac", "a/c"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt"]),
        ("*.{js,ts}", ["a.js", "a.ts"], ["a.jsx", "a.{js,ts}"]),
        ("a.b+c", ["a.b+c"], ["aXb+c", "a.bbc"]),
        ("{a,b", ["a", "b"], ["c"]),
        ("[", ["["], ["a"]),
        (r"\*", ["*"], ["a"]),
        ("ä*", ["äx"], ["a"]),
    ],
)
def test_globs_mean_what_people_expect(glob, fitting, other):
    pattern = compile_glob(glob)
    assert [name for name in fitting + other if pattern.fullmatch(name.encode())] == fitting


@given(st.text(st.sampled_from("ab*?[]{},!/\\.^-"), min_size=1, max_size=12))
def test_any_glob_is_compiled_or_refused(glob):
    try:
        compile_glob(glob).fullmatch(b"a/b.a")
    except ToolError as error:
        assert error.where == "pattern"  # noqa: PT017  either is fine, anything else is not


def test_a_pattern_made_to_take_for_ever_does_not():
    pattern = compile_expression(r"(x+x+)+y")
    assert list(find_lines(pattern, b"x" * 100_000)) == []
    assert compile_glob("*a" * 50).fullmatch(b"a" * 5000 + b"b") is None


expression = st.sampled_from(
    ["a", "b+", "^a", "a$", "^$", "x*", "a.b", "[^a]", r"\s", r"a\s*b", r"\bb", "a|b", "(?i)A"]
)
content = st.text(st.sampled_from("ab \n\t"), max_size=60)


@given(expression, content)
def test_lines_are_found_as_a_naive_search_finds_them(pattern, text):
    data = text.encode()
    lines = text.split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    wanted = [(number, line) for number, line in enumerate(lines, 1) if re.search(pattern, line)]
    found = [(line[0], data[line[1] : line[2]].decode()) for line in find_lines(compile_expression(pattern), data)]
    assert found == wanted


names = st.lists(st.sampled_from(["a", "b.py", "c.txt", ".h", "node_modules", "d"]), min_size=1, max_size=3).map(
    "/".join
)
trees = st.dictionaries(names, content, max_size=8)


@settings(max_examples=20)
@given(trees, expression, st.sampled_from(["", "*.py", "d/*", "*"]))
def test_a_walk_agrees_with_a_naive_reference(tmp_path_factory, tree, pattern, glob):
    home = HomePaths(tmp_path_factory.mktemp("home"))
    paths = home.profile("ada")
    paths.workspace.mkdir(parents=True)
    for name, text in tree.items():
        path = paths.workspace / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError:  # a name that is a file and a folder
            continue
    place = FilePlace(make_file_guard(home.root, paths), TerminalConfig(), paths, home.root)
    search = WalkingSearch(place, SearchRequest(pattern, file_glob=glob, limit=500))
    search.begin()
    while not search.step():
        pass
    search.close()
    found = [(match["path"], match["line"]) for match in search.findings.reply()["matches"]]
    assert found == list(naive(paths.workspace, pattern, glob))


def naive(top: Path, pattern: str, glob: str):
    files = sorted((path.relative_to(top) for path in top.rglob("*") if path.is_file()), key=lambda path: path.parts)
    for path in files:
        if any(part.startswith(".") or part == "node_modules" for part in path.parts[:-1]) or path.name.startswith("."):
            continue
        if glob and not (path.match(glob) if "/" not in glob else path.parts[0] == "d" and len(path.parts) == 2):
            continue
        lines = (top / path).read_text().split("\n")
        for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
            if re.search(pattern, line):
                yield str(path), number


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_a_listing_comes_folder_by_folder(parts):
    paths = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)} | set(parts)
    data = b"\0".join(f"./{path}".encode() for path in paths)
    assert read_listing(data + b"\0") == tuple(sorted(paths, key=lambda path: path.encode().split(b"/")))


def test_a_name_that_was_cut_off_is_no_file():
    assert read_listing(b"./a.py\0./src/b.py\0./src/c.p") == ("a.py", "src/b.py")


async def test_a_listing_is_read_in_a_worker_for_it_may_be_long(tmp_path, monkeypatch):
    threads = []

    def read(data: bytes) -> tuple[str, ...]:
        threads.append(threading.current_thread())
        return read_listing(data)

    async def list_nothing(_program, _folder):
        return b""

    monkeypatch.setattr(files_search, "read_listing", read)
    monkeypatch.setattr(files_search, "list_files", list_nothing)
    monkeypatch.setattr(files_search.shutil, "which", lambda *_, **__: "/usr/bin/rg")
    async with open_agents(tmp_path, "ada", workers=ThreadWorkers()) as (ada,):
        await ada.call("search_files", pattern="x")
    assert threads
    assert threading.main_thread() not in threads
