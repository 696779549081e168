"""Reads typed settings out of a profile's variables, and remembers which setting came from which variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hermes_trio.errors import ConfigError
from hermes_trio.home.scalars import describe_value, split_list, to_boolean, to_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.home.provenance import Location
    from hermes_trio.home.secrets import Secrets

T = TypeVar("T")


class Variables:
    """The variables of one profile, seen as settings. An empty variable is an unset one.

    Args:
        secrets: The variables.
        profile: Named in errors.
    """

    __slots__ = ("_profile", "_secrets", "used")

    def __init__(self, secrets: Secrets, profile: str) -> None:
        self._secrets = secrets
        self._profile = profile
        self.used: dict[str, Location] = {}

    def text(self, name: str, path: str) -> str:
        """The variable's text without blanks around it; empty when it is not set.

        Args:
            name: Name of the variable.
            path: Dotted path of the setting it stands for.
        """
        value = self.plain(name)
        if value:
            self.used[path] = self._secrets.location(name)
        return value

    def texts(self, name: str, path: str) -> tuple[str, ...]:
        """The variable's texts: with commas between them, or a JSON list."""
        return split_list(self.text(name, path))

    def has(self, name: str) -> bool:
        """Tell whether the variable is set to anything."""
        return bool(self.plain(name))

    def plain(self, name: str) -> str:
        """Like `text`, for a variable that is not a setting of its own."""
        return (self._secrets.get(name) or "").strip()

    def location(self, name: str) -> Location:
        """Where the variable is set."""
        return self._secrets.location(name)

    def names(self) -> tuple[str, ...]:
        """The names of all variables that are set to anything, sorted."""
        return tuple(sorted(name for name in self._secrets.names() if self.has(name)))

    def integer(self, name: str, path: str, *, maximum: int) -> int | None:
        """The variable's whole number from 0 to ``maximum``, None when it is not set.

        Raises:
            ConfigError: It is something else.
        """

        def within(value: object) -> int:
            number = to_integer(value)
            if not 0 <= number <= maximum:
                raise ValueError
            return number

        return self._converted(name, path, f"a whole number from 0 to {maximum}", within)

    def boolean(self, name: str, path: str) -> bool | None:
        """The variable's switch, None when it is not set.

        Raises:
            ConfigError: It is something else.
        """
        return self._converted(name, path, "true or false", to_boolean)

    def _converted(self, name: str, path: str, expected: str, convert: Callable[[object], T]) -> T | None:
        text = self.text(name, path)
        if not text:
            return None
        try:
            return convert(text)
        except ValueError:
            raise ConfigError(
                "wrong kind of value",
                profile=self._profile,
                where=f"{self._secrets.location(name)} {name}",
                found=describe_value(name, text, None),
                expected=expected,
            ) from None
