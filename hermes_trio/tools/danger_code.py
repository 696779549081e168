"""Recognises commands that run code nobody has seen, and code that is dangerous; pure."""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.danger_files import positionals
from hermes_trio.tools.shell_wrappers import FOUND, SHELLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.tools.shell_command import SimpleCommand

_FETCHERS: Final = frozenset({"curl", "wget", "fetch", "http", "https", "xh", "aria2c", "lynx", "nc", "ncat"})
_DECODERS: Final = frozenset({"base64", "base32", "basenc", "xxd", "uudecode", "openssl", "rev", "gpg"})
_SOURCES: Final = frozenset({"eval", "source", "."})
_SENDERS: Final = frozenset(
    {"curl", "wget", "nc", "ncat", "netcat", "socat", "http", "https", "xh", "ftp", "sftp", "scp", "rsync"}
)
_INTERPRETERS: Final = re.compile(
    r"(python|pypy|perl|ruby|node|nodejs|deno|bun|php|lua|Rscript|awk|gawk|mawk|tclsh|osascript)[\d.]*"
)
_CODE_OPTIONS: Final = frozenset(
    {"-c", "-e", "-E", "-r", "-p", "-pe", "-ne", "-le", "-lne", "-nle", "--eval", "--print", "eval"}
)
_PLAIN_FEEDERS: Final = frozenset({"cat", "echo", "printf", "head", "tail", "less", "more", "yes", "true", ":"})
_SQL_CLIENTS_TEXT: Final = """
    psql pgcli mysql mycli mariadb sqlite3 sqlite litecli duckdb sqlcmd clickhouse-client clickhouse cockroach bq
    snowsql sqlplus usql cqlsh
"""
_SQL_CLIENTS: Final = frozenset(_SQL_CLIENTS_TEXT.split())
_DELETES: Final = re.compile(
    r"rmtree|rmSync|rmdirSync|unlinkSync|rm_rf?\b|remove_tree|removedirs|os\.(remove|unlink|rmdir)\b|\.unlink\s*\("
    r"|\bunlink\s*\(|FileUtils\.(rm|remove)|fs\.(rm|unlink|rmdir)\b|File\.delete|Deno\.remove|unlink\s+glob"
)
_RUNS: Final = re.compile(
    r"\bos\.(system|popen|exec[lv]\w*|spawn\w+|kill)\b|\bsubprocess\b|\bpty\.spawn|child_process|\bsystem\s*[(\"']"
    r"|\bexec\s*[(\"']|\bshell_exec\b|\bpassthru\b|\bpopen\b|\bspawn(Sync)?\s*\(|Deno\.(run|Command)|Bun\.spawn|\bqx\b|%x[({\[]"
    r"|\|\s*[\"'](ba)?sh|__import__|Open3|\bfrom\s+os\s+import\b[^\n;]*\b(system|popen|remove|unlink|rmdir|exec|spawn|kill|\*)"
    r"|getattr\s*\(\s*os\b|\bos\.execute\b|do shell script"
)
_SQL_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_SQL_DROP: Final = re.compile(
    r"\bDROP\s+(TABLE|DATABASE|SCHEMA|VIEW|INDEX|USER|ROLE|OWNED|KEYSPACE|COLLECTION|MATERIALIZED|SEQUENCE|FUNCTION|TYPE)\b",
    re.IGNORECASE,
)
_SQL_TRUNCATE: Final = re.compile(r"\bTRUNCATE\s+(TABLE\s+)?[\w\"`\[]", re.IGNORECASE)
_SQL_DELETE: Final = re.compile(r"\bDELETE\s+FROM\b", re.IGNORECASE)
_SQL_WHERE: Final = re.compile(r"\bWHERE\b(?!\s*\(?\s*(1\s*=\s*1|TRUE)\s*\)?\s*$)", re.IGNORECASE)
_SECRET_FILE: Final = re.compile(
    r"(^|[/@=<:'\"(])(\.ssh(/(?!known_hosts|config\b|\S+\.pub$)|$)|id_(rsa|dsa|ecdsa|ed25519)(?!\.pub)|\.env(?!\.(example|sample|template|dist))(\.\w+)?$"
    r"|\.aws/credentials|\.kube/config|\.gnupg(/|$)|\.netrc$|\.pgpass|\.npmrc$|\.pypirc|etc/shadow)"
)


def code_dangers(command: SimpleCommand, downloaded: set[str]) -> Iterator[str]:
    """Name what is dangerous about the code that a command runs.

    Args:
        command: The command.
        downloaded: Names of files that commands before it have fetched from the network; this one's are added.
    """
    program = command.program
    yield from _foreign_code(command, downloaded)
    code = _inline_code(command)
    if code and (_DELETES.search(code) or _RUNS.search(code) or (program in ("perl", "ruby", "php") and "`" in code)):
        yield "inline_code"
    if program in _SQL_CLIENTS:
        yield from (key for text in (*command.words[1:], command.stdin or "") for key in sql_dangers(text))
    elif code:
        yield from sql_dangers(code)
    if _opens_shell(command):
        yield "reverse_shell"
    if program in _SENDERS and (
        any(map(_names_secret, _sent(command))) or any(map(_prints_variables, command.feeders))
    ):
        yield "sends_secret_file"
    downloaded.update(_fetched(command))


