"""JSON schemas of the Structs that endpoints take and give; their docstrings become descriptions."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TEMPLATE: Final = "#/components/schemas/{name}"
_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def component_schemas(shapes: Iterable[type[msgspec.Struct]]) -> dict[str, Any]:
    """The schemas of these Structs and of all that they are made of, by name.

    Raises:
        ValueError: Two different Structs have the same name.
    """
    _, components = msgspec.json.schema_components(dict.fromkeys(shapes), ref_template=_TEMPLATE)
    for name, schema in components.items():
        if not name.isidentifier():
            raise ValueError(f"two Structs of the API share a name: {name}")
        _describe(schema)
    return dict(sorted(components.items()))


def _describe(schema: dict[str, Any]) -> None:
    """Turn a docstring into a description of the whole, and one of each property that it tells of."""
    schema.pop("title", None)
    text = inspect.cleandoc(schema.get("description", ""))
    told, _, attributes = text.partition("\n\nAttributes:\n")
    if told:
        schema["description"] = " ".join(told.split())
    for name, description in _attributes(attributes):
        if name in schema.get("properties", {}):
            schema["properties"][name].setdefault("description", description)


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for name, description in _ATTRIBUTE.findall(text):
        yield name, " ".join(description.split())
