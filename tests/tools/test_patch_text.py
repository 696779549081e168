from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.tools.patch_apply import apply_hunks, replace_text
from hermes_trio.tools.patch_text import Action, FileOperation, Hunk, PatchError, parse_patch
from hermes_trio.tools.tool import ToolError

SOURCE = """\
class A:
    def run(self):
        return 1

class B:
    def run(self):
        return 1
"""


def update(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", "*** Update File: a.py", *lines, "*** End Patch"])


def apply(text: str, *lines: str) -> str:
    (operation,) = parse_patch(update(*lines))
    return apply_hunks(text, operation.hunks)


def test_a_patch_names_what_happens_to_each_file():
    operations = parse_patch("""\
*** Begin Patch
*** Add File: new.txt
+one
+
+two
*** Delete File: old.txt
*** Update File: a.py
*** Move to: b.py
@@ def f():
-old
+new
*** Move File: c.py -> d.py
*** End Patch
""")
    assert operations == (
        FileOperation(Action.ADD, "new.txt", content="one\n\ntwo\n"),
        FileOperation(Action.DELETE, "old.txt"),
        FileOperation(Action.UPDATE, "a.py", hunks=(Hunk(("-old", "+new"), ("def f():",)),), move_to="b.py"),
        FileOperation(Action.UPDATE, "c.py", move_to="d.py"),
    )


def test_text_around_a_patch_is_ignored_and_its_end_may_be_missing():
    text = "Here it is:\n```\n*** Begin Patch\n*** Delete File: a\n"
    assert parse_patch(text + "*** End Patch\n```\nDone") == parse_patch(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "changes no file"),
        ("*** Begin Patch\n*** End Patch", "changes no file"),
        ("*** Begin Patch\nhello\n*** End Patch", r"line 2 of the patch: no operation.*'hello'"),
        ("*** Begin Patch\n*** Update File:\n*** End Patch", "no operation"),
        ("*** Begin Patch\n*** Update File: a\n*** End Patch", "no change of a"),
        ("*** Begin Patch\n*** Update File: a\nkeep\n*** End Patch", r"line 3 of the patch: a line of a hunk"),
        ("*** Begin Patch\n*** Update File: a\n@@ x\n*** End Patch", "a hunk without lines"),
        ("*** Begin Patch\n*** Add File: a\ntext\n*** End Patch", "a line of a new file"),
        ("*** Begin Patch\n*** Move File: a b\n*** End Patch", "no new path"),
        ("*** Begin Patch\n*** Update File: a\n-x\n*** Copy File: b\n*** End Patch", "no operation"),
    ],
)
def test_a_mistake_in_a_patch_is_explained(text, problem):
    with pytest.raises(PatchError, match=problem):
        parse_patch(text)


@given(
    st.text(st.sampled_from("*+-@ ab\n>:")) | st.lists(st.sampled_from(update("@@ x", " a", "-b", "+c").split("\n")))
)
def test_whatever_the_text_it_is_a_patch_or_an_error(text):
    try:
        parse_patch(text if isinstance(text, str) else "\n".join(text))
    except PatchError as error:
        assert str(error)  # noqa: PT017  either is fine, anything else is not


def test_a_hunk_is_found_by_its_lines():
    assert apply("a\nb\nc\n", " a", "-b", "+B", " c") == "a\nB\nc\n"


def test_a_header_says_below_which_line_to_look():
    assert apply(SOURCE, "@@ class B:", "-        return 1", "+        return 2") == SOURCE[:-2] + "2\n"


def test_several_headers_narrow_it_down():
    lines = ("@@ class B:", "@@ def run(self):", "-        return 1", "+        return 2")
    assert apply(SOURCE, *lines) == SOURCE[:-2] + "2\n"


def test_without_lines_to_keep_new_ones_come_below_the_header_or_at_the_end():
    assert apply("a\nb\n", "@@ a", "+x") == "a\nx\nb\n"
    assert apply("a\nb\n", "+x") == "a\nb\nx\n"
    assert apply("", "+x") == "x\n"


def test_the_end_of_the_file_can_be_meant():
    assert apply("a\nb\na\n", "-a", "+x", "*** End of File") == "a\nb\nx\n"


def test_a_place_that_is_not_unique_is_refused_with_the_lines():
    with pytest.raises(PatchError, match=r"hunk 1 fits at 2 places, lines 3, 7.*@@"):
        apply(SOURCE, "-        return 1", "+        return 2")


def test_a_place_that_is_not_there_is_refused_with_what_is_like_it():
    with pytest.raises(PatchError, match=r"hunk 1 does not fit anywhere; found similar lines: 3\|        return 1"):
        apply(SOURCE, "-        return one", "+        return 2")


def test_a_header_that_is_not_there_is_refused_with_what_is_like_it():
    with pytest.raises(PatchError, match=r"no line is 'class C:'; found similar lines: .*1\|class A:"):
        apply(SOURCE, "@@ class C:", "-        return 1")


