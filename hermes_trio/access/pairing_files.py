"""The entries of pairing files, in the form that hermes-agent writes. Pure.

A file is a JSON object. What cannot be understood grants nothing, and stays in the file when that is written again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.access.identity import clean_id
from hermes_trio.home.text_file import SIZE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Entries = dict[str, object]
"""The whole content of a file."""

LONGEST_NAME: Final = 100


class BadPairingFile(ValueError):
    """Not a JSON object, or too large; the text says which. It never shows content."""


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """Somebody who has asked and was given a code.

    Attributes:
        request_id: Key of the entry.
        code_hash: See `pairing_codes.hash_code`.
        salt: Hexadecimal.
        user_id: Who.
        user_name: For people; chosen by whoever asks.
        created_at: Seconds since the epoch.
    """

    request_id: str
    code_hash: str
    salt: str
    user_id: str
    user_name: str
    created_at: float

    def entry(self) -> Entries:
        """As it stands in the file."""
        return {
            "hash": self.code_hash,
            "salt": self.salt,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "created_at": self.created_at,
        }


@dataclass(frozen=True, slots=True)
class ApprovedUser:
    """Somebody who was approved.

    Attributes:
        user_id: Who.
        user_name: For people.
        approved_at: Seconds since the epoch, or None when the file does not say.
    """

    user_id: str
    user_name: str = ""
    approved_at: float | None = None

    def entry(self) -> Entries:
        """As it stands in the file."""
        return {"user_name": self.user_name, "approved_at": self.approved_at}


def decode_file(data: bytes | None) -> Entries:
    """The content of a pairing file; a missing or empty one has none.

    Raises:
        BadPairingFile: It is something else.
    """
    if data is None or not data.strip():
        return {}
    if len(data) > SIZE_LIMIT:
        raise BadPairingFile(f"larger than {SIZE_LIMIT} bytes")
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=Entries)
    except msgspec.ValidationError:
        raise BadPairingFile("not a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadPairingFile(f"not JSON: {str(exc)[:120]}") from None
    except RecursionError:
        raise BadPairingFile("nested too deeply") from None


def encode_file(entries: Mapping[str, object]) -> bytes:
    """The bytes of a pairing file, laid out as hermes-agent does."""
    return msgspec.json.format(msgspec.json.encode(entries), indent=2)


def pending_in(entries: Mapping[str, object]) -> Iterator[PendingRequest]:
    """The requests in a file; entries without hash, salt, user or time are none."""
    for request_id, entry in entries.items():
        if not isinstance(entry, dict):
            continue
        code_hash, salt, user = _text(entry, "hash"), _text(entry, "salt"), _text(entry, "user_id")
        created = number_in(entry, "created_at")
        if code_hash and salt and user and created is not None:
            yield PendingRequest(request_id, code_hash, salt, user, _text(entry, "user_name"), created)


def approved_in(entries: Mapping[str, object]) -> Iterator[ApprovedUser]:
    """The approved people in a file; only an object under an id that is not empty approves anybody."""
    for user, entry in entries.items():
        if isinstance(entry, dict) and clean_id(user):
            yield ApprovedUser(clean_id(user), _text(entry, "user_name"), number_in(entry, "approved_at"))


def number_in(entries: Mapping[str, object], key: str) -> float | None:
    """A finite number, or None."""
    value = entries.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
