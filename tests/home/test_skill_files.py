"""Skills as they lie on disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.skill_files import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    SkillSet,
    head_problem,
    parse_category,
    parse_skill,
    split_head,
)
from hermes_trio.home.skill_tree import DEEPEST, SkillFolder, SkillShelf

FULL = """---
name: deploy-blog
description: How the blog
  goes online
platforms: [linux, macOS]
environments: docker
metadata:
  hermes:
    tags: [web, ops]
    related_skills: [write-post]
    requires_toolsets: [terminal]
    requires_tools: [web_search]
    fallback_for_toolsets: [browser]
prerequisites:
  env_vars: [OLD_KEY]
required_environment_variables:
  - name: DEPLOY_KEY
    prompt: The key
  - OTHER_KEY
---

# Deploy

Use ${HERMES_SKILL_DIR}/scripts/x.sh
"""


def parse(text, folder="/s/web/deploy", category="web"):
    return parse_skill(text, Path(folder), category, own=True)


def write(root: Path, path: str, text: str | None = None) -> Path:
    name = path.rsplit("/", 1)[-1]
    file = root / path / "SKILL.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text or f"---\nname: {name}\ndescription: About {name}\n---\nDo it.\n")
    return file


def shelf(*folders: Path, may_read=lambda path: False) -> SkillShelf:
    return SkillShelf(tuple(SkillFolder(path, own=index == 0) for index, path in enumerate(folders)), may_read)


def names(skills: SkillSet) -> list[str]:
    return [skill.name for skill in skills.skills]


def test_a_head_says_everything():
    skill = parse(FULL)
    assert (skill.name, skill.description, skill.category) == ("deploy-blog", "How the blog goes online", "web")
    assert (skill.platforms, skill.environments) == (("linux", "macos"), ("docker",))
    assert (skill.tags, skill.related_skills) == (("web", "ops"), ("write-post",))
    assert (skill.requires, skill.fallback_for) == (("terminal", "web_search"), ("browser",))
    assert skill.required_variables == ("DEPLOY_KEY", "OTHER_KEY", "OLD_KEY")
    assert (skill.path, skill.file) == ("web/deploy", Path("/s/web/deploy/SKILL.md"))


def test_the_text_below_the_head_is_left_as_it_is():
    head, body = split_head(FULL, Path("x"))
    assert head["name"] == "deploy-blog"
    assert body == "\n# Deploy\n\nUse ${HERMES_SKILL_DIR}/scripts/x.sh\n"
    assert split_head("---\r\nname: a\r\n---\r\ntext", Path("x")) == ({"name": "a"}, "text")
    assert split_head("\ufeff---\nname: a\n---\ntext", Path("x"))[1] == "text"
    assert split_head("---\n---\ntext", Path("x")) == ({}, "text")
    assert split_head("no head\n---\n", Path("x")) == ({}, "no head\n---\n")


def test_without_a_head_the_folder_names_it_and_the_first_line_describes_it():
    skill = parse("\n\n# Doing things\n\nmore")
    assert (skill.name, skill.description) == ("deploy", "Doing things")


def test_a_head_that_is_not_yaml_still_gives_name_and_description():
    skill = parse('---\nname: deploy\ndescription: "Use it: always"\ntags: [a\n---\ntext')
    assert (skill.name, skill.description) == ("deploy", "Use it: always")
    skill = parse("---\nname: deploy\ndescription: When: asked to deploy\n---\ntext")
    assert (skill.name, skill.description) == ("deploy", "When: asked to deploy")


def test_a_head_cannot_name_code():
    skill = parse("---\nname: !!python/object/apply:os.system [echo]\ndescription: d\n---\ntext")
    assert skill.description == "d"
    assert "python" not in skill.required_variables


def test_names_and_descriptions_are_one_line_of_bounded_length():
    skill = parse(f'---\nname: {"n" * 200}\ndescription: "a\\nb\\e[31m{"d" * 3000}"\n---\nx')
    assert len(skill.name) == LONGEST_NAME
    assert len(skill.description) == LONGEST_DESCRIPTION
    assert skill.description.startswith("a b [31m")


@pytest.mark.parametrize(
    ("head", "system", "environments", "fits"),
    [
        ("platforms: [linux]", "linux", frozenset(), True),
        ("platforms: [macos]", "linux", frozenset(), False),
        ("platforms: [macos]", "darwin", frozenset(), True),
        ("platforms: windows", "win32", frozenset(), True),
        ("platforms: []", "linux", frozenset(), True),
        ("environments: [docker]", "linux", frozenset(), False),
        ("environments: [docker, s6]", "linux", frozenset({"s6"}), True),
        ("x: 1", "linux", frozenset(), True),
    ],
)
def test_a_skill_is_for_some_machines(head, system, environments, fits):
    assert parse(f"---\n{head}\n---\nx").fits(system, environments) is fits


def test_a_skill_is_offered_with_what_it_needs_and_without_what_replaces_it():
    skill = parse(FULL)
    assert skill.offered_with(frozenset({"terminal", "web_search", "x"}))
    assert not skill.offered_with(frozenset({"terminal"}))
    assert not skill.offered_with(frozenset({"terminal", "web_search", "browser"}))


HEAD = "---\nname: deploy\ndescription: d\n---\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("text", "must begin with"),
        ("---\nname: [\n---\nx", "not valid"),
        ("---\ndescription: d\n---\nx", "needs a 'name'"),
        ("---\nname: 5\ndescription: d\n---\nx", "needs a 'name'"),
        (f"---\nname: {'n' * 65}\ndescription: d\n---\nx", "at most 64"),
        ("---\nname: a\n---\nx", "needs a 'description'"),
        (f"---\nname: a\ndescription: {'d' * 1025}\n---\nx", "at most 1024"),
        ("---\nname: a\ndescription: d\n---\n \n", "no text"),
        (f"{HEAD}text", None),
        (f"---\nname: {'n' * 64}\ndescription: {'d' * 1024}\n---\nx", None),
    ],
)
def test_what_is_written_must_be_in_order(text, words):
    problem = head_problem(text, Path("SKILL.md"))
    assert problem is None if words is None else words in problem


@given(st.text())
def test_no_text_is_an_error(text):
    for candidate in (text, f"---\n{text}\n---\nx", f"---\nname: {text}\nmetadata:\n  hermes: {text}\n---\n"):
        skill = parse(candidate)
        assert 0 < len(skill.name) <= LONGEST_NAME
        assert "\n" not in skill.name + skill.description
        head_problem(candidate, Path("x"))


def test_a_category_has_a_description():
    assert parse_category("---\ndescription: Things on\n  the web\n---\n", Path("x")) == "Things on the web"
    assert parse_category("# Web things\n", Path("x")) == "Web things"


def test_skills_are_found_in_categories_and_beside_them(tmp_path):
    for path in ("plain", "web/deploy", "web/static/hugo", "ops/backup"):
        write(tmp_path, path)
    (tmp_path / "web" / "DESCRIPTION.md").write_text("---\ndescription: Things on the web\n---\n")
    found = shelf(tmp_path).read()
    assert [(skill.category, skill.name) for skill in found.skills] == [
        ("", "plain"), ("ops", "backup"), ("web", "deploy"), ("web/static", "hugo"),
    ]  # fmt: skip
    assert dict(found.categories) == {"web": "Things on the web"}
    assert all(skill.own for skill in found.skills)


def test_what_is_no_skill_is_not_one(tmp_path):
    for path in ("ok", ".archive/old", ".hub/quarantine/bad", "x/node_modules/y", "venv/z", "ok/references/inner"):
        write(tmp_path, path)
    write(tmp_path, "/".join(["deep"] * (DEEPEST + 1)))
    (tmp_path / "SKILL.md").write_text("---\nname: top\n---\nx")
    (tmp_path / "dir" / "SKILL.md").mkdir(parents=True)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "SKILL.md")
    assert names(shelf(tmp_path).read()) == ["ok"]
    assert shelf(tmp_path / "nowhere").read() == SkillSet()


def test_the_first_folder_wins(tmp_path):
    write(tmp_path / "own", "deploy")
    write(tmp_path / "shared", "deploy", "---\nname: deploy\ndescription: other\n---\nx")
    write(tmp_path / "shared", "extra")
    found = shelf(tmp_path / "own", tmp_path / "shared").read()
    assert [(skill.name, skill.own, skill.description) for skill in found.skills] == [
        ("deploy", True, "About deploy"), ("extra", False, "About extra"),
    ]  # fmt: skip


def test_a_skill_is_found_by_name_folder_and_path(tmp_path):
    write(tmp_path, "web/folder", "---\nname: named\ndescription: d\n---\nx")
    write(tmp_path, "web/other", "---\nname: folder\ndescription: d\n---\nx")
    found = shelf(tmp_path).read()
    assert found.find("named").name == "named"
    assert found.find("folder").folder.name == "other"  # the name counts more
    assert found.find("web/folder").name == "named"
    assert found.find("nothing") is None


def test_links_are_followed_where_the_agent_may_read(tmp_path):
    outside = tmp_path / "outside"
    write(outside, "linked")
    write(outside, "file")
    skills = tmp_path / "skills"
    (skills / "file").mkdir(parents=True)
    (skills / "linked").symlink_to(outside / "linked")
    (skills / "file" / "SKILL.md").symlink_to(outside / "file" / "SKILL.md")
    (skills / "circle").symlink_to(skills)
    assert names(shelf(skills).read()) == []
    assert names(shelf(skills, may_read=lambda path: True).read()) == ["file", "linked"]
    assert names(shelf(skills, may_read=lambda path: path == skills / "linked").read()) == ["linked"]


def test_a_file_with_other_names_is_asked_about_where_the_agent_could_have_made_it(tmp_path):
    write(tmp_path / "own", "mine")
    (tmp_path / "own" / "copy").mkdir()
    (tmp_path / "own" / "copy" / "SKILL.md").hardlink_to(write(tmp_path / "shared", "theirs"))
    asked = []
    found = shelf(tmp_path / "own", tmp_path / "shared", may_read=lambda path: bool(asked.append(path))).read()
    assert [(skill.name, skill.own) for skill in found.skills] == [("mine", True), ("theirs", False)]
    assert asked == [tmp_path / "own" / "copy" / "SKILL.md"]


def test_a_name_yaml_takes_for_something_else_is_a_name(tmp_path):
    assert parse("---\nname: off\ndescription: 1.10\n---\nx").name == "off"
    assert parse("---\nname: off\ndescription: 1.10\n---\nx").description == "1.10"


def test_only_what_changed_is_read_again(tmp_path, recorder):
    first, second = write(tmp_path, "one"), write(tmp_path, "two")
    both = shelf(tmp_path)
    before = both.read()
    recorder.paths.clear()
    assert both.read() is before
    assert not [path for path in recorder.paths if path.name == "SKILL.md"]
    first.write_text("---\nname: one\ndescription: new\n---\nx")
    os.utime(first, ns=(1, 1))
    recorder.paths.clear()
    after = both.read()
    assert [path for path in recorder.paths if path.name == "SKILL.md"] == [first]
    assert after.find("one").description == "new"
    second.unlink()
    assert names(both.read()) == ["one"]


def test_a_hundred_skills_are_looked_at_quickly(tmp_path):
    for number in range(100):
        write(tmp_path, f"c{number % 7}/skill{number}")
    many = shelf(tmp_path)
    many.read()
    began = time.perf_counter()
    many.read()
    assert time.perf_counter() - began < 0.1
