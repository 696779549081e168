"""Skills as they lie on disk: ``skills/[category/...]/<skill>/SKILL.md``, a YAML head and a text.

A skill is read leniently: one that somebody wrote for another program, or with a colon too much in its description, is
still a skill. What is not there is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ConfigError
from hermes_trio.home.yaml_source import parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

SKILL_FILE: Final = "SKILL.md"
CATEGORY_FILE: Final = "DESCRIPTION.md"
SUPPORT_FOLDERS: Final = ("references", "templates", "scripts", "assets")
LONGEST_NAME: Final = 64
LONGEST_DESCRIPTION: Final = 1024
LONGEST_HEAD: Final = 32_768
"""Characters of a file in which its head must end."""

_HEAD: Final = re.compile(r"\A\ufeff?---[ \t]*\r?\n((?:.*?\n)??)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_SIMPLE: Final = re.compile(r"^(name|description|platforms):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_SPACE: Final = re.compile(r"\s+")
_SYSTEMS: Final[Mapping[str, str]] = MappingProxyType({"macos": "darwin", "linux": "linux", "windows": "win32"})


@dataclass(frozen=True, slots=True)
class Skill:
    """What a skill says of itself.

    Attributes:
        name: What it is called by; at most `LONGEST_NAME` characters.
        description: What it is for, in one line; at most `LONGEST_DESCRIPTION` characters.
        category: Folders between the skills folder and its own, joined by ``/``; empty for none.
        folder: Its folder.
        own: Whether it lies in the profile's own skills folder, so that the agent may change it.
        platforms: Operating systems it is for; empty for all.
        environments: Surroundings it is for; empty for all.
        tags: Catchwords.
        related_skills: Names of others.
        requires: Toolsets and tools without which it is of no use.
        fallback_for: Toolsets and tools that make it superfluous.
        required_variables: Variables of ``.env`` it needs.
    """

    name: str
    description: str
    category: str
    folder: Path
    own: bool = True
    platforms: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    related_skills: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    fallback_for: tuple[str, ...] = ()
    required_variables: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Its ``SKILL.md``."""
        return self.folder / SKILL_FILE

    @property
    def path(self) -> str:
        """Where it lies below the skills folder."""
        return f"{self.category}/{self.folder.name}" if self.category else self.folder.name

    def fits(self, system: str, environments: frozenset[str]) -> bool:
        """Whether it is for this machine.

        Args:
            system: As ``sys.platform`` names it.
            environments: Of ``docker``, ``s6``, ``kanban`` those that are there.
        """
        on_system = not self.platforms or any(_SYSTEMS.get(name, name) == system for name in self.platforms)
        return on_system and (not self.environments or not environments.isdisjoint(self.environments))

    def offered_with(self, abilities: frozenset[str]) -> bool:
        """Whether it is of use to an agent with these toolsets and tools."""
        return abilities.issuperset(self.requires) and abilities.isdisjoint(self.fallback_for)


def _no_categories() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SkillSet:
    """The skills of a profile.

    Attributes:
        skills: Ordered by category and name; every name once.
        categories: Category -> what it is about, where somebody wrote it down.
    """

    skills: tuple[Skill, ...] = ()
    categories: Mapping[str, str] = field(default_factory=_no_categories)

    def find(self, name: str) -> Skill | None:
        """The skill of this name, or in the folder of this name or path."""
        wanted = name.strip().strip("/")
        by_name = next((skill for skill in self.skills if skill.name == wanted), None)
        return by_name or next((skill for skill in self.skills if wanted in (skill.folder.name, skill.path)), None)


def split_head(text: str, file: Path) -> tuple[Mapping[object, object], str]:
    """The head of a file, empty where there is none, and the text below it. Nothing in a head can name code.

    Args:
        text: The content.
        file: Where it was read from.
    """
    found = _HEAD.match(text[:LONGEST_HEAD])
    if found is None:
        return MappingProxyType({}), text.removeprefix("\ufeff")
    try:
        document = parse_yaml(found[1], file, None, _as_written)
        written: Mapping[object, object] = {
            key: document.spellings[key] for key in ("name", "description") if key in document.spellings
        }
        values: Mapping[object, object] = {**document.values, **written}  # a skill may be called 1.10, or off
    except ConfigError:
        values = {key: value.strip("'\"") for key, value in _SIMPLE.findall(found[1])}
    return values, text[found.end() :]


