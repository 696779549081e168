"""Paths of the HTTP listener that adapters serve for as long as they run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hermes_trio.errors import ConfigError
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.adapter_api.adapter import WebHandler


class MountTable:
    """Which adapter serves which path, by profile; one table per gateway."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], WebHandler] = {}

    def find(self, profile: str, path: str) -> WebHandler | None:
        """The handler of a path below a profile's prefix, or None."""
        return self._handlers.get((profile, path))

    @contextmanager
    def mount(self, profile: str, path: str, handler: WebHandler) -> Iterator[str]:
        """Serve a path for the length of the ``with``; yields the path with the profile's prefix.

        Raises:
            ConfigError: The path is taken, or is none.
        """
        if not path.startswith("/") or (profile, path) in self._handlers:
            raise ConfigError(
                "this path cannot be served",
                code="path_taken" if path.startswith("/") else "path_invalid",
                profile=profile,
                found=path,
                expected="a path of its own that begins with /",
            )
        self._handlers[profile, path] = handler
        try:
            yield path if profile == DEFAULT_PROFILE else f"/p/{profile}{path}"
        finally:
            del self._handlers[profile, path]
