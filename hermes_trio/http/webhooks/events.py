"""What a delivery is: its payload, its event, its id. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from hermes_trio.http.types import Headers

UNKNOWN: Final = "unknown"
#: Stands for a text that is no JSON.
UNPARSED: Final = msgspec.UNSET
LONGEST_EVENT: Final = 200
MOST_FIELDS: Final = 1000
_FORM: Final = "application/x-www-form-urlencoded"
_PLAIN_ID: Final = re.compile(r"[!-~]{1,128}")


class Unparsable(ValueError):
    """A body is neither JSON nor a form."""


def parse_payload(body: bytes, content_type: str) -> object:
    """The payload of a body: JSON, or else the fields of a form, each with its first value.

    A form whose only field is ``payload`` with JSON in it is that JSON: so GitHub sends forms.

    Raises:
        Unparsable: It is neither.
    """
    found = parse_json(body)
    if found is not UNPARSED:
        return found
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise Unparsable("not JSON")
    return _parse_form(body)


def _parse_form(body: bytes) -> object:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Unparsable("neither JSON nor a form") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    inner = parse_json(fields["payload"].encode()) if set(fields) == {"payload"} else UNPARSED
    return fields if inner is UNPARSED else inner


def parse_json(body: bytes) -> object:
    """The value, or `UNPARSED`. JavaScript writes halves of a cut character as escapes; they become question marks."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        return msgspec.json.decode(json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return UNPARSED


def event_of(headers: Headers, payload: object) -> str:
    """The event: ``X-GitHub-Event``, ``X-GitLab-Event``, or ``event_type`` or ``type`` of the payload."""
    named = headers.get("x-github-event") or headers.get("x-gitlab-event") or ""
    fields = payload if isinstance(payload, dict) else {}
    for value in (named, fields.get("event_type"), fields.get("type")):
        if isinstance(value, str) and value.strip():
            return _printable(value.strip())[:LONGEST_EVENT]
    return UNKNOWN


def delivery_id_of(headers: Headers, now: float) -> str:
    """The sender's id of the delivery: ``X-GitHub-Delivery``, ``svix-id`` or ``X-Request-ID``, else one of our own.

    An id that could not stand in a log or a session key as it is, is replaced by its digest. Ours begins with the time
    in milliseconds; two deliveries of one millisecond differ all the same.
    """
    for name in ("x-github-delivery", "svix-id", "x-request-id"):
        given = (headers.get(name) or "").strip()
        if given:
            return given if _PLAIN_ID.fullmatch(given) else f"sha256-{hashlib.sha256(given.encode()).hexdigest()}"
    return f"{int(now * 1000)}-{uuid.uuid4().hex[:8]}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