def _foreign_code(command: SimpleCommand, downloaded: set[str]) -> Iterator[str]:
    """Code from a pipe, a substitution, or a file that was fetched just before."""
    origins: list[SimpleCommand] = []
    if _runs_stdin(command):
        origins += command.feeders
        if command.feeders and command.stdin is None and not {one.program for one in command.feeders} <= _PLAIN_FEEDERS:
            yield "piped_code"
    if _runs_substituted(command):
        origins += command.substituted
    programs = {one.program for one in origins}
    if programs & _FETCHERS:
        yield "remote_code"
    if programs & _DECODERS:
        yield "decoded_code"
    if program_file(command) in downloaded:
        yield "remote_code"
    if command.program in SHELLS and ("-c", FOUND) in pairwise(command.words):
        yield "piped_code"


def _runs_stdin(command: SimpleCommand) -> bool:
    names = positionals(command.words)
    if command.program in SHELLS:
        flags = [word for word in command.words[1:] if word.startswith("-") and not word.startswith("--")]
        if any("c" in flag for flag in flags):
            return False
        return not names or names[0] in ("-", "/dev/stdin") or any("s" in flag for flag in flags)
    if command.program in ("source", "."):
        return names[:1] == ["/dev/stdin"]
    is_interpreter = bool(_INTERPRETERS.fullmatch(command.program)) and "awk" not in command.program
    return is_interpreter and command.words[1:] in ((), ("-",), ("-u", "-"), ("-u",))


def _runs_substituted(command: SimpleCommand) -> bool:
    if command.program in _SOURCES:
        return True
    names = positionals(command.words)
    if command.program in SHELLS or _INTERPRETERS.fullmatch(command.program):
        return any(word in ("-c", "-e", "-lc", "-ec") for word in command.words) or any(
            "<(" in name for name in names[:1]
        )
    return False


def program_file(command: SimpleCommand) -> str:
    """Name of the file that a command runs: itself, or the script that it is given; empty for none."""
    if command.program in SHELLS or command.program in _SOURCES or _INTERPRETERS.fullmatch(command.program):
        names = positionals(command.words)
        return posixpath.basename(names[0]) if names else ""
    return command.program if "/" in (command.words or ("",))[0] else ""


def _fetched(command: SimpleCommand) -> Iterator[str]:
    if command.program not in ("curl", "wget"):
        return
    for index, word in enumerate(command.words):
        if word in ("-o", "-O", "--output", "--output-document") and index + 1 < len(command.words):
            yield posixpath.basename(command.words[index + 1])
        if "://" in word:
            yield posixpath.basename(word.partition("?")[0])
    yield from (posixpath.basename(path) for path in command.writes)


def _inline_code(command: SimpleCommand) -> str:
    """Code in a command's words or on its stdin, if it is an interpreter."""
    if not _INTERPRETERS.fullmatch(command.program):
        return ""
    if "awk" in command.program:
        return " ".join(command.words[1:])
    parts = [command.words[index + 1] for index, word in enumerate(command.words[:-1]) if word in _CODE_OPTIONS]
    if command.stdin and (_runs_stdin(command) or not positionals(command.words)):
        parts.append(command.stdin)
    if command.script:
        parts.append(command.script)
    return "\n".join(parts)


def sql_dangers(text: str) -> Iterator[str]:
    """Name what SQL statements in a text destroy."""
    plain = _SQL_COMMENT.sub(" ", text)
    if _SQL_DROP.search(plain):
        yield "sql_drop"
    if _SQL_TRUNCATE.search(plain):
        yield "sql_truncate"
    if any(_SQL_DELETE.search(statement) and not _SQL_WHERE.search(statement) for statement in plain.split(";")):
        yield "sql_delete_all"


def _opens_shell(command: SimpleCommand) -> bool:
    words = command.words
    if command.program in ("nc", "ncat", "netcat"):
        return any(re.fullmatch(r"-\w*[ec]|--(sh-)?exec|--exec=.*", word) for word in words[1:])
    if command.program == "socat":
        return any(re.match(r"(?i)(exec|system):", word) for word in words[1:])
    return any(
        re.search(r"/dev/(tcp|udp)/", word) for word in (*words[1:], *command.writes)
    ) and command.program not in (
        "echo",
        "grep",
        "rg",
        "git",
        "printf",
    )


def _sent(command: SimpleCommand) -> Iterator[str]:
    """Words that may name what is sent: its own but for the key to log in with, and those of what feeds it."""
    for index, word in enumerate(command.words[1:], 1):
        if command.words[index - 1] not in ("-i", "-e", "--rsh", "-o", "-K", "--key", "--cert", "--output"):
            yield word
    for one in (*command.feeders, *command.substituted):
        yield from one.words[1:]


def _names_secret(word: str) -> bool:
    return _SECRET_FILE.search(word) is not None


def _prints_variables(command: SimpleCommand) -> bool:
    return command.program == "printenv" or command.words == ("env",)


def stops_gateway(words: Sequence[str], substituted: Sequence[SimpleCommand]) -> bool:
    """Tell whether ``kill`` is aimed at the gateway by way of its process's name."""
    if posixpath.basename(words[0]) != "kill":
        return False
    found = [one for one in substituted if one.program in ("pgrep", "pidof", "cat")]
    return any("hermes" in word or word.endswith("gateway.pid") for one in found for word in one.words[1:])
