"""The accounts of chat platforms that only one profile can use at a time, and where a profile names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.home.credential_lock import identity_digest
from hermes_trio.home.decode_platforms import is_placeholder
from hermes_trio.home.platform_table import credential_value, key_of, variables_of
from hermes_trio.home.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.home.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Account:
    """One account of one platform, as a profile names it.

    Attributes:
        platform: The platform.
        names: The variables that stand for its parts, e.g. ``IRC_SERVER`` and ``IRC_NICKNAME``.
        values: Their values; may be secrets.
        setting: Where the part that tells it apart is set, without its value, e.g. ``TELEGRAM_BOT_TOKEN``.
        place: The same with its file, and its line where that is known.
    """

    platform: str
    names: tuple[str, ...]
    values: tuple[str, ...] = field(repr=False)
    setting: str
    place: str

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal for the same account, wherever it is named."""
        return (self.platform, self.names[0], *self.values)

    @property
    def digests(self) -> frozenset[str]:
        """What may stand for it in the name of a lock: some platforms lock a token, some a server with a name."""
        return frozenset((identity_digest(self.values[-1]), identity_digest(":".join(self.values))))


def accounts_of(platform: PlatformConfig, paths: ProfilePaths, secrets: Secrets) -> Iterator[Account]:
    """The accounts that a platform of a profile would use; what nobody has filled in is none.

    Args:
        platform: The platform's settings.
        paths: The profile's files.
        secrets: The profile's variables.
    """
    for names in variables_of(platform.name).accounts:
        values = tuple(credential_value(platform, name) for name in names)
        if all(map(_is_filled_in, names, values)):
            setting, file = _setting(platform, paths, secrets, names[-1])
            yield Account(platform.name, names, values, setting, f"{file} {setting}")


def _is_filled_in(name: str, value: str) -> bool:
    return bool(value) and not (looks_secret(name) and is_placeholder(value))


def _setting(platform: PlatformConfig, paths: ProfilePaths, secrets: Secrets, name: str) -> tuple[str, str]:
    """The setting that gives a variable's value, and the file that it is in."""
    if name in platform.variables:
        return name, str(secrets.location(name))
    key = key_of(name, variables_of(platform.name))
    return f"platforms.{platform.name}.{'token' if key == 'bot_token' else key}", str(paths.config)
