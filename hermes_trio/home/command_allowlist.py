"""Adds names to ``command_allowlist`` in a profile's ``config.yaml``, on the user's explicit word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.home.config_edit import edit_config
from hermes_trio.home.yaml_edit import append_to_list, quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY: Final = "command_allowlist"


def add_to_command_allowlist(path: Path, profile: str, names: Sequence[str]) -> bool:
    """Append names to the list, those it has already left out; blocking, atomic.

    Args:
        path: The profile's ``config.yaml``; made when it is missing; a link stays one.
        profile: Named in errors.
        names: What to add.

    Returns:
        Whether the file was changed.

    Raises:
        ConfigError: The file cannot be read or written, or its form does not allow a safe edit; it is as it was.
    """
    mend = f"add {', '.join(map(quote, names))} to the list {KEY} by hand"
    return edit_config(path, profile, lambda text: append_to_list(text, KEY, names), where=KEY, mend=mend)
