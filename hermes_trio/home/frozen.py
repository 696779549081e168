"""The way back from the deeply immutable values of the settings to plain ones."""

from __future__ import annotations

from collections.abc import Mapping


def thaw(value: object) -> object:
    """Copy read-only mappings and tuples into dicts and lists, all the way down: what a JSON encoder wants."""
    if isinstance(value, Mapping):
        return {key: thaw(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(child) for child in value]
    return value
