"""Changes one value in the text of a YAML file and leaves every other character as it is. Pure.

A library that reads a file and writes it anew keeps the comments at best; line ends, long lines, the blanks before a
comment and the way lists are indented become its own. So the text is cut at the place in question. Nothing is believed
of the result: it is parsed again, and must hold exactly what was meant and all comments, or the edit is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from hermes_trio.errors import ConfigError
from hermes_trio.home.yaml_outline import Part, comments, outline
from hermes_trio.home.yaml_source import parse_yaml

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""What a setting may be set to."""

_BOM: Final = "\ufeff"
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WORDS_THAT_ARE_NOT_TEXT: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
#: YAML allows them in no text as they are, or takes them for the end of a line.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_COLON: Final = re.compile(r"\s*:")
_BLANK: Final = re.compile(r"[ \t]*")


class CannotEdit(ValueError):
    """The text has a form in which this edit is not safe."""


def set_value(text: str, path: Sequence[str], value: Value) -> str:
    """Set the value at a path of keys; mappings that are missing on the way are made.

    Raises:
        CannotEdit: The text does not allow it.
    """

    def cut(body: str, root: Part | None) -> str:
        return _put(body, root, list(path), value)

    def change(values: dict[str, object]) -> None:
        target = values
        for key in path[:-1]:
            below = target.get(key)
            if below is None:
                below = target[key] = {}
            if not isinstance(below, dict):
                raise CannotEdit(f"{key} is not a mapping")
            target = below
        target[path[-1]] = _plain(value)

    return _checked(text, cut, change)


def remove_value(text: str, path: Sequence[str]) -> str:
    """Remove the key at a path with its value; a comment on its line stays, on a line of its own.

    Raises:
        CannotEdit: The text does not allow it.
    """

    def cut(body: str, root: Part | None) -> str:
        return _take(body, root, list(path))

    def change(values: dict[str, object]) -> None:
        target: object = values
        for key in path[:-1]:
            target = target.get(key) if isinstance(target, dict) else None
        if isinstance(target, dict):
            target.pop(path[-1], None)

    return _checked(text, cut, change)


def append_to_list(text: str, key: str, items: Sequence[str]) -> str:
    """Append texts to the list under a key of the top level, those it has already left out; one text counts as a list.

    Raises:
        CannotEdit: The text does not allow it.
    """
    known: list[object] = []

    def change(values: dict[str, object]) -> None:
        found = values.get(key)
        known[:] = found if isinstance(found, list) else [] if found in (None, "") else [found]
        new = [item for item in dict.fromkeys(items) if item not in known]
        if new:
            values[key] = [*known, *new]

    def cut(body: str, root: Part | None) -> str:
        return _append(body, root, key, [item for item in dict.fromkeys(items) if item not in known])

    return _checked(text, cut, change)


