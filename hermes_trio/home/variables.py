"""Reads typed settings out of a profile's variables, and remembers which setting came from which variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hermes_trio.errors import ConfigError
from hermes_trio.home.scalars import describe_value, to_boolean, to_integer

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
        value = (self._secrets.get(name) or "").strip()
        if value:
            self.used[path] = self._secrets.location(name)
        return value

    def texts(self, name: str, path: str) -> tuple[str, ...]:
        """The variable's comma-separated texts."""
        return tuple(part for text in self.text(name, path).split(",") if (part := text.strip()))

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