def test_two_hunks_cannot_change_the_same_line():
    with pytest.raises(PatchError, match="does not fit"):
        apply("a\nb\n", " a", "-b", "+x", "@@", "-b", "+y")


def test_hunks_may_come_in_any_order():
    assert apply("a\nb\nc\n", "-c", "+C", "@@", "-a", "+A") == "A\nb\nC\n"


def test_blanks_at_the_ends_of_lines_do_not_matter():
    assert apply("a  \nb\t\nc\n", " a", "-b", "+B", " c") == "a  \nB\nc\n"


def test_another_indentation_is_found_and_kept():
    text = "if x:\n        first()\n        second()\n"
    assert apply(text, "     first()", "-    second()", "+    third()") == "if x:\n        first()\n        third()\n"


def test_windows_line_ends_stay():
    assert apply("a\r\nb\r\nc\r\n", " a", "-b", "+B", "+more", " c") == "a\r\nB\r\nmore\r\nc\r\n"
    assert apply("a\r\nb", "-b", "+B", "+C") == "a\r\nB\r\nC"


def test_a_missing_line_end_at_the_end_of_the_file_stays_missing():
    assert apply("a\nb", "-b", "+B") == "a\nB"


def test_blank_lines_between_hunks_are_no_context():
    assert apply("a\nb\n", "-a", "+A", "", "@@", "-b", "+B", "") == "A\nB\n"


def test_git_line_numbers_in_a_header_are_ignored():
    assert apply("a\nb\n", "@@ -1,2 +1,2 @@", "-a", "+A") == "A\nb\n"


line = st.text(st.sampled_from("ab \t"), max_size=4)
texts = st.lists(line, max_size=12)


@given(texts, st.data())
def test_an_edit_script_makes_of_a_text_what_it_was_made_from(lines, data):
    """Keep, remove or insert at random: the hunk over the whole file gives the intended text."""
    script, wanted = [], []
    for text in lines:
        for added in data.draw(st.lists(line, max_size=2)):
            script.append(f"+{added}")
            wanted.append(added)
        if data.draw(st.booleans()):
            script.append(f" {text}")
            wanted.append(text)
        else:
            script.append(f"-{text}")
    final = data.draw(st.sampled_from(["\n", "\r\n"]))
    before = "".join(f"{text}{final}" for text in lines)
    hunk = Hunk(tuple(script))
    if not script:
        return
    assert apply_hunks(before, [hunk]) == "".join(f"{text}{final}" for text in wanted)


@given(st.lists(st.integers(0, 10_000), unique=True, min_size=1, max_size=30), st.data())
def test_several_hunks_change_each_their_own_place(numbers, data):
    """With lines that differ, each hunk of a line and its neighbours finds its place, in whatever order."""
    lines = [f"line {number}" for number in numbers]
    places = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=8)))
    hunks = [Hunk((f"-{lines[place]}", f"+changed {place}", "+and more")) for place in places]
    wanted = [
        text
        for place, old in enumerate(lines)
        for text in ([f"changed {place}", "and more"] if place in places else [old])
    ]
    shuffled = data.draw(st.permutations(hunks))
    assert apply_hunks("\n".join(lines), shuffled) == "\n".join(wanted)


def test_a_text_is_replaced_where_it_is():
    assert replace_text("a b c", "b", "x", everywhere=False) == ("a x c", 1)


def test_a_text_that_is_there_twice_is_replaced_only_when_both_are_meant():
    with pytest.raises(PatchError, match=r"there 2 times, in lines 1, 3.*replace_all"):
        replace_text("b\na\nb\n", "b", "x", everywhere=False)
    assert replace_text("b\na\nb\n", "b", "x", everywhere=True) == ("x\na\nx\n", 2)


def test_a_text_that_is_not_there_brings_what_is_like_it():
    with pytest.raises(PatchError, match=r"not in the file; found similar lines: 2\|    return totals"):
        replace_text("def f():\n    return totals\n", "    return total\n", "x", everywhere=False)


def test_blanks_at_line_ends_do_not_matter_for_whole_lines():
    assert replace_text("a  \nb\nc\n", "a\nb\n", "x\n", everywhere=False) == ("x\nc\n", 1)


def test_windows_line_ends_are_used_in_what_is_replaced():
    assert replace_text("a\r\nb\r\nc\r\n", "a\nb", "x\ny", everywhere=False) == ("x\r\ny\r\nc\r\n", 1)


@pytest.mark.parametrize(("old", "new"), [("", "x"), ("a", "a")])
def test_a_replacement_without_sense_is_refused(old, new):
    with pytest.raises(ToolError):
        replace_text("a", old, new, everywhere=False)


@given(
    st.text(st.sampled_from("ab\n"), max_size=30), st.text(st.sampled_from("ab\n"), min_size=1, max_size=4), st.text()
)
def test_replacing_agrees_with_python(text, old, new):
    if old not in text or old == new:
        return
    assert replace_text(text, old, new, everywhere=True) == (text.replace(old, new), text.count(old))
