"""Filters: what a delivery must look like to be taken. Pure but for the lists in files, which the caller reads.

A filter is ``{all: [...]}``, ``{any: [...]}``, ``{not: ...}``, or ``{field: a.b, <operator>: ...}``; a list means all
of them. Values compare as text, so that ``equals: 42`` fits both ``42`` and ``"42"``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.provenance import join_path
from hermes_trio.home.scalars import to_boolean
from hermes_trio.http.webhooks.lookup import MISSING, as_text, look_up
from hermes_trio.io.expressions import LONGEST_PATTERN, BadExpression, compile_re2

if TYPE_CHECKING:
    from hermes_trio.io.expressions import Pattern

DEEPEST: Final = 20
MOST_RULES: Final = 500
OPERATORS: Final = ("exists", "missing", "equals", "not_equals", "contains", "in", "in_file", "regex")
_COMBINATORS: Final = ("all", "any", "not")

Lists = Mapping[str, frozenset[str]]
"""Name of a file -> its lines."""

Test = Callable[[object, Lists], bool]
"""Whether a field's value fits; `MISSING` stands for none."""


class FilterInvalid(ValueError):
    """A filter cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that is ready for use.

    Attributes:
        accepts: Tells whether a payload is taken, given the lists of ``files``.
        files: The files whose lines it compares with.
    """

    accepts: Callable[[object, Lists], bool]
    files: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What has been seen of a filter so far."""

    files: list[str] = field(default_factory=list)
    rules: int = 0


def compile_filter(written: object) -> Filter:
    """Make a filter of what the settings say; None takes everything.

    Raises:
        FilterInvalid: An operator is unknown, or a value is of the wrong kind.
    """
    if written is None:
        return Filter(lambda _payload, _lists: True)
    reading = _Reading()
    return Filter(_rule(written, "filters", reading, 0), tuple(dict.fromkeys(reading.files)))


def _rule(written: object, path: str, reading: _Reading, depth: int) -> Callable[[object, Lists], bool]:
    reading.rules += 1
    if depth > DEEPEST or reading.rules > MOST_RULES:
        raise FilterInvalid(f"{path}: more than {MOST_RULES} rules, or more than {DEEPEST} within each other")
    if isinstance(written, tuple):
        return _every(written, path, reading, depth)
    if not isinstance(written, Mapping):
        raise FilterInvalid(f"{path}: not a mapping with `field` and an operator, or with all, any or not")
    combinators = [key for key in _COMBINATORS if key in written]
    if not combinators:
        return _leaf(written, path, reading)
    if len(written) != 1:
        raise FilterInvalid(f"{path}: `{combinators[0]}` stands alone; found {_names(written)}")
    key = combinators[0]
    value, below = written[key], join_path(path, key)
    if key == "all":
        return _every(value, below, reading, depth)
    if key == "any":
        rules = list(_rules(value, below, reading, depth))
        return lambda payload, lists: any(rule(payload, lists) for rule in rules)
    inner = _rule(value, below, reading, depth + 1)
    return lambda payload, lists: not inner(payload, lists)


def _every(written: object, path: str, reading: _Reading, depth: int) -> Callable[[object, Lists], bool]:
    rules = list(_rules(written, path, reading, depth))
    return lambda payload, lists: all(rule(payload, lists) for rule in rules)


def _rules(written: object, path: str, reading: _Reading, depth: int) -> Iterator[Callable[[object, Lists], bool]]:
    if not isinstance(written, tuple):
        raise FilterInvalid(f"{path}: not a list of filters")
    for index, one in enumerate(written):
        yield _rule(one, f"{path}[{index}]", reading, depth + 1)


def _leaf(written: Mapping[object, object], path: str, reading: _Reading) -> Callable[[object, Lists], bool]:
    name = written.get("field")
    if not isinstance(name, str) or not name.strip():
        raise FilterInvalid(f"{path}: no `field`; found {_names(written)}")
    operators = [str(key) for key in written if key != "field"]
    unknown = [key for key in operators if key not in OPERATORS]
    if unknown:
        raise FilterInvalid(f"{path}: unknown operator `{unknown[0][:40]}`; known are {', '.join(OPERATORS)}")
    if not operators:
        raise FilterInvalid(f"{path}: no operator; known are {', '.join(OPERATORS)}")
    tests = [_MAKERS[key](written[key], join_path(path, key)) for key in operators]
    if "in_file" in operators:
        reading.files.append(str(written["in_file"]))
    where = name.strip()

    def fits(payload: object, lists: Lists) -> bool:
        value = look_up(payload, where)
        return all(test(value, lists) for test in tests)

    return fits


def _exists(wanted: object, path: str) -> Test:
    try:
        yes = to_boolean(True if wanted is None else wanted)
    except ValueError:
        raise FilterInvalid(f"{path}: neither true nor false") from None
    return lambda value, _lists: (value is not MISSING and value is not None) is yes


def _missing(wanted: object, path: str) -> Test:
    exists = _exists(wanted, path)
    return lambda value, lists: not exists(value, lists)


def _equals(wanted: object, path: str) -> Test:
    text = _scalar(wanted, path)
    return lambda value, _lists: value is not MISSING and as_text(value) == text


def _not_equals(wanted: object, path: str) -> Test:
    equals = _equals(wanted, path)
    return lambda value, lists: not equals(value, lists)


def _contains(wanted: object, path: str) -> Test:
    text = _scalar(wanted, path)

    def test(value: object, _lists: Lists) -> bool:
        if isinstance(value, str):
            return text in value
        if isinstance(value, dict):
            return text in value
        return isinstance(value, list) and any(as_text(item) == text for item in value)

    return test


def _in(wanted: object, path: str) -> Test:
    if not isinstance(wanted, tuple):
        raise FilterInvalid(f"{path}: not a list")
    texts = frozenset(_scalar(item, path) for item in wanted)
    return lambda value, _lists: value is not MISSING and as_text(value) in texts


def _in_file(wanted: object, path: str) -> Test:
    if not isinstance(wanted, str) or not wanted.strip():
        raise FilterInvalid(f"{path}: not the name of a file")
    return lambda value, lists: value is not MISSING and as_text(value) in lists.get(wanted, frozenset())


def _regex(wanted: object, path: str) -> Test:
    if not isinstance(wanted, str) or len(wanted) > LONGEST_PATTERN:
        raise FilterInvalid(f"{path}: not a pattern of at most {LONGEST_PATTERN} characters")
    try:
        pattern: Pattern = compile_re2(wanted)
    except BadExpression as error:
        raise FilterInvalid(f"{path}: not a regular expression in RE2 syntax: {error}") from None
    return lambda value, _lists: value is not MISSING and pattern.search(as_text(value).encode()) is not None


_MAKERS: Final[Mapping[str, Callable[[object, str], Test]]] = MappingProxyType(
    {
        "exists": _exists,
        "missing": _missing,
        "equals": _equals,
        "not_equals": _not_equals,
        "contains": _contains,
        "in": _in,
        "in_file": _in_file,
        "regex": _regex,
    }
)


def _scalar(value: object, path: str) -> str:
    if isinstance(value, Mapping | tuple):
        raise FilterInvalid(f"{path}: not a text, number or switch")
    if not isinstance(value, str | int | float | bool | None):
        return str(value)  # a date that YAML has read as one
    return as_text(value)


def _names(written: Mapping[object, object]) -> str:
    return ", ".join(str(key)[:40] for key in written) or "nothing"
