"""Profile names: which are valid, which are reserved, and the form they are compared in."""

from __future__ import annotations

import re
from typing import Final

from hermes_trio.errors import HomeError

DEFAULT_PROFILE: Final = "default"

#: Names no *new* profile may take; an existing folder of such a name is still served.
RESERVED_NAMES: Final = frozenset({"hermes", "default", "test", "tmp", "root", "sudo"})

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


def is_profile_name(text: str) -> bool:
    """Tell whether ``text`` is a profile name exactly as written (lower case, no blanks around it)."""
    return _NAME.fullmatch(text) is not None


def normalize_profile_name(text: str) -> str:
    """Strip and lower-case a name a person typed.

    Raises:
        HomeError: ``profile_name_invalid`` when no valid name comes out.
    """
    name = text.strip().lower()
    if is_profile_name(name):
        return name
    raise HomeError(
        "not a valid profile name",
        code="profile_name_invalid",
        found=repr(text if len(text) <= 80 else text[:77] + "..."),
        expected="1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or a digit",
    )
