"""Looks up one setting of one platform in all the places Hermes allows, strongest first.

These are the platform's own variable, ``platforms.<name>`` and its ``extra``, the same under ``gateway.platforms``, and
the top-level section named after the platform. Ids are read as text, exactly as they are spelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.platform_table import belongs_to, key_of, variables_of
from hermes_trio.home.provenance import join_path

if TYPE_CHECKING:
    from hermes_trio.home.section import Section
    from hermes_trio.home.variables import Variables

#: Keys of a platform's section that are no settings of its adapter.
_FIELDS: Final = frozenset({"extra", "platform", "topic_profiles"})


class PlatformReader:
    """The settings and variables of one platform. Which keys and variables were asked for is remembered.

    Args:
        name: The platform.
        top: The whole settings.
        gateway: Their section ``gateway``.
        variables: The profile's variables.
    """

    __slots__ = ("_asked_keys", "_asked_names", "_layers", "_variables", "name", "names")

    def __init__(self, name: str, top: Section, gateway: Section, variables: Variables) -> None:
        self.name = name
        self.names = variables_of(name)
        self._layers = platform_layers(name, top, gateway)
        self._variables = variables
        self._asked_keys: set[str] = set(_FIELDS)
        self._asked_names: set[str] = set()

    def written(self, *keys: str) -> Section | None:
        """The strongest section that has one of ``keys``, or None."""
        self._asked_keys.update(keys)
        return next((layer for layer in self._layers if any(map(layer.has, keys))), None)

    def every(self, key: str) -> list[Section]:
        """All sections that have the key, strongest first."""
        self._asked_keys.add(key)
        return [layer for layer in self._layers if layer.has(key)]

    def variable(self, *suffixes: str) -> str | None:
        """The whole name of the first variable that is set of those with these ends."""
        return self.whole_variable(*(f"{self.names.prefix}_{suffix}" for suffix in suffixes))

    def whole_variable(self, *names: str) -> str | None:
        """The first variable that is set of those with these whole names."""
        self._asked_names.update(names)
        return next((name for name in names if name and self._variables.has(name)), None)

    def fallback_variable(self, name: str) -> str | None:
        """The variable, if it is set; it stays a setting of its own as well."""
        return name if name and self._variables.has(name) else None

    def value(self, name: str, key: str) -> str:
        """The text of a variable that stands for ``key``."""
        return self._variables.text(name, self._path(key))

    def text(self, keys: tuple[str, ...], suffixes: tuple[str, ...] = ()) -> str:
        """A text without blanks around it; empty when it is nowhere."""
        name, section = self._sources(keys, suffixes)
        if name is not None:
            return self.value(name, keys[0])
        return section.text(*keys).strip() if section else ""

    def ids(self, keys: tuple[str, ...], suffixes: tuple[str, ...] = ()) -> frozenset[str]:
        """A list of ids or names; empty when it is nowhere."""
        name, section = self._sources(keys, suffixes)
        if name is not None:
            return frozenset(self._variables.texts(name, self._path(keys[0])))
        return frozenset(section.texts(*keys)) if section else frozenset()

    def switch(self, keys: tuple[str, ...], suffixes: tuple[str, ...] = ()) -> bool | None:
        """A switch; None when it is nowhere."""
        name, section = self._sources(keys, suffixes)
        if name is not None:
            return self._variables.boolean(name, self._path(keys[0]))
        return section.optional_boolean(*keys) if section else None

    def word(
        self,
        keys: tuple[str, ...],
        suffixes: tuple[str, ...],
        allowed: tuple[str, ...],
        *,
        yes: str,
        no: str,
        otherwise: str,
    ) -> str:
        """One of a few words; empty when it is nowhere.

        Args:
            keys: Where it may stand in the settings.
            suffixes: Ends of the variables it may be in.
            allowed: The words.
            yes: What a bare switch that is on means; YAML reads ``on`` as one.
            no: What a bare switch that is off means.
            otherwise: What any other word means; it is remarked.
        """
        name, section = self._sources(keys, suffixes)
        if name is None and section is None:
            return ""
        found = self.value(name, keys[0]) if name is not None else _spelled(section, keys)
        word = found.strip().lower()
        word = {"true": yes, "yes": yes, "on": yes, "false": no, "no": no}.get(word, no if word == "off" else word)
        if word in allowed or not word:
            return word
        self.note(name, section, keys, f"not one of {', '.join(allowed)}; {otherwise or 'the usual'} counts")
        return otherwise

    def patterns(self, keys: tuple[str, ...], suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """Regular expressions: a list, JSON, or one text, whose commas are its own."""
        name, section = self._sources(keys, suffixes)
        if name is None:
            found = section.whole_texts(next(filter(section.has, keys))) if section else ()
        else:
            text = self.value(name, keys[0])
            found = self._variables.texts(name, self._path(keys[0])) if text.startswith("[") else (text,)
        return tuple(stripped for text in found if (stripped := text.strip()))

    def note(self, name: str | None, section: Section | None, keys: tuple[str, ...], text: str) -> None:
        """Remark something about a value, wherever it came from."""
        holder = section or self._layers[0]
        key = next(filter(holder.has, keys), keys[0])
        if name is None:
            holder.note("value_ignored", key, text)
        else:
            holder.note_at("value_ignored", name, self._variables.location(name), text)

    def rest(self) -> Mapping[str, object]:
        """What nobody asked for, by key: the adapter's own settings. ``<PREFIX>_SOME_THING`` is ``some_thing``."""
        found: dict[str, object] = {}
        for layer in reversed(self._layers):
            found.update(
                (str(key), layer.with_spelled_items(str(key)))
                for key, value in layer.values.items()
                if value is not None and key not in self._asked_keys
            )
        for name, text in self.variables().items():
            if name not in self._asked_names and not name.startswith("HERMES_"):
                found[key_of(name, self.names)] = text
        return MappingProxyType(found)

    def variables(self) -> Mapping[str, str]:
        """All of the platform's variables that are set."""
        own = [name for name in self._variables.names() if belongs_to(name, self.names)]
        return MappingProxyType({name: self._variables.plain(name) for name in own})

    def _sources(self, keys: tuple[str, ...], suffixes: tuple[str, ...]) -> tuple[str | None, Section | None]:
        """The variable that counts, if there is one, and the section that has the setting, which then does not."""
        name, section = self.variable(*suffixes), self.written(*keys)
        if name is not None and section is not None:
            key = next(filter(section.has, keys))
            if section.values[key] not in ("", (), self._variables.plain(name)):
                section.note("shadowed_key", key, f"{name} counts, this one does not")
        return name, section

    def _path(self, key: str) -> str:
        return join_path(f"platforms.{self.name}", key)


def platform_layers(name: str, top: Section, gateway: Section) -> tuple[Section, ...]:
    """The sections in which a platform's settings may stand, strongest first.

    A top-level section that is none, e.g. a text, is nobody's.

    Raises:
        ConfigError: Elsewhere it is no mapping.
    """
    sections = [parent.section(name) for parent in (top.section("platforms"), gateway.section("platforms"))]
    if isinstance(top.values.get(name), Mapping):
        sections.append(top.section(name))
    return tuple(layer for section in sections for layer in (section.section("extra"), section))


def _spelled(section: Section | None, keys: tuple[str, ...]) -> str:
    if section is None:
        return ""
    value = section.values[next(filter(section.has, keys))]
    return str(value).lower() if isinstance(value, bool) else section.text(*keys)
