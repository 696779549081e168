"""Recognises commands that delete or write what they should not; pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.shell_reader import join_folder
from hermes_trio.tools.shell_wrappers import FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.tools.shell_command import SimpleCommand

_HOME: Final = re.compile(r"^(\$HOME|\$\{HOME[^}]*\}|/root|/home/[^/]+|/Users/[^/]+|~[^/]*)(?=/|$)")
_ROOTS: Final = frozenset(
    {"/", "~"}
    | {f"/{name}" for name in ("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "opt", "proc")}
    | {f"/{name}" for name in ("root", "run", "sbin", "srv", "sys", "usr", "var", "Users", "System", "Library")}
    | {f"/{name}" for name in ("Applications", "Volumes", "private", "mnt", "media", "usr/bin", "usr/lib", "usr/sbin")}
    | {f"/{name}" for name in ("usr/share", "usr/local", "var/lib", "var/log", "var/spool")}
)
_EVERYTHING: Final = frozenset({"*", ".*", ".[!.]*", ".??*", "{*,.*}", "**"})
_RAW_DISK: Final = re.compile(r"/dev/(sd[a-z]|hd[a-z]|vd[a-z]|xvd|nvme|mmcblk|r?disk\d|mapper/|dm-|md\d|loop\d|zvol/)")
_SOCKET: Final = re.compile(r"/dev/(tcp|udp)/")
_SYSTEM: Final = re.compile(
    r"/(etc|usr|bin|sbin|lib\w*|boot|sys|proc/sys|System|Library|private/etc|var/spool/cron)(/|$)"
)
_AUTOSTART: Final = re.compile(
    r".*/(\.git/hooks|\.config/(systemd|autostart)|LaunchAgents|LaunchDaemons|cron\.\w+|var/spool/cron)(/|$)"
)
_SHELL_FILES_TEXT: Final = """
    .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zprofile .zshenv .zlogin .zlogout
    .cshrc .tcshrc .login .kshrc config.fish .xprofile .xinitrc .inputrc .envrc
"""
_SHELL_FILES: Final = frozenset(_SHELL_FILES_TEXT.split())
_EXAMPLES: Final = (".example", ".sample", ".template", ".dist", ".tmpl", ".defaults")
_AGENT_FILES: Final = frozenset(
    {"config.yaml", "config.yml", "auth.json", "shell-hooks-allowlist.json", "gateway.json"}
)
_AGENT_HOME: Final = re.compile(r"(?:^|.*/)(?:\.hermes|\$HERMES_HOME|\$\{HERMES_HOME\})(?:/profiles/[^/]+)?/(.+)")
_FILTERS_TEXT: Final = """
    -name -iname -path -ipath -wholename -regex -iregex -newer -mtime -mmin -ctime -cmin -atime -amin -size -user -group
    -empty -perm -inum -samefile -lname -links
