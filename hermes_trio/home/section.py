"""Reads typed values out of the settings of one file: who asks says the type, a wrong one is an error with its line.

Nothing is checked that nobody asks for, so a wrong value in an unused setting harms nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from hermes_trio.errors import ConfigError
from hermes_trio.home.interpolation import variable_names
from hermes_trio.home.provenance import Location, Notice, join_path
from hermes_trio.home.scalars import describe_value, split_list, to_boolean, to_integer, to_number

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

_EMPTY: Final[Mapping[object, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a section belongs to.

    Attributes:
        file: Named in errors.
        profile: Named in errors.
        lines: Dotted path -> line.
        spellings: Dotted path -> what the file says where that is not the value itself.
        notices: Collects remarks.
    """

    file: Path
    profile: str
    lines: Mapping[str, int]
    spellings: Mapping[str, str]
    notices: list[Notice] = field(default_factory=list)


class Section:
    """One mapping of the settings. Null and absent are the same; where a number is wanted, so is empty text.

    Args:
        origin: The file.
        values: The mapping.
        path: Its dotted path; empty for the whole file.
    """

    __slots__ = ("_origin", "path", "values")

    def __init__(self, origin: Origin, values: Mapping[object, object], path: str) -> None:
        self._origin = origin
        self.values = values
        self.path = path

    def has(self, key: str) -> bool:
        """Tell whether the key is there and not null."""
        return self.values.get(key) is not None

    def location(self, key: str) -> Location:
        """Where the key stands; the file alone when it is not there."""
        return Location(self._origin.file, self._origin.lines.get(join_path(self.path, key)))

    def text(self, *keys: str, default: str = "") -> str:
        """The text under the first of ``keys`` that is there. Numbers and dates count as spelled, switches do not."""
        key, value = self._first(keys)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        return self._spelled(join_path(self.path, key), value)

    def integer(self, *keys: str, default: int, minimum: int | None = None, maximum: int | None = None) -> int:
        """A whole number within bounds, also when it is written as text."""
        found = self.optional_integer(*keys, minimum=minimum, maximum=maximum)
        return default if found is None else found

    def optional_integer(self, *keys: str, minimum: int | None = None, maximum: int | None = None) -> int | None:
        """Like `integer`, None when it is not there."""
        return self._number(keys, "a whole number", to_integer, minimum, maximum)

    def number(self, *keys: str, default: float, minimum: float | None = None) -> float:
        """A number of at least ``minimum``, also when it is written as text."""
        found = self.optional_number(*keys, minimum=minimum)
        return default if found is None else found

    def optional_number(self, *keys: str, minimum: float | None = None, maximum: float | None = None) -> float | None:
        """Like `number`, None when it is not there."""
        return self._number(keys, "a number", to_number, minimum, maximum)

    def boolean(self, *keys: str, default: bool) -> bool:
        """A switch: true, yes, on, 1 and their opposites, also as text."""
        found = self.optional_boolean(*keys)
        return default if found is None else found

    def optional_boolean(self, *keys: str) -> bool | None:
        """Like `boolean`, None when it is not there."""
        return self._converted(keys, "true or false", to_boolean)

    def texts(self, *keys: str) -> tuple[str, ...]:
        """A list of texts, or one text with commas or JSON; blanks around them and empty ones fall away."""
        key, value = self._first(keys)
        if isinstance(value, Mapping):
            raise self.error(key, "a list, or text with commas")
        if isinstance(value, tuple):
            path = join_path(self.path, key)
            found = [self._item_text(f"{path}[{index}]", item) for index, item in enumerate(value)]
        else:
            return split_list(self.text(key))
        return tuple(stripped for text in found if (stripped := text.strip()))

    def whole_texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text, each exactly as it stands: commas, blanks and empty ones stay."""
        value = self.values.get(key)
        if isinstance(value, Mapping):
            raise self.error(key, "a list of texts")
        if isinstance(value, tuple):
            path = join_path(self.path, key)
            return tuple(self._item_text(f"{path}[{index}]", item) for index, item in enumerate(value))
        return (self.text(key),) if self.has(key) else ()

    def section(self, key: str) -> Section:
        """The mapping under ``key``; an empty one when it is not there."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise self.error(key, "a mapping, `key: value` lines indented below it")
        return Section(self._origin, value or _EMPTY, join_path(self.path, key))

    def entries(self, key: str) -> tuple[tuple[str, Section], ...]:
        """The children of the mapping under ``key``, which must be mappings themselves, each with its name."""
        parent = self.section(key)
        return tuple((str(name), parent.child(name)) for name in parent.values)

    def child(self, name: object) -> Section:
        """The mapping under a key of any type; an empty one when it is null."""
        value = self.values.get(name)
        path = join_path(self.path, name)
        return Section(self._origin, _EMPTY, path) if value is None else self._item(path, value)

    def items(self, key: str) -> tuple[Section, ...]:
        """The mappings in the list under ``key``; a single mapping counts as a list of one."""
        value = self.values.get(key)
        if value is None:
            return ()
        path = join_path(self.path, key)
        if isinstance(value, Mapping):
            return (Section(self._origin, value, path),)
        if not isinstance(value, tuple):
            raise self.error(key, "a list of mappings")
        return tuple(self._item(f"{path}[{index}]", item) for index, item in enumerate(value))

    def mappings(self, key: str, code: str, text: str) -> tuple[Section, ...]:
        """The mappings in the list under ``key``; anything else is remarked with code and text, and left out."""
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, tuple):
            self.note(code, key, text)
            return ()
        path = join_path(self.path, key)
        found = [(Section(self._origin, _EMPTY, f"{path}[{index}]"), item) for index, item in enumerate(value)]
        for place, item in found:
            if not isinstance(item, Mapping):
                place.note_here(code, text)
        return tuple(self._item(place.path, item) for place, item in found if isinstance(item, Mapping))

    def names(self, *keys: str) -> tuple[str, ...]:
        """Names in any of the ways people list them: a mapping's keys, texts, or mappings with ``id`` or ``name``."""
        key, value = self._first(keys)
        if isinstance(value, Mapping):
            return tuple(str(name) for name in value)
        if isinstance(value, tuple) and any(isinstance(item, Mapping) for item in value):
            return tuple(name for item in self.items(key) if (name := item.text("id", "name", "model")))
        return self.texts(key)

    def mapping(self, key: str) -> Mapping[str, object]:
        """The mapping under ``key`` as it is."""
        return MappingProxyType({str(name): value for name, value in self.section(key).values.items()})

    def text_mapping(self, key: str) -> Mapping[str, str]:
        """The mapping under ``key``, whose values must be text or numbers."""
        child = self.section(key)
        return MappingProxyType({str(name): child.text(name) for name in child.values if isinstance(name, str)})

    def note(self, code: str, key: str, text: str) -> None:
        """Remark something about a key; see `Notice`."""
        self.note_at(code, join_path(self.path, key), self.location(key), text)

    def note_here(self, code: str, text: str) -> None:
        """Remark something about the section itself; see `Notice`."""
        self.note_at(code, self.path, Location(self._origin.file, self._origin.lines.get(self.path)), text)

    def note_at(self, code: str, path: str, location: Location, text: str) -> None:
        """Remark something about a setting that stands elsewhere, e.g. in a variable; see `Notice`."""
        notice = Notice(code, path, location, text)
        if notice not in self._origin.notices:  # settings that count for several platforms are read for each
            self._origin.notices.append(notice)

    def with_spelled_items(self, key: str) -> object:
        """The value under ``key``; numbers in a list, which are ids most often, as they are spelled."""
        value = self.values.get(key)
        if not isinstance(value, tuple):
            return value
        path = join_path(self.path, key)
        return tuple(
            self._spelled(f"{path}[{index}]", item)
            if isinstance(item, int | float) and not isinstance(item, bool)
            else item
            for index, item in enumerate(value)
        )

    def error(self, key: str, expected: str, mend: str | None = None) -> ConfigError:
        """The error for a value of the wrong kind under ``key``."""
        return self._error(join_path(self.path, key), self.values.get(key), expected, mend)

    def _first(self, keys: tuple[str, ...]) -> tuple[str, object]:
        for key in keys:
            value = self.values.get(key)
            if value is not None:
                return key, value
        return keys[0], None

    def _number(
        self, keys: tuple[str, ...], kind: str, convert: Callable[[object], T], low: float | None, high: float | None
    ) -> T | None:
        def within(value: object) -> T:
            number = convert(value)
            if (low is not None and number < low) or (high is not None and number > high):  # type: ignore[operator]
                raise ValueError
            return number

        return self._converted(keys, kind + _bounds(low, high), within)

    def _converted(self, keys: tuple[str, ...], expected: str, convert: Callable[[object], T]) -> T | None:
        key, value = self._first(keys)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            return convert(value)
        except ValueError:
            raise self.error(key, expected, self._unset_variable(key, value)) from None

    def _unset_variable(self, key: str, value: object) -> str | None:
        if not isinstance(value, str) or "${" not in value:
            return None
        written = self._origin.spellings.get(join_path(self.path, key), value)
        return f"set {' and '.join(variable_names(written))} in the .env of this profile"

    def _item(self, path: str, value: object) -> Section:
        if not isinstance(value, Mapping):
            raise self._error(path, value, "a mapping, `key: value` lines indented below it")
        return Section(self._origin, value, path)

    def _item_text(self, path: str, value: object) -> str:
        if value is None:
            return ""
        return value if isinstance(value, str) else self._spelled(path, value)

    def _spelled(self, path: str, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float | date):
            raise self._error(path, value, "text", "put it in quotes" if isinstance(value, bool) else None)
        return self._origin.spellings.get(path, str(value))

    def _error(self, path: str, value: object, expected: str, mend: str | None = None) -> ConfigError:
        line = self._origin.lines.get(path)
        return ConfigError(
            "wrong kind of value",
            profile=self._origin.profile,
            where=f"{Location(self._origin.file, line)} {path}",
            found=describe_value(path, value, self._origin.spellings.get(path)),
            expected=expected,
            mend=mend,
        )


def first_with(key: str, *sections: Section) -> Section:
    """The first section that has the key; the first of all when none has."""
    return next((section for section in sections if section.has(key)), sections[0])


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return "" if low is None else f" of at least {low}"
