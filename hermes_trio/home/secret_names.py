"""Tells from the name of a setting or variable whether its value is a secret."""

from __future__ import annotations

import re
from typing import Final

_SECRET: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|PRIVATE|COOKIE|BEARER"
    r"|(?:^|[_.\W])(?:KEY|KEYS|PAT|PWD|PASS|AUTH|AUTHORIZATION|DSN|PIN|SIGNATURE)(?:$|[_.\W])",
    re.IGNORECASE,
)
#: Not the secret itself: the name of a variable, a number of tokens, a location.
_HARMLESS: Final = re.compile(
    r"_ENV$|TOKENS$|_LIMIT$|_SIZE$|_LENGTH$|_PATH$|_FILE$|_URL$|_SOCK$|_PID$|_DIR$|^PWD$|^OLDPWD$|^SESSION_KEY$",
    re.IGNORECASE,
)


def looks_secret(name: str) -> bool:
    """Tell whether a value under this name should never be shown. Errs on the side of hiding."""
    return _SECRET.search(name) is not None and _HARMLESS.search(name) is None