"""
_FILTERS: Final = frozenset(_FILTERS_TEXT.split())
_SURE_FOLDERS: Final = frozenset({".", "..", "~", "$HOME", "${HOME}", "/root"})
_DELETERS: Final = frozenset({"rm", "unlink", "rmdir", "shred", "srm", "trash"})
_EDITORS: Final = frozenset({"sed", "gsed", "perl", "ruby"})


def file_dangers(command: SimpleCommand, agent_home: str) -> Iterator[str]:
    """Name what a command does to files that it should not.

    Args:
        command: The command.
        agent_home: Home folder of the profile; empty if there is none.
    """
    match command.program:
        case "rm":
            yield from _rm(command)
        case "find" | "fd" | "fdfind":
            yield from _find(command)
        case "chmod" | "chown" | "chgrp":
            yield from _change_mode(command)
        case "mv":
            yield from _mv(command)
        case "rsync":
            yield from _rsync(command)
    written = (kind_of_file(_place(command, path), agent_home) for path in written_files(command))
    yield from (kind for kind in written if kind is not None)
    if any(kind_of_file(_place(command, path), agent_home) for path in _deleted_files(command)):
        yield "delete_sensitive"


def _change_mode(command: SimpleCommand) -> Iterator[str]:
    recursive = has_option(command.words, "-R") or has_option(command.words, "--recursive")
    if recursive and any(map(is_root, _places(command, positionals(command.words)[1:]))):
        yield "change_system_permissions"


def _mv(command: SimpleCommand) -> Iterator[str]:
    if any(map(is_root, _places(command, positionals(command.words)[:-1]))):
        yield "rm_root"
    if "/dev/null" in command.words[1:]:
        yield "move_to_null"


def _rsync(command: SimpleCommand) -> Iterator[str]:
    """With ``--delete`` all goes that the source does not have."""
    deletes = any(word.startswith("--del") for word in command.words[1:])
    harmless = any(has_option(command.words, option) for option in ("-n", "--dry-run"))
    if deletes and not harmless and any(map(is_root, _places(command, positionals(command.words)[-1:]))):
        yield "rm_root"


def _rm(command: SimpleCommand) -> Iterator[str]:
    recursive = any(has_option(command.words, option) for option in ("-r", "-R", "--recursive"))
    targets = positionals(command.words)
    places = list(_places(command, targets))
    if recursive and (any(is_root(place) for place in places) or "--no-preserve-root" in command.words):
        yield "rm_root"
    if FOUND in targets:
        yield "xargs_rm"
    if recursive:
        yield "rm_recursive"
    elif any(posixpath.basename(target) in _EVERYTHING for target in targets):
        yield "rm_wildcard"


def _find(command: SimpleCommand) -> Iterator[str]:
    words = command.words
    deletes = "-delete" in words
    for index, word in enumerate(words[:-1]):
        if word in ("-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"):
            deletes = deletes or posixpath.basename(words[index + 1]) in _DELETERS
    if not deletes:
        return
    starts = []
    for word in words[1:]:
        if word.startswith(("-", "(", "!")):
            break
        starts.append(word)
    if command.program == "find" and not _FILTERS & set(words) and any(map(is_root, _places(command, starts))):
        yield "rm_root"
    yield "find_delete"


def written_files(command: SimpleCommand) -> list[str]:
    """Files that a command writes to."""
    words = positionals(command.words)
    found = list(command.writes)
    match command.program:
        case "tee" | "sponge":
            found += words
        case "cp" | "mv" | "install" | "ln" | "rsync" | "scp":
            found += _copied(command.words, words)
        case "dd":
            found += [word[3:] for word in command.words if word.startswith("of=")]
        case "truncate" | "shred" | "wipefs":
            found += words
        case "curl":
            found += _values(command.words, "-o", "--output")
        case "wget":
            found += _values(command.words, "-O", "--output-document")
            found += [f"{folder}/x" for folder in _values(command.words, "-P", "--directory-prefix")]
        case "tar" | "gtar" | "bsdtar" | "unzip":
            folders = _values(command.words, "-C", "--directory", "-d")
            found += [f"{folder}/x" if folder.strip("/") else "/etc/x" for folder in folders]
        case program if program in _EDITORS and any(re.match(r"-\w*i|--in-place", word) for word in command.words[1:]):
            found += words if any(word in ("-e", "-f") for word in command.words) else words[1:]
    return found


def _copied(words: Sequence[str], names: list[str]) -> list[str]:
    """The destination; where it is surely a folder, the files in it that bear the sources' names."""
    folders = _values(words, "-t", "--target-directory")
    if not folders and len(names) < 2:
        return []
    destination = folders[0] if folders else names[-1]
    sources = names if folders else names[:-1]
    if not destination.endswith("/") and destination not in _SURE_FOLDERS:
        return [destination]
    return [destination, *(posixpath.join(destination, posixpath.basename(source)) for source in sources)]


