"""Commands that run other commands, as data: ``sudo``, ``env``, ``xargs``, ``sh -c``, ``find -exec``, ``ssh`` ..."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash"})
#: Stands for what ``xargs`` and ``find`` put in.
FOUND: Final = "{}"
MOST_FOUND: Final = 100


@dataclass(frozen=True, slots=True)
class Inside:
    """What a command runs.

    Attributes:
        words: Another command, or empty.
        script: A piece of shell script, or empty.
        arguments: What the script finds as ``$0``, ``$1`` ...
        remote: Whether it runs on another machine or in a container.
    """

    words: tuple[str, ...] = ()
    script: str = ""
    arguments: tuple[str, ...] = ()
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How to find the command within another one's words.

    Attributes:
        valued: Options that take the next word as their value.
        skip: How many words that are no options come before the command.
        assignments: Whether ``NAME=value`` words come before it.
        remote: Whether the command runs elsewhere.
        script: Whether the rest is one piece of shell script.
        found: Whether further words are added at run time.
    """

    valued: frozenset[str] = frozenset()
    skip: int = 0
    assignments: bool = False
    remote: bool = False
    script: bool = False
    found: bool = False


def _options(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUDO: Final = Wrapper(
    _options(
        "-u --user -g --group -h --host -p --prompt -C --close-from -D --chdir -R --chroot -T -U -r --role -t --type"
    ),
    assignments=True,
)
_CONTAINER: Final = _options("""
    -e --env -u --user -w --workdir --name -v --volume -p --publish --network --net --entrypoint --mount --env-file
    --cpus -m --memory --platform --pull --hostname -h -l --label --add-host --device --gpus --restart --ulimit
    --detach-keys --index --shm-size --tmpfs --log-driver --ipc --pid --userns --security-opt --cap-add --cap-drop
""")

_TMUX: Final = Wrapper(_options("-s -n -t -c -x -y -F -e -f -l -p"), script=True)

WRAPPERS: Final[Mapping[str, Wrapper]] = MappingProxyType(
    {
        "sudo": _SUDO,
        "doas": Wrapper(_options("-u -C")),
        "pkexec": Wrapper(_options("--user")),
        "env": Wrapper(_options("-u --unset -C --chdir"), assignments=True),
        "nohup": Wrapper(),
        "setsid": Wrapper(),
        "nice": Wrapper(_options("-n --adjustment")),
        "ionice": Wrapper(_options("-c --class -n --classdata -p")),
        "chrt": Wrapper(skip=1),
        "taskset": Wrapper(skip=1),
        "timeout": Wrapper(_options("-s --signal -k --kill-after"), skip=1),
        "gtimeout": Wrapper(_options("-s --signal -k --kill-after"), skip=1),
        "time": Wrapper(_options("-o --output -f --format"), assignments=True),
        "command": Wrapper(),
        "builtin": Wrapper(),
        "exec": Wrapper(_options("-a")),
        "stdbuf": Wrapper(_options("-i -o -e --input --output --error")),
        "unbuffer": Wrapper(),
        "chroot": Wrapper(skip=1),
        "fakeroot": Wrapper(),
        "flock": Wrapper(_options("-w --timeout -E --conflict-exit-code"), skip=1),
        "strace": Wrapper(_options("-e -o -p -s -u -E -I -O -S -P")),
        "ltrace": Wrapper(_options("-e -o -p -s -u -n")),
        "systemd-run": Wrapper(_options("-p --property -u --unit --slice -E --setenv --uid --gid -M --machine")),
        "unshare": Wrapper(),
        "nsenter": Wrapper(_options("-t --target -S -G")),
        "xvfb-run": Wrapper(_options("-s --server-args -n -e -f")),
        "caffeinate": Wrapper(_options("-t -w")),
        "busybox": Wrapper(),
        "toybox": Wrapper(),
        "coproc": Wrapper(),
        "npx": Wrapper(_options("-p --package")),
        "screen": Wrapper(_options("-S -c -e -h -L -Logfile -p -s -t -T")),
        "xargs": Wrapper(
            _options("-I -n -P -L -s -E -d -a --arg-file --delimiter --max-args --max-procs --max-lines --replace"),
            found=True,
        ),
        "parallel": Wrapper(_options("-j --jobs -I -n -N --delay --timeout -a --arg-file"), found=True),
        "watch": Wrapper(_options("-n --interval"), script=True),
        "ssh": Wrapper(
            _options("-p -i -l -o -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B"),
            skip=1,
            remote=True,
            script=True,
        ),
        "eval": Wrapper(script=True),
    }
)

#: Program and its subcommand -> the same for what stands behind it.
SUBCOMMANDS: Final[Mapping[tuple[str, str], Wrapper]] = MappingProxyType(
    {
        ("docker", "exec"): Wrapper(_CONTAINER, skip=1, remote=True),
        ("docker", "run"): Wrapper(_CONTAINER, skip=1, remote=True),
        ("podman", "exec"): Wrapper(_CONTAINER, skip=1, remote=True),
        ("podman", "run"): Wrapper(_CONTAINER, skip=1, remote=True),
        ("uv", "run"): Wrapper(
            _options("--with --python -p --project --directory --extra --group --env-file --package")
        ),
        ("poetry", "run"): Wrapper(),
        ("pipenv", "run"): Wrapper(),
        ("pdm", "run"): Wrapper(),
        ("hatch", "run"): Wrapper(),
        ("bundle", "exec"): Wrapper(),
        ("npm", "exec"): Wrapper(),
        ("pnpm", "exec"): Wrapper(),
        ("yarn", "exec"): Wrapper(),
        **{("tmux", name): _TMUX for name in ("new-session", "new", "new-window", "neww", "split-window", "splitw")},
        ("conda", "run"): Wrapper(_options("-n --name -p --prefix --cwd")),
    }
)
_WITH_SCRIPT_OPTION: Final = frozenset({"su", "script", "runuser", "flock", "sg"})
_SCRIPT_OPTIONS: Final = ("-c", "--command", "--session-command")
_SHELL_VALUED: Final = _options("-o +o -O +O --rcfile --init-file -C --init-command")
_FIND_RUNS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


#: Variables and settings of git whose values are run as commands.
RUN_VARIABLES: Final = frozenset(
    {"GIT_SSH_COMMAND", "GIT_PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS"}
    | {"PAGER", "MANPAGER", "EDITOR", "VISUAL", "PROMPT_COMMAND"}
)
_RUN_SETTINGS: Final = frozenset(
    {"core.pager", "core.sshcommand", "core.editor", "core.fsmonitor", "core.askpass", "sequence.editor"}
    | {"diff.external", "gpg.program"}
)

_ODD: Final = frozenset({"trap", "alias", "git", "kubectl", "at", "batch", ".", "source", "crontab", "coproc"})


def program_name(word: str) -> str:
    """Name of a program without its folder; the ``.`` of the shell has none."""
    return PurePosixPath(word).name or word


def look_inside(words: Sequence[str], stdin: str | None) -> Iterator[Inside]:
    """Find what a command runs, one level deep.

    Args:
        words: The command.
        stdin: What it reads, where that is known.
    """
    if not words:
        return
    program = program_name(words[0])
    if program in SHELLS:
        yield from _in_shell(words, stdin)
    elif program in ("find", "fd", "fdfind"):
        yield from _in_find(words)
    elif program in _ODD and (program != "coproc" or "{" in words):
        yield from _in_odd(program, words, stdin)
    elif program in WRAPPERS and not (program == "command" and {"-v", "-V"} & set(words)):
        yield from _behind(words[1:], WRAPPERS[program], stdin)
    elif len(words) > 1 and (wrapper := SUBCOMMANDS.get((program, words[1]))) is not None:
        yield from _behind(words[2:], wrapper, stdin)
    elif program == "docker" and "exec" in words[:4]:
        yield from _behind(words[words.index("exec") + 1 :], SUBCOMMANDS["docker", "exec"], stdin)
    if program in _WITH_SCRIPT_OPTION:
        yield from (Inside(script=words[index + 1]) for index in _indexes(words, _SCRIPT_OPTIONS))
    if program == "env":
        yield from (Inside(script=words[index + 1]) for index in _indexes(words, ("-S", "--split-string")))


def _indexes(words: Sequence[str], options: Sequence[str]) -> list[int]:
    return [index for index, word in enumerate(words[:-1]) if word in options]


def _behind(words: Sequence[str], wrapper: Wrapper, stdin: str | None) -> Iterator[Inside]:
    rest = skip_options(words, wrapper)
    if not rest:
        if wrapper.remote and wrapper.script and stdin:
            yield Inside(script=stdin, remote=True)
        return
    if wrapper.script:
        yield Inside(script=" ".join(rest), remote=wrapper.remote)
        return
    if len(rest) == 1 and " " in rest[0] and wrapper.found:
        yield Inside(script=rest[0], remote=wrapper.remote)
        return
    found = stdin.split()[:MOST_FOUND] if stdin else [FOUND]
    yield Inside((*rest, *found) if wrapper.found else tuple(rest), remote=wrapper.remote)


def skip_options(words: Sequence[str], wrapper: Wrapper) -> list[str]:
    """The words from the command on, behind the options of the one that runs it."""
    skip = wrapper.skip
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--" and not skip:
            return list(words[at + 1 :])
        if word.startswith("-") and word != "-":
            at += 2 if word in wrapper.valued else 1
        elif word == "{" or (wrapper.assignments and "=" in word and not word.startswith(("/", "="))):
            at += 1
        elif skip:
            skip -= 1
            at += 1
        else:
            return list(words[at:])
    return []


def _in_shell(words: Sequence[str], stdin: str | None) -> Iterator[Inside]:
    """``sh -c script``, or a script on stdin; a script file is somebody's own program, like any other."""
    at = 1
    script = False
    reads_stdin = False
    while at < len(words) and words[at][:1] in ("-", "+") and len(words[at]) > 1:
        word = words[at]
        if word == "--":
            at += 1
            break
        cluster = not word.startswith("--")
        script = script or (cluster and "c" in word) or word == "--command"
        reads_stdin = reads_stdin or (cluster and "s" in word)
        at += 2 if word in _SHELL_VALUED else 1
    if script and at < len(words):
        yield Inside(script=words[at], arguments=tuple(words[at + 1 :]))
    elif stdin and (reads_stdin or at >= len(words) or words[at] in ("-", "/dev/stdin")):
        yield Inside(script=stdin)


def _in_find(words: Sequence[str]) -> Iterator[Inside]:
    starts = [index for index, word in enumerate(words) if word in _FIND_RUNS or word in ("-x", "-X", "--exec")]
    for start in starts:
        ends = [index for index in range(start + 1, len(words)) if words[index] in (";", "+")]
        inside = tuple(words[start + 1 : ends[0] if ends else len(words)])
        if inside:
            yield Inside(inside)


def _in_odd(program: str, words: Sequence[str], stdin: str | None) -> Iterator[Inside]:
    if program == "trap" and len(words) > 2 and not words[1].startswith("-"):
        yield Inside(script=words[1])
    elif program == "alias":
        yield from (Inside(script=word.partition("=")[2]) for word in words[1:] if "=" in word)
    elif program == "git":
        yield from (Inside(script=script) for script in _in_git(words))
    elif program == "kubectl" and "exec" in words and "--" in words:
        yield Inside(tuple(words[words.index("--") + 1 :]), remote=True)
    elif program == "coproc":
        yield Inside(tuple(words[words.index("{") + 1 :]))
    elif stdin and (program in ("at", "batch") or list(words[1:2]) in (["/dev/stdin"], ["-"])):
        yield Inside(script=_without_schedule(stdin) if program == "crontab" else stdin)


def _in_git(words: Sequence[str]) -> Iterator[str]:
    """Commands in git's settings, as ``-c name=value`` or behind ``config``."""
    settings = [word.partition("=") for word in words[1:] if "=" in word]
    if "config" in words:
        settings += [(name, "=", value) for name, value in pairwise(words)]
    for name, _, value in settings:
        if name.startswith("alias.") and value.startswith("!"):
            yield value[1:]
        elif name.lower() in _RUN_SETTINGS and value:
            yield value


def _without_schedule(text: str) -> str:
    lines = (line.split(None, 1 if line.startswith("@") else 5) for line in text.splitlines() if line.strip())
    return "\n".join(parts[-1] for parts in lines)
