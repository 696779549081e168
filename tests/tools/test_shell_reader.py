from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

from hermes_trio.tools.shell_command import ReadCommand
from hermes_trio.tools.shell_reader import MOST_COMMANDS, read_command

if TYPE_CHECKING:
    from pathlib import Path

BASH = shutil.which("bash")


def words_of(text: str) -> list[tuple[str, ...]]:
    return [command.words for command in read_command(text).commands]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ls -la src", ("ls", "-la", "src")),
        ("l''s \"-l\"a 's r'c", ("ls", "-la", "s rc")),
        (r"l\s a\ b", ("ls", "a b")),
        (r"$'\x6cs' $'a\tb' $'\u00e9'", ("ls", "a\tb", "é")),
        ('$"ls" x', ("ls", "x")),
        ("x {a,b}{1,2} '{c,d}'", ("x", "a1", "a2", "b1", "b2", "{c,d}")),
        ('x "a  b" " " ""', ("x", "a  b", " ", "")),
        ('x " $"', ("x", " $")),
        ("x $HOME ${HOME}/a *.py ~", ("x", "$HOME", "${HOME}/a", "*.py", "~")),
        ("x > log a 2>&1 b", ("x", "a", "b")),
        ("x \\\n a", ("x", "a")),
        ("python3 - <<E\nx\nE", ("python3", "-")),
        ("x a#b # c", ("x", "a#b")),
    ],
)
def test_words_are_read_as_a_shell_reads_them(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == [words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=ls; $a x", ("ls", "x")),
        ("a='ls -l'; $a", ("ls", "-l")),
        ("a='ls -l'; \"$a\"", ("ls -l",)),
        ("x ${u:-a b}", ("x", "a", "b")),
        ("for f in a b; do x $f; done", ("x", "a", "b")),
        ("a=(b c); x $a", ("x", "b", "c")),
    ],
)
def test_variables_that_the_line_itself_sets_are_known(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text)[-1] == words


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("a | b && c || d; e & f", "abcdef"),
        ("if a; then b; else c; fi", "abc"),
        ("while a; do b; done; until c; do d; done", "abcd"),
        ("case $(a) in x) b;; esac", "ab"),
        ("f() { a; }; (b; { c; })", "abc"),
        ('x "$(a)" `b` <(c) ${v:-$(d)} $(( $(e) ))', "abcdex"),
        ("a <<E\n$(b) `c`\nE\nd", "abcd"),
        ("a <<E | b && c\nx\nE", "abc"),
        ("x=$(a) y=`b` c", "abc"),
        ('[[ $(a) ]] && [ "$(b)" ]', "ab"),
    ],
)
def test_commands_are_found_wherever_they_stand(text: str, programs: str) -> None:
    found = {command.program for command in read_command(text).commands}
    assert set(programs) <= found


@pytest.mark.parametrize(
    "text",
    [
        "sudo -u bob -- x y",
        "env -i A=1 B=2 x y",
        "nice -n 5 timeout -k 3 10 x y",
        "bash -c 'x y'",
        "sh -ec 'x \"$1\"' _ y",
        "eval x y",
        "echo x y | bash",
        "printf '%s y' x | sh",
        "bash <<< 'x y'",
        "cat <<'E' | sudo bash -s\nx y\nE",
        "find . -exec x y \\;",
        "echo y | xargs x",
        "ssh -p 22 host x y",
        "docker exec -it -e A=1 web x y",
        "uv run --with z x y",
        "trap 'x y' EXIT",
        "alias l='x y'",
        "su -c 'x y' bob",
        "coproc n { x y; }",
        "git -c alias.l='!x y' l",
        "env -S 'x y'",
        "$NOTHING x y",
        'set -- x y; "$@"',
    ],
)
def test_what_a_command_runs_is_found(text: str) -> None:
    assert ("x", "y") in words_of(text)


def test_what_runs_elsewhere_is_marked() -> None:
    marks = {command.program: command.remote for command in read_command("a; ssh h b; c").commands}
    assert (marks["a"], marks["b"], marks["c"]) == (False, True, False)


def test_pipes_and_substitutions_are_remembered() -> None:
    last = read_command('a | b | c "$(d)"').commands[-1]
    assert [one.program for one in last.feeders] == ["a", "b"]
    assert [one.program for one in last.substituted] == ["d"]


def test_redirections_are_remembered() -> None:
    assert [command.writes for command in read_command("a > b 2>> c; { d; } &> e; f >&2 < g").commands] == [
        ("b", "c"),
        (),
        ("e",),
        (),
    ]


@pytest.mark.parametrize(
    ("text", "folder"), [("cd /a; x", "/a"), ("cd /a && cd b && x", "/a/b"), ("(cd /a; y); x", None), ("cd; x", "~")]
)
def test_changes_of_folder_are_followed(text: str, folder: str | None) -> None:
    assert read_command(text).commands[-1].folder == folder


@pytest.mark.parametrize("text", ["git status", "git log -n 5 'a b'"])
def test_a_single_command_is_bare(text: str) -> None:
    assert read_command(text).is_bare