def _values(words: Sequence[str], *options: str) -> list[str]:
    found = []
    for index, word in enumerate(words):
        for option in options:
            if word == option and index + 1 < len(words):
                found.append(words[index + 1])
            elif word.startswith(option) and len(word) > len(option):
                long = option.startswith("--")
                if not long or word[len(option)] == "=":
                    found.append(word[len(option) :].removeprefix("="))
    return found


def _deleted_files(command: SimpleCommand) -> list[str]:
    if command.program in _DELETERS:
        return positionals(command.words)
    return positionals(command.words)[:-1] if command.program == "mv" else []


def kind_of_file(place: str, agent_home: str) -> str | None:
    """Name the danger in writing to a file; None if there is none."""
    name = posixpath.basename(place)
    parts = place.split("/")
    if _RAW_DISK.match(place):
        return "write_raw_disk"
    if _SOCKET.match(place):
        return "reverse_shell"
    if place == "/proc/sysrq-trigger":
        return "power_off"
    if name in _SHELL_FILES:
        return "write_shell_rc"
    if ".ssh" in parts or place.startswith("/etc/ssh/"):
        return "write_ssh"
    if name == ".env" or (name.startswith(".env.") and not name.endswith(_EXAMPLES)):
        return "write_env_file"
    if _is_agents(place, agent_home):
        return "write_agent_config"
    if _AUTOSTART.match(f"/{place}"):
        return "write_autostart"
    return "write_system_config" if _SYSTEM.match(place) else None


def _is_agents(place: str, agent_home: str) -> bool:
    """Whether a file decides what an agent may do; what lies deeper in its home, as in its workspace, does not."""
    home = _HOME.sub("~", agent_home.rstrip("/"))
    found = _AGENT_HOME.match(place)
    inside = place[len(home) + 1 :] if home and place.startswith(f"{home}/") else found[1] if found else ""
    if inside:
        return inside in _AGENT_FILES or inside.partition("/")[0] in ("hooks", "plugins")
    return place == "config.yaml"


def is_root(place: str) -> bool:
    """Tell whether a path is the root, a system folder, a home folder, or all that is in one of them."""
    if re.fullmatch(r"/[^/]*[*?[][^/]*", place.rstrip("/")):
        return True
    while posixpath.basename(place) in _EVERYTHING:
        place = posixpath.dirname(place) or place
        if place in _EVERYTHING:
            return False
    return (place.rstrip("/") or "/") in _ROOTS


def _places(command: SimpleCommand, paths: Sequence[str]) -> Iterator[str]:
    return (_place(command, path) for path in paths)


def _place(command: SimpleCommand, path: str) -> str:
    """A path in one form: from the folder the command runs in, without ``..``, homes as ``~``."""
    joined = join_folder(command.folder, path)
    whole = joined if joined is not None else path
    plain = posixpath.normpath(re.sub("^//+", "/", whole)) if whole else whole
    return _HOME.sub("~", plain)


def positionals(words: Sequence[str], valued: frozenset[str] = frozenset()) -> list[str]:
    """The words that are no options, without the program's name."""
    found: list[str] = []
    at = 1
    while at < len(words):
        word = words[at]
        if word == "--":
            return [*found, *words[at + 1 :]]
        if word.startswith("-") and word != "-":
            at += 2 if word in valued else 1
            continue
        found.append(word)
        at += 1
    return found


def has_option(words: Sequence[str], option: str) -> bool:
    """Tell whether an option is there: ``-r`` also as part of ``-rf``, long ones also shortened or with a value."""
    for word in words[1:]:
        if word == "--":
            return False
        if word == option:
            return True
        if option.startswith("--"):
            name = word.partition("=")[0]
            if name == option or (len(name) > 4 and name.startswith("--") and option.startswith(name)):
                return True
        elif len(option) == 2 and re.fullmatch(r"-[A-Za-z0-9]+", word) and option[1] in word:
            return True
    return False