def quote(text: str) -> str:
    """A text as YAML: plain where nothing can go wrong, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_THAT_ARE_NOT_TEXT:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def _checked(text: str, cut: Callable[[str, Part | None], str], change: Callable[[dict[str, object]], None]) -> str:
    mark = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    try:
        before = _parse(body)
        wanted = _parse(body)
        change(wanted)
        if repr(wanted) == repr(before):
            return text
        root = outline(body)
        after = cut(body, root)
        # The representations are compared because 1, 1.0 and true are equal, and the order of keys matters to people.
        if repr(_parse(after)) != repr(wanted) or comments(after, outline(after)) != comments(body, root):
            raise CannotEdit("its form does not allow a safe edit")
    except (yaml.YAMLError, ConfigError, RecursionError, UnicodeError) as exc:
        raise CannotEdit("its form does not allow a safe edit") from exc
    return mark + after


def _parse(text: str) -> dict[str, object]:
    thawed = _thaw(parse_yaml(text, Path(), None, lambda _path, found: found).values)
    assert isinstance(thawed, dict)  # noqa: S101  the parser gives nothing else
    return thawed


def _thaw(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _thaw(child) for key, child in value.items()}
    return [_thaw(child) for child in value] if isinstance(value, tuple) else value


def _plain(value: Value) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(child) for child in value]
    return value


# Cutting


def _put(text: str, root: Part | None, path: list[str], value: Value) -> str:
    line_end = _line_end(text)
    if root is None or root.is_null:
        return _with_last_line_ended(text, line_end) + _block(path, value, 0, line_end)
    node = root
    for depth, key in enumerate(path):
        if node.kind != "mapping":
            raise CannotEdit(f"{'.'.join(path[:depth])} is not a mapping")
        pair = node.find(key)
        if pair is None:
            return _insert(text, node, path[depth:], value, line_end)
        if depth == len(path) - 1:
            return _replace(text, pair, _inline(value))
        node = pair[1]
        if node.is_null:
            return _replace(text, pair, _inline(_nested(path[depth + 1 :], value)))
    raise CannotEdit("no path")


def _insert(text: str, node: Part, path: list[str], value: Value, line_end: str) -> str:
    if node.flow:
        pair = f"{quote(path[0])}: {_inline(_nested(path[1:], value))}"
        if not node.parts:
            at = text.index("{", node.start) + 1
            return text[:at] + pair + text[at:]
        at = node.parts[-1].end
        return text[:at] + ", " + pair + text[at:]
    column = node.parts[0].column
    return _insert_lines(text, node, _block(path, value, column, line_end), line_end)


def _insert_lines(text: str, node: Part, lines: str, line_end: str) -> str:
    """Insert whole lines after a block."""
    at = _after_line(text, node.end)
    gap = "" if text[:at].endswith("\n") else line_end
    return text[:at] + gap + lines + text[at:]


def _replace(text: str, pair: tuple[Part, Part], new: str) -> str:
    key, node = pair
    if node.kind in ("mapping", "list") and not node.flow:
        # What stands between the colon and the block, a comment perhaps, stays; the lines of the block go.
        colon = _colon(text, key)
        first, last = _line_start(text, node.start), _after_line(text, node.end)
        if first < colon:
            raise CannotEdit("a block begins on the line of its key")
        return text[:colon] + " " + new + text[colon:first] + text[last:]
    written = text[node.start : node.end]
    kept = written[len(written.rstrip()) :]
    space = "" if text[node.start - 1 : node.start].isspace() else " "
    return text[: node.start] + space + new + kept + text[node.end :]


def _take(text: str, root: Part | None, path: list[str]) -> str:
    parent: tuple[Part, Part] | None = None
    node = root
    for key in path[:-1]:
        parent = node.find(key) if node is not None and node.kind == "mapping" else None
        node = parent[1] if parent else None
    pair = node.find(path[-1]) if node is not None and node.kind == "mapping" else None
    if node is None or pair is None:
        raise CannotEdit("it is merged from elsewhere")
    if node.flow:
        return _take_from_flow(text, node, pair)
    if len(node.parts) == 2 and parent is not None:  # one key and its value
        return _replace(text, parent, "{}")
    return _take_lines(text, pair)


def _take_lines(text: str, pair: tuple[Part, Part]) -> str:
    key, node = pair
    first, last = _line_start(text, key.start), _after_line(text, node.end)
    indent = text[first : key.start]
    if indent.strip():
        raise CannotEdit("something stands before it on its line")
    rest = text[node.end : last].strip() if text[node.end - 1 : node.end] != "\n" else ""
    kept = indent + rest + _line_end(text) if rest.startswith("#") else ""
    return text[:first] + kept + text[last:]


def _take_from_flow(text: str, node: Part, pair: tuple[Part, Part]) -> str:
    pairs = node.pairs()
    at = pairs.index(pair)
    if at + 1 < len(pairs):
        return text[: pair[0].start] + text[pairs[at + 1][0].start :]
    start = pairs[at - 1][1].end if at else pair[0].start
    return text[:start] + text[pair[1].end :]


def _append(text: str, root: Part | None, key: str, items: list[str]) -> str:
    line_end = _line_end(text)
    if root is not None and root.kind != "mapping" and not root.is_null:
        raise CannotEdit("not a mapping")
    pair = root.find(key) if root is not None else None
    if root is None or pair is None:
        indent = " " * (root.parts[0].column if root is not None and root.parts else 0)
        if root is not None and root.flow:
            raise CannotEdit("all settings stand in braces")
        lines = [f"{indent}{key}:", *(f"{indent}  - {quote(item)}" for item in items)]
        return _with_last_line_ended(text, line_end) + "".join(line + line_end for line in lines)
    node = pair[1]
    if node.kind == "list" and not node.flow:
        lines = [f"{' ' * node.column}- {quote(item)}" for item in items]
        return _insert_lines(text, node, "".join(line + line_end for line in lines), line_end)
    added = ", ".join(map(quote, items))
    if node.kind == "list" and node.parts:
        at = node.parts[-1].end
        return text[:at] + ", " + added + text[at:]
    written = "" if node.kind == "list" or node.is_null or not node.text else text[node.start : node.end] + ", "
    return _replace(text, pair, f"[{written}{added}]")


# Writing


def _block(path: list[str], value: Value, column: int, line_end: str) -> str:
    """The lines of a new key: a mapping on the way gets a line of its own."""
    lines = [f"{' ' * (column + 2 * depth)}{quote(key)}:" for depth, key in enumerate(path)]
    return line_end.join(lines) + f" {_inline(value)}{line_end}"


def _nested(path: list[str], value: Value) -> Value:
    for key in reversed(path):
        value = {key: value}
    return value


def _inline(value: Value) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quote(key)}: {_inline(child)}" for key, child in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float):
        return yaml.safe_dump(value).removesuffix("...\n").strip()
    return json.dumps(value)


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _with_last_line_ended(text: str, line_end: str) -> str:
    return text if not text or text.endswith("\n") else text + line_end


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _after_line(text: str, at: int) -> int:
    """The beginning of the next line; ``at`` itself when it is one, as after a text in a block."""
    if at and text[at - 1] == "\n":
        return at
    newline = text.find("\n", at)
    return len(text) if newline < 0 else newline + 1


def _colon(text: str, key: Part) -> int:
    match = _COLON.match(text, key.end)
    if match is None:
        raise CannotEdit("no colon after the key")
    return match.end()
