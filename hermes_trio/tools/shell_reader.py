"""Reads a command line: which commands it runs, with which words, fed by what; pure.

The line is parsed by tree-sitter's grammar of bash. Pipes, lists, functions, loops, subshells and substitutions are
looked into, and so are commands that run other commands (see `shell_wrappers`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.shell_command import ReadCommand, SimpleCommand
from hermes_trio.tools.shell_output import plain_output, printed, prints_known
from hermes_trio.tools.shell_scripts import SOURCES, WrittenScripts, is_shell_script
from hermes_trio.tools.shell_tree import (
    descendants,
    heredoc_backticks,
    heredoc_text,
    is_bare,
    loses_text,
    lost_words,
    parse_script,
    text_of,
)
from hermes_trio.tools.shell_words import TooLong, Words
from hermes_trio.tools.shell_wrappers import RUN_VARIABLES, SHELLS, look_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

LONGEST: Final = 100_000
MOST_COMMANDS: Final = 2000
MOST_NODES: Final = 15_000
MOST_CHARACTERS: Final = 1_000_000
LONGEST_VALUE: Final = 2000
_DEEPEST: Final = 6
_UNKNOWN: Final = re.compile(r"\$([A-Za-z_]\w*|[0-9@*#?!$-]|\{[^{}]*\})")
_ANY_PROGRAM: Final = re.compile(r"/[^/]*[*?\[]|/((usr|local|opt)/)*s?bin/[^/]*[*?\[]")
"""A program's name that the shell has to guess, in a folder that is full of programs."""
_SOCKETS: Final = re.compile(r"/dev/(tcp|udp)/")
_WRITING: Final = frozenset({">", ">>", "&>", "&>>", ">|", ">&", "<>"})


def read_command(text: str, folder: str | None = None) -> ReadCommand:
    """Read a command line; what cannot be read is said in ``problem``. About 0.1 ms for a usual line.

    Args:
        text: The line; or a whole script.
        folder: Where it runs, if that is known.
    """
    if len(text) > LONGEST:
        return ReadCommand(text, problem="oversized")
    if any(character < " " and character not in "\t\n\r\x1b" for character in text):
        return ReadCommand(text, problem="malformed")
    reader = _Reader(folder)
    try:
        bare = reader.read_script(text)
    except (RecursionError, TooLong):
        reader.unparsable = True
        bare = False
    problem = "unparsable" if reader.unparsable else ""
    return ReadCommand(text, tuple(reader.found), problem, bare and not problem, reader.fork_bomb)


@dataclass(frozen=True, slots=True)
class _Feed:
    """What reaches a command's stdin."""

    text: str | None = None
    commands: tuple[SimpleCommand, ...] = ()


_NO_FEED: Final = _Feed()


@dataclass(frozen=True, slots=True)
class _Behind:
    """What stands behind a command: redirections, words that the grammar drops, the text of a heredoc."""

    redirects: tuple[Node, ...] = ()
    words: tuple[str, ...] = ()
    text: str | None = None


_NOTHING: Final = _Behind()


