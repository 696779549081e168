"""Tells a typing error in the settings from a setting that we merely do not use yet."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from hermes_trio.home.key_table import COMPLETE_SECTIONS, OPEN_SECTIONS, SECTIONS, USUAL_SECTIONS
from hermes_trio.home.provenance import Location, UnknownKey, join_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def find_unknown_keys(values: Mapping[object, object], file: Path, lines: Mapping[str, int]) -> tuple[UnknownKey, ...]:
    """Find the keys nobody knows, each with the key that was probably meant.

    Args:
        values: The whole settings.
        file: Where they were read from.
        lines: Dotted path -> line.
    """
    return tuple(
        UnknownKey(path, Location(file, lines.get(path)), suggestion) for path, suggestion in _walk(values, "", "")
    )


def _walk(values: Mapping[object, object], path: str, pattern: str) -> list[tuple[str, str | None]]:
    known = SECTIONS.get(pattern)
    found: list[tuple[str, str | None]] = []
    for key, value in values.items():
        name = str(key)
        child = join_path(path, name)
        if known is not None and name not in known:
            suggestion = _suggest(name, known, path, () if pattern in OPEN_SECTIONS else USUAL_SECTIONS)
            if suggestion is not None or pattern in COMPLETE_SECTIONS:
                found.append((child, suggestion))
        elif isinstance(value, Mapping) and (below := _pattern_below(pattern, name)) is not None:
            found += _walk(value, child, below)
    return found


def _pattern_below(pattern: str, name: str) -> str | None:
    exact = f"{pattern}.{name}" if pattern else name
    if exact in SECTIONS:
        return exact
    if f"{exact}.*" in SECTIONS:
        return exact
    wild = f"{pattern}.*"
    return wild if wild in SECTIONS else None


def _suggest(name: str, known: frozenset[str], path: str, elsewhere: Sequence[str]) -> str | None:
    plain = name.lower().replace("-", "_")
    close = [plain] if plain in known else get_close_matches(plain, sorted(known), n=1, cutoff=0.78)
    if close:
        return join_path(path, close[0])
    home = next((section for section in elsewhere if section != path and plain in SECTIONS[section]), None)
    return None if home is None else f"{home}.{plain}"
