"""Commands that mend a home, as text for people to paste."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def new_api_key_command(env: Path) -> str:
    """A shell command that gives the profile with this ``.env`` a key of its own; the last of several lines counts."""
    program = r"import secrets; print(f'\nAPI_SERVER_KEY={secrets.token_hex(16)}')"
    return f'(umask 077; python3 -c "{program}" >> {shlex.quote(str(env))})'