class _Reader:
    """Walks a script from its beginning to its end, as if every part of it ran once."""

    def __init__(self, folder: str | None) -> None:
        self.found: list[SimpleCommand] = []
        self.unparsable = False
        self.fork_bomb = False
        self._variables: dict[str, str] = {}
        self._made_up: set[str] = set()
        self._scripts = WrittenScripts()
        self._seen: set[int] = set()
        self._size = 0
        self._folder = folder
        self._depth = 0
        self._remote = False

    def read_script(self, text: str, feed: _Feed = _NO_FEED) -> bool:
        """Read a script or a part of one that somebody runs; tell whether it is a bare command."""
        if self._depth >= _DEEPEST:
            self.unparsable = True
            return False
        root = parse_script(text)
        if root.descendant_count > MOST_NODES:
            self.unparsable = True
            return False
        self.unparsable = self.unparsable or root.has_error or loses_text(root)
        self._depth += 1
        seen, self._seen = self._seen, set()
        self._visit(root, feed)
        for node in descendants(root):
            # Wherever a substitution hides, in an index, in arithmetic: it runs.
            if node.type in ("command_substitution", "process_substitution") and node.id not in self._seen:
                self._visit(node, _NO_FEED)
        self._seen = seen
        self._depth -= 1
        return is_bare(root)

    def _visit(self, node: Node, feed: _Feed) -> tuple[SimpleCommand, ...]:
        """Read a node; give the commands whose output is the node's."""
        match node.type:
            case "command" | "declaration_command" | "unset_command":
                return self._visit_command(node, feed, ())
            case "pipeline":
                return self._visit_pipeline(node, feed)
            case "redirected_statement":
                return self._visit_redirected(node, feed)
            case "variable_assignment":
                self._assign(node)
                return ()
            case "for_statement":
                self._visit_for(node)
            case "function_definition":
                self._check_fork_bomb(node)
            case "subshell" | "command_substitution" | "process_substitution":
                return self._visit_subshell(node, feed)
            case "comment" | "heredoc_start" | "heredoc_end":
                return ()
        return self._visit_all(node.named_children, feed)

    def _visit_all(self, nodes: Sequence[Node], feed: _Feed) -> tuple[SimpleCommand, ...]:
        return tuple(command for node in nodes for command in self._visit(node, feed))

    def _visit_subshell(self, node: Node, feed: _Feed) -> tuple[SimpleCommand, ...]:
        self._seen.add(node.id)
        folder, variables = self._folder, dict(self._variables)
        found = self._visit_all(node.named_children, feed)
        self._folder, self._variables = folder, variables
        return found

    def _visit_pipeline(self, node: Node, feed: _Feed, behind: _Behind = _NOTHING) -> tuple[SimpleCommand, ...]:
        others, last = _split_last(node)
        for child in others:
            produced = self._visit(child, feed)
            feed = _Feed(plain_output(produced), (*feed.commands, *produced))
        return self._visit_before(last, feed, behind)

    def _visit_redirected(self, node: Node, feed: _Feed) -> tuple[SimpleCommand, ...]:
        redirects = [child for child in node.named_children if child.type.endswith("_redirect")]
        bodies = [child for child in node.named_children if child not in redirects]
        heredocs = [child for child in redirects if child.type == "heredoc_redirect"]
        text: str | None = None
        for heredoc in heredocs:
            redirects += [child for child in heredoc.named_children if child.type.endswith("_redirect")]
            text = heredoc_text(heredoc)
        behind = _Behind(tuple(redirects), lost_words(node), text if heredocs else None)
        produced: tuple[SimpleCommand, ...] = ()
        for body in bodies:
            produced += self._visit_before(body, feed, behind)
        if not bodies:
            self._emit_written((), behind)
        for heredoc in heredocs:
            self._visit_after_heredoc(heredoc, produced)
        return produced

    def _visit_before(self, node: Node, feed: _Feed, behind: _Behind) -> tuple[SimpleCommand, ...]:
        """Read what has redirections behind it: the grammar gives them to a list, the shell to its last command."""
        if behind is _NOTHING:
            return self._visit(node, feed)
        if node.type == "pipeline":
            return self._visit_pipeline(node, feed, behind)
        if node.type in ("list", "negated_command"):
            others, last = _split_last(node)
            return (*self._visit_all(others, feed), *self._visit_before(last, feed, behind))
        feed = feed if behind.text is None else _Feed(behind.text, feed.commands)
        if node.type == "command":
            return self._visit_command(node, feed, behind.redirects, behind.words)
        produced = self._visit(node, feed)
        self._emit_written(produced, behind)
        return produced

    def _emit_written(self, produced: tuple[SimpleCommand, ...], behind: _Behind) -> None:
        """Files that commands within braces, or none at all, are redirected to."""
        writes, more = self._targets(behind.redirects)
        self._emit(more, writes, _NO_FEED, ())
        texts = [printed(command) for command in produced if not command.writes]
        known = [text for text in texts if text is not None]
        if known and len(known) == len(texts):
            self._scripts.note((), writes, "\n".join(known))

    def _visit_after_heredoc(self, heredoc: Node, produced: tuple[SimpleCommand, ...]) -> None:
        """What stands on the heredoc's first line after it: the rest of a pipe, or of a list."""
        text = plain_output(produced)
        for child in heredoc.named_children:
            if child.type == "pipeline":
                self._visit_pipeline(child, _Feed(text, produced))
            elif child.type == "heredoc_body":
                self._visit_all(child.named_children, _NO_FEED)
                for script in heredoc_backticks(heredoc):
                    self.read_script(script)
            elif child.type not in ("heredoc_start", "heredoc_end") and not child.type.endswith("_redirect"):
                self._visit(child, _NO_FEED)

    def _visit_for(self, node: Node) -> None:
        values: list[str] = []
        for child in node.named_children[1:]:
            if child.type == "do_group":
                break
            values += self._words(child, [])
        if node.named_children and values:
            self._remember(text_of(node.named_children[0]), " ".join(values))

    def _visit_command(
        self, node: Node, feed: _Feed, redirects: tuple[Node, ...], lost: tuple[str, ...] = ()
    ) -> tuple[SimpleCommand, ...]:
        words: list[str] = []
        inner: list[SimpleCommand] = []
        own = [child for child in node.children if child.type.endswith("_redirect")]
        if node.type != "command" and node.children:
            words.append(text_of(node.children[0]))  # export, declare, unset: not a named child
        for child in node.children[len(words) :]:
            if child.type == "variable_assignment":
                self._assign(child)
                if node.type != "command":
                    words.append(text_of(child))
            elif child.type == "command_name":
                words += self._words(child.children[0] if child.children else child, inner)
            elif child not in own:
                words += self._words(child, inner)
        for redirect in (*own, *redirects):
            if redirect.type == "herestring_redirect" and redirect.named_children:
                feed = _Feed(" ".join(self._words(redirect.named_children[0], inner)), feed.commands)
            elif redirect.type == "file_redirect" and (source := _input_source(redirect)) is not None:
                produced = self._visit_subshell(source, _NO_FEED)
                feed = _Feed(plain_output(produced), (*feed.commands, *produced))
        writes, more = self._targets([*own, *redirects])
        return self._emit((*words, *lost, *more), writes, feed, tuple(inner))

    def _words(self, node: Node, inner: list[SimpleCommand]) -> list[str]:
        def substitute(found: Node) -> str | None:
            produced = self._visit_subshell(found, _NO_FEED)
            inner.extend(produced)
            return plain_output(produced)

        words = Words(self._variables, substitute).read(node)
        self._size += sum(map(len, words))
        if self._size > MOST_CHARACTERS:
            raise TooLong
        return words

    def _targets(self, redirects: Sequence[Node]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Files written to, and further words of the command: ``rm > log a b`` removes a and b."""
        writes: list[str] = []
        more: list[str] = []
        for redirect in redirects:
            if redirect.type != "file_redirect":
                continue
            operator = next((child.type for child in redirect.children if not child.is_named), "")
            places = [child for child in redirect.named_children if child.type not in ("file_descriptor", "ERROR")]
            words = [word for place in places for word in self._words(place, [])]
            duplicates = operator == ">&" and words[:1] != [] and words[0].strip("-").isdigit()
            if (operator in _WRITING and not duplicates) or _SOCKETS.match(words[0] if words else ""):
                writes += words[:1]
            more += words[1:]
        return tuple(writes), tuple(more)

    def _assign(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is None:
            return
        inner: list[SimpleCommand] = []
        fields = self._words(value, inner) if value is not None and value.type != "array" else []
        if value is not None and value.type == "array":
            fields = [word for child in value.named_children for word in self._words(child, inner)]
        self._variables.pop(text_of(name), None)
        self._made_up.discard(text_of(name))
        if text_of(name) in RUN_VARIABLES and fields:
            self.read_script(" ".join(fields))
        if not inner or plain_output(tuple(inner)) is not None:
            self._remember(text_of(name), " ".join(fields))
        elif not prints_known(inner):
            self._made_up.add(text_of(name))

    def _remember(self, name: str, value: str) -> None:
        """Values that double and double again must not fill the memory."""
        if len(value) <= LONGEST_VALUE:
            self._variables[name] = value
        else:
            self._made_up.add(name)

    def _emit(
        self, words: tuple[str, ...], writes: tuple[str, ...], feed: _Feed, inner: tuple[SimpleCommand, ...]
    ) -> tuple[SimpleCommand, ...]:
        if not words and not writes:
            return ()
        if len(self.found) >= MOST_COMMANDS:
            self.unparsable = True
            return ()
        hidden = self._is_hidden(words, inner)
        script = self._scripts.take(words)
        command = SimpleCommand(
            words, writes, feed.text, feed.commands, inner, self._folder, self._remote, hidden, script
        )
        self.found.append(command)
        self._follow(command)
        self._scripts.note(words, writes, printed(command))
        return (command, *self._look_inside(command, feed, inner), *self._without_unknown(words, feed, inner))

    def _without_unknown(
        self, words: tuple[str, ...], feed: _Feed, inner: tuple[SimpleCommand, ...]
    ) -> tuple[SimpleCommand, ...]:
        """The same command as it runs when variables in its name and options are empty: ``r$@m -r$1f``."""
        if not words or words[0].startswith(("$(", "`")):
            return ()
        name = _UNKNOWN.sub("", words[0])
        rest = [_UNKNOWN.sub("", word) if word.startswith("-") else word for word in words[1:]]
        plain = (*([name] if name else []), *rest)
        return self._emit(plain, (), feed, inner) if plain != words else ()

    def _look_inside(
        self, command: SimpleCommand, feed: _Feed, inner: tuple[SimpleCommand, ...]
    ) -> tuple[SimpleCommand, ...]:
        produced: list[SimpleCommand] = []
        remote = self._remote
        for one in look_inside(command.words, command.stdin):
            self._remote = remote or one.remote
            if one.words:
                produced += self._emit(one.words, (), feed, inner)
            elif one.script:
                before = len(self.found)
                outer = self._variables
                self._variables = {**outer, **_arguments(one.arguments)}
                self.read_script(one.script, feed if one.script != command.stdin else _NO_FEED)
                self._variables = outer if one.arguments else self._variables
                produced += self.found[before:]
        self._remote = remote
        before = len(self.found)
        for script in self._scripts_of(command, inner):
            self.read_script(script)
        return (*produced, *self.found[before:])

    def _scripts_of(self, command: SimpleCommand, inner: tuple[SimpleCommand, ...]) -> Iterator[str]:
        """Shell scripts that a command runs: a file that the line has written, or what another command prints."""
        if command.script is not None and is_shell_script(command.words, command.script):
            yield command.script
        runs_file = command.program in SHELLS or command.program in SOURCES
        if runs_file and command.words[1:] and command.words[1].startswith("<(") and (text := plain_output(inner)):
            yield text

    def _is_hidden(self, words: tuple[str, ...], inner: tuple[SimpleCommand, ...]) -> bool:
        if not words:
            return False
        name = words[0]
        if name == "eval" and any(
            found[1].strip("{}") in self._made_up for found in _UNKNOWN.finditer(" ".join(words))
        ):
            return True
        if _ANY_PROGRAM.match(name):
            return True
        if name.startswith(("$(", "`")) and name.endswith((")", "`")):
            return not prints_known(inner)
        return name.startswith("$") and name[1:].strip("{}") in self._made_up

    def _follow(self, command: SimpleCommand) -> None:
        """Remember what changes the meaning of later commands."""
        if command.program in ("cd", "pushd"):
            places = [word for word in command.words[1:] if not word.startswith("-") or word == "-"]
            self._folder = join_folder(self._folder, places[0]) if places else "~"
        elif command.program == "read":
            self._read_variables(command)
        elif command.program == "time":
            self._assign_behind_time(command.words[1:])
        elif command.program == "set" and "--" in command.words:
            self._variables.update(_arguments(("", *command.words[command.words.index("--") + 1 :])))

    def _read_variables(self, command: SimpleCommand) -> None:
        """``read`` gives variables values that nobody knows, or those that the line itself says."""
        names = [word for word in command.words[1:] if word.isidentifier()]
        for name in names:
            self._variables.pop(name, None)
            if len(names) == 1 and command.stdin is not None:
                self._remember(name, command.stdin.partition("\n")[0])
            else:
                self._made_up.add(name)

    def _assign_behind_time(self, words: Sequence[str]) -> None:
        """``time`` is a part of the shell's language, but the grammar takes it for a command."""
        for name, mark, value in (word.partition("=") for word in words):
            if not (mark and name.isidentifier()):
                return
            if "$(" in value or "`" in value:
                self._made_up.add(name)
            else:
                self._remember(name, value)

    def _check_fork_bomb(self, node: Node) -> None:
        name = text_of(node.named_children[0]) if node.named_children else ""
        for part in descendants(node):
            calls = [child for child in part.named_children if child.type == "command" and text_of(child) == name]
            if part.type == "pipeline" and len(calls) > 1:
                self.fork_bomb = True
            if any(call.next_sibling is not None and call.next_sibling.type == "&" for call in calls):
                self.fork_bomb = True


def _arguments(words: Sequence[str]) -> dict[str, str]:
    """What a script with these arguments finds in ``$0``, ``$1`` ... and ``$@``."""
    found = {str(number): word for number, word in enumerate(words)}
    return {**found, "@": " ".join(words[1:]), "*": " ".join(words[1:])} if words else {}


def join_folder(folder: str | None, path: str) -> str | None:
    """Where a path leads from a folder; None when that cannot be known."""
    if path.startswith(("/", "~", "$HOME", "${HOME}")):
        return path
    if folder is None or path.startswith("$") or path == "-":
        return None
    return f"{folder.rstrip('/')}/{path}"


def _split_last(node: Node) -> tuple[list[Node], Node]:
    """The commands of a list or a pipeline, and the last of them."""
    *others, last = [child for child in node.named_children if child.type != "comment"] or node.children
    return others, last


def _input_source(redirect: Node) -> Node | None:
    """The commands in ``< <(commands)``."""
    last = redirect.named_children[-1] if redirect.named_children else None
    reads = any(child.type == "<" for child in redirect.children)
    return last if reads and last is not None and last.type == "process_substitution" else None
