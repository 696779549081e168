"""Deeply immutable copies of plain values, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def freeze(value: object) -> object:
    """Copy mappings and lists into read-only mappings and tuples, all the way down; other values stay as they are."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(child) for key, child in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(child) for child in value)
    return value


def thaw(value: object) -> object:
    """Copy read-only mappings and tuples into dicts and lists, all the way down: what a JSON encoder wants."""
    if isinstance(value, Mapping):
        return {key: thaw(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(child) for child in value]
    return value
