"""YAML with provenance: plain values, and for every dotted path the line it stands on.

Only the tags of plain YAML are understood, nothing in a file can name code. JSON files are valid YAML. The C parser is
used where it is installed; it composes a 40-line file in 0.2 ms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import yaml
from yaml.constructor import SafeConstructor
from yaml.error import MarkedYAMLError
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.reader import Reader

from hermes_trio.errors import ConfigError
from hermes_trio.home.provenance import join_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from yaml.nodes import Node

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Deeper nesting is refused: the C parser recurses on the C stack and would take the whole process down.
DEPTH_LIMIT: Final = 100
#: More values than any settings file has; a few aliases of aliases could otherwise fill the memory.
NODE_LIMIT: Final = 100_000

_TAG: Final = "tag:yaml.org,2002:"
_QUOTED: Final = re.compile(r"'[^'<>\s]{2,}'")


@dataclass(frozen=True, slots=True)
class Document:
    """The content of one YAML file.

    Attributes:
        file: Where it was read from.
        values: The top-level mapping: read-only mappings, tuples and scalars all the way down.
        lines: Dotted path -> line, from 1. List items are ``parent[0]``.
        spellings: Dotted path -> how a value that is not text was written (``1.10``, ``0600``), or what a text
            was before it was interpolated.
        duplicates: Paths that are given twice, with the line of the first; the last one counts.
    """

    file: Path
    values: Mapping[object, object]
    lines: Mapping[str, int]
    spellings: Mapping[str, str]
    duplicates: tuple[tuple[str, int], ...]


def parse_yaml(text: str, file: Path, profile: str | None, interpolate: Callable[[str, str], str]) -> Document:
    """Parse the text of a settings file; an empty one is an empty mapping.

    Args:
        text: The content.
        file: Named in errors and locations.
        profile: Named in errors.
        interpolate: Called with path and text of every text value that holds ``${``; gives the text to use.

    Raises:
        ConfigError: Not YAML, not a mapping, too deep, or a tag of another language; names the line.
    """
    builder = _Builder(file, profile, interpolate)
    try:
        _check_depth(text, builder)
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as exc:
        # The parser's message quotes the file, where there may be secrets: neither chained nor passed on whole.
        raise _syntax_error(exc, text, builder) from None
    if root is None or (isinstance(root, ScalarNode) and root.tag == _TAG + "null"):
        values: Mapping[object, object] = {}
    elif isinstance(root, MappingNode):
        values = builder.build_mapping(root, "", 0)
    else:
        raise builder.error(1, "", "not a mapping", _kind(root), "lines of the form `key: value`")
    return Document(file, values, builder.lines, builder.spellings, tuple(builder.duplicates))


def _check_depth(text: str, builder: _Builder) -> None:
    if _possible_depth(text) <= DEPTH_LIMIT:
        return
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT:
            raise builder.too_deep(event.start_mark.line + 1 if event.start_mark else 1, "")


def _possible_depth(text: str) -> int:
    """A cheap upper bound: a level costs a bracket, an indicator, or a column of indentation (which may bear two)."""
    if len(text) <= DEPTH_LIMIT:
        return len(text)
    deepest = max(len(line) - len(line.lstrip(" \t-?:")) for line in text.splitlines())
    return text.count("[") + text.count("{") + 2 * (deepest + 1)


def _syntax_error(exc: yaml.YAMLError, text: str, builder: _Builder) -> ConfigError:
    if isinstance(exc, MarkedYAMLError):
        mark = exc.problem_mark or exc.context_mark
        problem = _QUOTED.sub("'...'", exc.problem or exc.context or "cannot be read")
        line = mark.line + 1 if mark is not None else 1
        if "nesting depth" in problem:  # the C parser's own limit; it looks up to 1024 characters ahead
            return builder.too_deep(line, "")
    else:
        found = Reader.NON_PRINTABLE.search(text)
        problem = "a character that YAML does not allow"
        line = text.count("\n", 0, found.start()) + 1 if found else 1
    return builder.error(line, "", f"not valid YAML: {problem}", None, None, mend=_mend(problem, line))


def _mend(problem: str, line: int) -> str:
    if "mapping values" in problem:
        return f"put the value on line {line} in quotes if it holds ': ', or correct the indentation"
    if "cannot start any token" in problem:
        return f"indent line {line} with blanks instead of tabs, and put values that begin with @, % or ` in quotes"
    return f"correct line {line} or the lines before it; quotes, brackets and indentation are what is wrong most often"


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, SequenceNode) else "a single value"


@dataclass(slots=True)
class _Builder:
    """Turns nodes into values and keeps book of where they stand."""

    file: Path
    profile: str | None
    interpolate: Callable[[str, str], str]
    lines: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    duplicates: list[tuple[str, int]] = field(default_factory=list)
    constructor: SafeConstructor = field(default_factory=SafeConstructor)
    nodes: int = 0

    def build_mapping(self, node: MappingNode, path: str, depth: int) -> Mapping[object, object]:
        """Build a mapping; what is merged in with ``<<`` counts less than what the mapping itself says."""
        self._expect_tag(node, "map", path)
        values: dict[object, object] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                values.update(self._build_merged(value_node, path, depth + 1))
        own: dict[object, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            child_path = join_path(path, key_node.value if isinstance(key_node, ScalarNode) else "?")
            line = key_node.start_mark.line + 1
            key = self._build_key(key_node, child_path, line)
            if key in own:
                self.duplicates.append((child_path, own[key]))
            own[key] = line
            values[key] = self._build(value_node, child_path, line, depth + 1)
        return MappingProxyType(values)

    def _build(self, node: Node, path: str, line: int, depth: int) -> object:
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            raise self.error(line, path, "too many values", f"more than {NODE_LIMIT}", "fewer, or fewer aliases")
        if depth > DEPTH_LIMIT:
            raise self.too_deep(line, path)
        self.lines[path] = line
        if isinstance(node, ScalarNode):
            return self._build_scalar(node, path, line)
        if isinstance(node, MappingNode):
            return self.build_mapping(node, path, depth)
        self._expect_tag(node, "seq", path)
        return tuple(
            self._build(child, f"{path}[{index}]", child.start_mark.line + 1, depth + 1)
            for index, child in enumerate(node.value)
        )

    def _build_merged(self, node: Node, path: str, depth: int) -> Mapping[object, object]:
        if depth > DEPTH_LIMIT:
            raise self.too_deep(node.start_mark.line + 1, path)
        if isinstance(node, MappingNode):
            return self.build_mapping(node, path, depth)
        if not isinstance(node, SequenceNode):
            line = node.start_mark.line + 1
            raise self.error(line, join_path(path, "<<"), "cannot be merged", _kind(node), "an alias of a mapping")
        merged: dict[object, object] = {}
        for child in reversed(node.value):
            merged.update(self._build_merged(child, path, depth + 1))
        return merged

    def _build_key(self, node: Node, path: str, line: int) -> str:
        """Every key is text as it is spelled: as a number or a switch (``-100123:7``, ``on``) it would be another."""
        if not isinstance(node, ScalarNode):
            raise self.error(line, path, "a key must be a single value", _kind(node), "text")
        if node.tag not in _CONVERTERS:
            raise self._foreign_tag(node, path, line)
        return str(node.value)

    def _build_scalar(self, node: ScalarNode, path: str, line: int) -> object:
        text: str = node.value
        if node.tag != _TEXT:
            self.spellings[path] = text
            return self._convert(node, path, line)
        if "${" not in text:
            return text
        used = self.interpolate(path, text)
        if used != text:
            self.spellings[path] = text
        return used

    def _convert(self, node: ScalarNode, path: str, line: int) -> object:
        convert = _CONVERTERS.get(node.tag)
        if convert is None:
            raise self._foreign_tag(node, path, line)
        try:
            return convert(self.constructor, node)
        except (ValueError, OverflowError, yaml.YAMLError):
            kind = node.tag.removeprefix(_TAG)
            raise self.error(line, path, "impossible value", f"what looks like {kind}", "a value, or quotes") from None

    def _expect_tag(self, node: Node, kind: str, path: str) -> None:
        if node.tag != _TAG + kind:
            raise self._foreign_tag(node, path, node.start_mark.line + 1)

    def _foreign_tag(self, node: Node, path: str, line: int) -> ConfigError:
        tag = node.tag.replace(_TAG, "!!")[:60]
        return self.error(line, path, "a tag that settings may not have", tag, "plain values", mend=f"remove {tag}")

    def too_deep(self, line: int, path: str) -> ConfigError:
        """The error for nesting beyond any reason, or without end (an alias within itself)."""
        return self.error(line, path, "nested too deeply", f"more than {DEPTH_LIMIT} levels", "a few levels")

    def error(
        self, line: int, path: str, problem: str, found: str | None, expected: str | None, *, mend: str | None = None
    ) -> ConfigError:
        """An error at a line of the file."""
        where = f"{self.file}:{line} {path if len(path) <= 200 else path[:197] + '...'}".rstrip()
        return ConfigError(problem, profile=self.profile, where=where, found=found, expected=expected, mend=mend)


def _text_of(_constructor: SafeConstructor, node: ScalarNode) -> object:
    return node.value


_TEXT: Final = _TAG + "str"
_MERGE: Final = _TAG + "merge"
_CONVERTERS: Final[Mapping[str, Callable[[SafeConstructor, ScalarNode], object]]] = MappingProxyType(
    {
        _TAG + "null": SafeConstructor.construct_yaml_null,
        _TAG + "bool": SafeConstructor.construct_yaml_bool,
        _TAG + "int": SafeConstructor.construct_yaml_int,
        _TAG + "float": SafeConstructor.construct_yaml_float,
        _TAG + "timestamp": SafeConstructor.construct_yaml_timestamp,
        _TAG + "binary": SafeConstructor.construct_yaml_binary,
        _TAG + "value": _text_of,
        _TEXT: _text_of,
    }
)