@pytest.mark.parametrize(
    "text",
    [
        "a; b",
        "a && b",
        "a | b",
        "a > f",
        "a $(b)",
        "a `b`",
        "a <(b)",
        "a &\nb",
        "X=1 a",
        "(a)",
        "a $x",
        "a\nb",
        "a <<E\nE\n",
        "a 'b",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not read_command(text).is_bare


@pytest.mark.parametrize("text", ["a '", "a |", "if a", "a \\\n&& ", "r\\\nm x", "`a` `b`", "a$IFS-b$IFS/"])
def test_what_cannot_be_read_for_sure_is_said_so(text: str) -> None:
    assert read_command(text).problem == "unparsable"


def test_the_number_of_commands_is_bounded() -> None:
    read = read_command("a;" * (MOST_COMMANDS + 1))
    assert read.problem == "unparsable"
    assert len(read.commands) <= MOST_COMMANDS


class Scripts:
    """Writes odd but valid scripts around the commands ``ka``, ``kb`` and ``kc``."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)

    def name(self) -> str:
        n = self.choose.choice(["ka", "kb", "kc"])
        odd = [
            n,
            f"'{n}'",
            f"\\{n}",
            f"{n[0]}''{n[1]}",
            f"$'{n}'",
            f"$(echo {n})",
            f"${{u:-{n}}}",
            f"{n[0]}${{u}}{n[1]}",
        ]
        odd += [
            f"{n[0]}$@{n[1]}",
            f"$u {n}",
            f"command {n}",
            f"eval {n}",
            f"`echo {n}`",
            f"builtin eval '{n}'",
            f'$"{n}"',
        ]
        odd += [f"v=1 {n}", f"v=$u {n}", f"2>/dev/null {n}", f'"k"{n[1]}', f"{n}${{IFS}}a"]
        return self.choose.choice(odd)

    def word(self, depth: int) -> str:
        odd = [
            "a",
            "-x",
            "'q r'",
            '"q $u"',
            "$u",
            "${u:-z}",
            "a\\ b",
            "{a,b}",
            "$((1+2))",
            "a#b",
            "'#'",
            "-",
            "$$",
            "!",
            "[",
            "'a\nb'",
        ]
        if depth:
            inner = self.script(depth - 1)
            odd += [
                f"$({inner})",
                f'"$({inner})"',
                f"<({inner})",
                f"${{u:-$({inner})}}",
                f"$(( $({inner}) + 1 ))",
                "`kb x`",
            ]
        return self.choose.choice(odd)

    def simple(self, depth: int) -> str:
        words = [self.word(depth) for _ in range(self.choose.randint(0, 3))]
        redirections = ["", "", "", " >/dev/null", " 2>&1", "&>/dev/null", " <<<x", " >/dev/null x"]
        return self.choose.choice([" ", "\t", " \\\n "]).join([self.name(), *words]) + self.choose.choice(redirections)

    def script(self, depth: int) -> str:
        if not depth or self.choose.random() < 0.2:
            return self.simple(depth)
        a, b, word = self.script(depth - 1), self.script(depth - 1), self.word(depth - 1)
        forms = [
            f"{a}; {b}",
            f"{a} && {b}",
            f"{a} || {b}",
            f"{a} | {b}",
            f"( {a} )",
            f"{{ {a}; }}",
            f"{a}\n{b}",
            f"! {a}",
        ]
        forms += [f"if {a}; then {b}; fi", f"for i in {word}; do {a}; done", f"while {a} && false; do {b}; done"]
        forms += [
            f"case {word} in *) {a};; esac",
            f"f() {{ {a}; }}; f",
            f"{a} # c ; {b}",
            f"cat <<E && {a}\n$({b})\nE\n{a}",
        ]
        return self.choose.choice(forms)


@pytest.mark.slow
@pytest.mark.skipif(BASH is None, reason="there is no bash to compare with")
@pytest.mark.parametrize("seed", range(4))
def test_no_command_that_bash_runs_is_overlooked(tmp_path: Path, seed: int) -> None:
    """Random scripts are run by bash, with harmless functions that note their names, and read by us."""
    scripts = Scripts(seed)
    readable = 0
    for _ in range(120):
        text = scripts.script(3)
        read = read_command(text)
        if read.problem:
            continue
        readable += 1
        overlooked = run_in_bash(text, tmp_path) - {command.program for command in read.commands}
        assert not overlooked or any(command.hidden for command in read.commands), text
    assert readable > 60


def run_in_bash(text: str, folder: Path) -> set[str]:
    with tempfile.TemporaryFile("w+", dir=folder) as notes:  # what runs on in the background keeps its own
        number = notes.fileno()
        functions = "".join(f"{name}() {{ echo {name} >&{number}; }}; " for name in ("ka", "kb", "kc"))
        subprocess.run(
            [str(BASH), "-c", f"{functions}cat() {{ :; }}\n{text}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": ""},
            pass_fds=(number,),
            timeout=10,
            check=False,
        )
        notes.seek(0)
        return set(notes.read().split())


@pytest.mark.parametrize("character", ["\U0010ffff", "\U000f76f5", "\ud800", "é"])
def test_no_character_ends_the_process(character: str) -> None:
    """The parser's own code does not survive a brace and such a character."""
    for _ in range(50):
        assert words_of(f"echo {{{character}..3}} {{{character}") == [("echo", "{_..3}", "{_")]


def test_reading_is_pure() -> None:
    assert read_command("a; b") == read_command("a; b")
    assert isinstance(read_command(""), ReadCommand)
