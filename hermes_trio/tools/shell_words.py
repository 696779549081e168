"""Turns the words of a parsed shell script into plain text: quotes removed, known variables put in, braces expanded.

What only the shell can know stays as it is written: ``$HOME``, ``$(date)``, ``*.py``. Pure functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

#: Stand for unquoted braces and commas until they are expanded: private characters that no command holds.
_OPEN, _COMMA, _CLOSE = "\ue000", "\ue001", "\ue002"
_TO_PRIVATE: Final = str.maketrans("{,}", _OPEN + _COMMA + _CLOSE)
_TO_PLAIN: Final = str.maketrans(_OPEN + _COMMA + _CLOSE, "{,}")
_INNERMOST: Final = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*{_COMMA}[^{_OPEN}{_CLOSE}]*){_CLOSE}")
_MOST_FIELDS: Final = 200
LONGEST_WORD: Final = 100_000
_ESCAPED: Final = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED_IN_QUOTES: Final = re.compile(r"\\([$`\"\\\n])")
_ANSI: Final = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_ANSI_LETTERS: Final[Mapping[str, str]] = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_DEFAULTS: Final = (":-", "-", ":=", "=")
_HIGHEST_CODE: Final = 0x10FFFF


class TooLong(Exception):
    """A word or a variable grows beyond reason."""


class Words:
    """Collects the fields that one written word becomes.

    Args:
        variables: Values of variables as far as the script itself says them.
        substitute: Given a command substitution, reads the commands in it and tells its output where that is plain.
    """

    def __init__(self, variables: Mapping[str, str], substitute: Callable[[Node], str | None]) -> None:
        self._variables = variables
        self._substitute = substitute
        self._fields: list[str] = []
        self._current: str | None = None
        self._size = 0

    def read(self, node: Node) -> list[str]:
        """Give the fields of a word.

        Raises:
            TooLong: They hold more than `LONGEST_WORD` characters.
        """
        self._fields, self._current, self._size = [], None, 0
        self._add(node, quoted=False)
        self._end_field()
        return [text.translate(_TO_PLAIN) for field in self._fields for text in _expand_braces(field)][:_MOST_FIELDS]

    def _end_field(self) -> None:
        if self._current is not None:
            self._fields.append(self._current)
            self._current = None

    def _literal(self, text: str) -> None:
        self._size += len(text)
        if self._size > LONGEST_WORD:
            raise TooLong
        self._current = (self._current or "") + text

    def _split(self, text: str, *, quoted: bool) -> None:
        """Put in a variable's value; without quotes, blanks in it separate fields."""
        if quoted:
            self._literal(text)
            return
        if text[:1].isspace():
            self._end_field()
        for index, part in enumerate(text.split()):
            if index:
                self._end_field()
            self._literal(part)
        if text[-1:].isspace():
            self._end_field()

    def _add(self, node: Node, *, quoted: bool) -> None:
        kind = node.type
        if kind in ("concatenation", "translated_string"):
            self._add_parts(node, quoted=quoted)
        elif kind == "string":
            self._add_string(node)
        elif kind == "raw_string":
            self._literal(_text(node)[1:-1])
        elif kind == "ansi_c_string":
            self._literal(decode_escapes(_text(node)[2:-1]))
        elif kind == "simple_expansion":
            self._add_variable(node, _text(node)[1:], quoted=quoted)
        elif kind == "expansion":
            self._add_expansion(node, quoted=quoted)
        elif kind == "command_substitution":
            output = self._substitute(node)
            self._split(output, quoted=quoted) if output is not None else self._literal(_text(node))
        elif kind == "process_substitution":
            self._substitute(node)
            self._literal(_text(node))
        else:
            self._add_other(node)

    def _add_parts(self, node: Node, *, quoted: bool) -> None:
        for child in node.children:
            translated = child.type == "$" and child.next_sibling is not None and child.next_sibling.type == "string"
            if not translated:
                self._add(child, quoted=quoted)

    def _add_other(self, node: Node) -> None:
        text = _text(node)
        if node.type in ("word", "extglob_pattern", "glob_pattern", "{", "}", ","):
            text = _unescape(text)
        self._literal(text)

    def _add_string(self, node: Node) -> None:
        """The parser leaves blanks between the parts of a string to itself."""
        self._literal("")
        source = node.text or b""
        at = node.start_byte
        for child in node.children:
            self._quoted(source[at - node.start_byte : child.start_byte - node.start_byte].decode(errors="replace"))
            if child.type == "string_content":
                self._quoted(_text(child))
            elif child.is_named:
                self._add(child, quoted=True)
            else:
                # Blanks before a mark count as part of it: `" $"` is a blank and a dollar sign.
                self._literal(_text(child).removesuffix('"').removeprefix('"'))
            at = child.end_byte

    def _quoted(self, text: str) -> None:
        self._literal(_ESCAPED_IN_QUOTES.sub(lambda found: "" if found[1] == "\n" else found[1], text))

    def _add_variable(self, node: Node, name: str, *, quoted: bool) -> None:
        value = "\n" if name == "IFS" else self._variables.get(name)
        if value is None:
            self._literal(_text(node))
        else:
            self._split(value, quoted=quoted and name != "@")

    def _add_expansion(self, node: Node, *, quoted: bool) -> None:
        """``${name}``, with a default where there is one; anything cleverer stays as it is written."""
        names = [child for child in node.children if child.type in ("variable_name", "special_variable_name")]
        marks = [child.type for child in node.children if not child.is_named][1:-1]
        rest = [child for child in node.named_children if child not in names]
        name = _text(names[0]) if names else ""
        if name and not marks and not rest:
            self._add_variable(node, name, quoted=quoted)
        elif name and marks and marks[0] in _DEFAULTS and name not in self._variables and rest:
            value = [" ".join(Words(self._variables, self._substitute).read(child)) for child in rest]
            self._split("".join(value), quoted=quoted)
        else:
            self._literal(_text(node))


def decode_escapes(text: str) -> str:
    """``\\x72``, ``\\n`` and the like, as in ``$'...'``, ``printf`` and ``echo -e``."""
    return _ANSI.sub(_ansi_character, text)


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _unescape(text: str) -> str:
    """Only braces that are not escaped are expanded."""
    parts = []
    at = 0
    for found in _ESCAPED.finditer(text):
        parts.append(text[at : found.start()].translate(_TO_PRIVATE))
        parts.append("" if found[1] == "\n" else found[1])
        at = found.end()
    parts.append(text[at:].translate(_TO_PRIVATE))
    return "".join(parts)


def _ansi_character(found: re.Match[str]) -> str:
    code = found[1]
    kind = code[0]
    if kind in "xuU" and len(code) > 1:
        return _character(int(code[1:], 16))
    if kind in "01234567":
        return _character(int(code, 8))
    if kind == "c" and len(code) > 1:
        return chr(ord(code[1]) & 0x1F)
    return _ANSI_LETTERS.get(kind, kind if kind in "\\'\"?" else found[0])


def _character(number: int) -> str:
    return chr(number) if number <= _HIGHEST_CODE else ""


def _expand_braces(field: str) -> list[str]:
    """``a{b,c}`` is two words; nested ones are worked off from the inside."""
    done: list[str] = []
    waiting = [field]
    while waiting and len(done) + len(waiting) <= _MOST_FIELDS:
        text = waiting.pop(0)
        found = _INNERMOST.search(text)
        if found is None:
            done.append(text)
            continue
        waiting += [text[: found.start()] + part + text[found.end() :] for part in found[1].split(_COMMA)]
    return done + waiting
