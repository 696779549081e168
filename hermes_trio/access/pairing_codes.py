"""The codes of pairing: made, hashed, compared. Pure but for chance. A code itself is never stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.access.pairing_files import PendingRequest

#: Without the letters and figures that look alike.
ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH: Final = 8
_SALT_BYTES: Final = 16
_ID_BYTES: Final = 8


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def new_salt() -> str:
    """A salt, hexadecimal."""
    return secrets.token_hex(_SALT_BYTES)


def new_request_id() -> str:
    """The key of a request, 16 hexadecimal characters."""
    return secrets.token_hex(_ID_BYTES)


def normalize_code(text: str) -> str:
    """What somebody typed, as a code would be written."""
    return text.strip().upper()


def hash_code(code: str, salt: str) -> str:
    """SHA-256 over the salt's bytes and the code, hexadecimal.

    Args:
        code: The code.
        salt: Hexadecimal; any other text counts with its own bytes.
    """
    try:
        prefix = bytes.fromhex(salt)
    except ValueError:
        prefix = salt.encode("utf-8", "replace")
    return _digest(prefix, code)


def find_request(code: str, requests: Iterable[PendingRequest]) -> PendingRequest | None:
    """The request that was given this code; takes the same time wherever it stands, and when there is none."""
    found = None
    for request in requests:
        # Some writers put the salt's characters before the code, not its bytes.
        as_text = _digest(request.salt.encode("utf-8", "replace"), code)
        matches = _same(hash_code(code, request.salt), request.code_hash) | _same(as_text, request.code_hash)
        found = request if matches else found
    return found


def _digest(prefix: bytes, code: str) -> str:
    return hashlib.sha256(prefix + code.encode("utf-8", "replace")).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.lower().encode("utf-8", "replace"))
