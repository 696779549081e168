"""Loads everything that one profile's files say: settings, secrets, and where each setting came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.errors import ConfigError, HomeError
from hermes_trio.home.decode_config import decode_config
from hermes_trio.home.interpolation import interpolate
from hermes_trio.home.names import DEFAULT_PROFILE, normalize_profile_name
from hermes_trio.home.provenance import Location, Notice, Sources
from hermes_trio.home.secret_names import looks_secret
from hermes_trio.home.secrets import Secrets, load_secrets
from hermes_trio.home.section import Origin
from hermes_trio.home.text_file import read_text_file
from hermes_trio.home.variables import Variables
from hermes_trio.home.yaml_source import Document, parse_yaml

if TYPE_CHECKING:
    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.home.paths import HomePaths, ProfilePaths


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """The loaded files of one profile.

    Attributes:
        name: The profile.
        paths: Its paths.
        config: Its settings.
        secrets: Its variables.
        sources: Dotted path of every given setting -> where it was given; the variable that won where one did.
    """

    name: str
    paths: ProfilePaths
    config: ProfileConfig
    secrets: Secrets
    sources: Mapping[str, Location] = field(repr=False)


def load_profile_settings(home: HomePaths, name: str, environ: Mapping[str, str]) -> ProfileSettings:
    """Load a profile's ``.env`` and ``config.yaml``; blocking, about a millisecond. Missing files mean defaults.

    Args:
        home: The home.
        name: The profile.
        environ: The process environment as it was at start; used for the default profile only.

    Raises:
        HomeError: The profile has no folder.
        SecretsError: ``.env`` cannot be read.
        ConfigError: ``config.yaml`` cannot be read, or a value in use is of the wrong kind.
    """
    profile = normalize_profile_name(name)
    paths = home.profile(profile)
    _require_folder(paths, profile)
    secrets = load_secrets(paths, profile, environ if profile == DEFAULT_PROFILE else {})
    notices = [
        Notice("line_skipped", ".env", Location(paths.env, line), "neither KEY=VALUE nor a comment")
        for line in secrets.skipped_lines
    ]
    document = _load_document(paths, profile, secrets, notices)
    origin = Origin(paths.config, profile, document.lines, document.spellings, notices)
    variables = Variables(secrets, profile)
    config = decode_config(document.values, origin, variables)
    return ProfileSettings(
        name=profile,
        paths=paths,
        config=config,
        secrets=secrets.with_literals(_secret_values(document.values)),
        sources=Sources(paths.config, document.lines, variables.used),
    )


def _require_folder(paths: ProfilePaths, profile: str) -> None:
    try:
        found = paths.root.is_dir()
    except OSError as exc:
        raise HomeError("cannot be reached", profile=profile, where=str(paths.root), found=exc.strerror) from exc
    if not found:
        code = "home_missing" if profile == DEFAULT_PROFILE else "unknown_profile"
        raise HomeError(
            "no such folder", code=code, profile=profile, where=str(paths.root), mend=f"mkdir -p {paths.root}"
        )


def _load_document(paths: ProfilePaths, profile: str, secrets: Secrets, notices: list[Notice]) -> Document:
    unset: dict[str, tuple[str, ...]] = {}

    def replace(path: str, text: str) -> str:
        lookup = _env_or_plain(secrets) if path.startswith("mcp_servers.") else secrets.get
        replaced, missing = interpolate(text, lookup)
        if missing:
            unset[path] = missing
        return replaced

    text = read_text_file(paths.config, ConfigError, profile) or ""
    document = parse_yaml(text, paths.config, profile, replace)
    for path, names in unset.items():
        where = Location(paths.config, document.lines.get(path))
        notices.append(Notice("unset_variable", path, where, f"{', '.join(names)} is not set in this profile's .env"))
    for path, line in document.duplicates:
        where = Location(paths.config, document.lines.get(path))
        notices.append(Notice("duplicate_key", path, where, f"given before on line {line}; this one counts"))
    return document


def _env_or_plain(secrets: Secrets) -> Callable[[str], str | None]:
    """MCP servers may write ``${env:NAME}`` for ``${NAME}``."""

    def lookup(name: str) -> str | None:
        return secrets.get(name.removeprefix("env:"))

    return lookup


def _secret_values(value: object, name: str = "") -> Iterator[str]:
    """Yield the secrets that stand in the settings themselves."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _secret_values(child, str(key))
    elif isinstance(value, tuple):
        for child in value:
            yield from _secret_values(child, name)
    elif isinstance(value, str) and "${" not in value and looks_secret(name):
        yield value