def head_problem(text: str, file: Path) -> str | None:
    """What is wrong with the head of a skill that is about to be written, or None."""
    found = _HEAD.match(text[:LONGEST_HEAD])
    if found is None:
        return "must begin with a YAML head between two lines of '---'"
    try:
        head = parse_yaml(found[1], file, None, _as_written).values
    except ConfigError as error:
        return f"the YAML head is not valid: {error.problem}"
    name, description = head.get("name"), head.get("description")
    if not isinstance(name, str) or not name.strip():
        return "the head needs a 'name'"
    if len(name.strip()) > LONGEST_NAME:
        return f"the name has {len(name.strip())} characters, at most {LONGEST_NAME} are allowed"
    if not isinstance(description, str) or not description.strip():
        return "the head needs a 'description'"
    if len(description.strip()) > LONGEST_DESCRIPTION:
        return f"the description has {len(description.strip())} characters, at most {LONGEST_DESCRIPTION} are allowed"
    return None if text[found.end() :].strip() else "there is no text below the head"


def parse_skill(text: str, folder: Path, category: str, *, own: bool) -> Skill:
    """Read a ``SKILL.md``.

    Args:
        text: Its content; the first `LONGEST_HEAD` characters are enough.
        folder: The skill's folder.
        category: See `Skill`.
        own: See `Skill`.
    """
    head, body = split_head(text, folder / SKILL_FILE)
    metadata = _mapping(head.get("metadata"))
    hermes = _mapping(metadata.get("hermes"))
    return Skill(
        name=_line(head.get("name"))[:LONGEST_NAME] or folder.name[:LONGEST_NAME],
        description=(_line(head.get("description")) or _first_line(body))[:LONGEST_DESCRIPTION],
        category=category,
        folder=folder,
        own=own,
        platforms=tuple(name.lower() for name in _texts(head.get("platforms"))),
        environments=tuple(name.lower() for name in _texts(head.get("environments"))),
        tags=_texts(hermes.get("tags")) or _texts(head.get("tags")),
        related_skills=_texts(hermes.get("related_skills")),
        requires=_texts(hermes.get("requires_toolsets")) + _texts(hermes.get("requires_tools")),
        fallback_for=_texts(hermes.get("fallback_for_toolsets")) + _texts(hermes.get("fallback_for_tools")),
        required_variables=_variables(head),
    )


def parse_category(text: str, file: Path) -> str:
    """What a ``DESCRIPTION.md`` says, in one line."""
    head, body = split_head(text, file)
    return (_line(head.get("description")) or _first_line(body))[:LONGEST_DESCRIPTION]


def _as_written(_path: str, text: str) -> str:
    """``${...}`` in a skill is none of our variables."""
    return text


def _variables(head: Mapping[object, object]) -> tuple[str, ...]:
    """Names of ``required_environment_variables`` (names, or mappings with a name) and ``prerequisites.env_vars``."""
    listed = head.get("required_environment_variables")
    entries = listed if isinstance(listed, tuple) else ()
    named = tuple(_line(entry.get("name") if isinstance(entry, Mapping) else entry) for entry in entries)
    older = _texts(_mapping(head.get("prerequisites")).get("env_vars"))
    return tuple(dict.fromkeys(name for name in named + older if name))


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else MappingProxyType({})


def _line(value: object) -> str:
    """A single value as one line of text; nothing in it can break a line of the index."""
    if value is None or isinstance(value, Mapping | tuple):
        return ""
    return _SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in str(value))).strip()


def _texts(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, tuple) else str(value).strip("[]").split(",") if isinstance(value, str) else ()
    return tuple(text for part in parts if (text := _line(part)))


def _first_line(body: str) -> str:
    lines = (_line(line.lstrip("#> \t")) for line in body[:4096].splitlines())
    return next((line for line in lines if line), "")
