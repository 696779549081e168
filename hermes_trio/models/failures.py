"""What a provider's refusal means: status, headers and body become a `ModelError`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.models.target import ModelTarget

LONGEST_MESSAGE: Final = 500
"""Characters of a provider's own words that an error repeats."""

LONGEST_WAIT: Final = 60.0
"""Seconds a ``Retry-After`` may ask for; beyond that the next model is asked instead."""

_CONTEXT_LENGTH = re.compile(
    r"context_length_exceeded|exceed_context_size|(maximum|available) context|context (length|window|size)"
    r"|(prompt|input|request|messages?) (is|are|was) too long|too many (input )?tokens\b|reduce the length of the"
    r"|input token count .*exceeds|exceeds? the (model's )?maximum (number of tokens|input)"
    r"|inputs`? tokens .{0,40}must be <=|context limit|maximum prompt length|model token limit|prompt exceeds max",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient_quota|insufficient[ _](credits?|balance|funds)|billing|credit balance", re.IGNORECASE
)
_TRY_AGAIN = re.compile(r"try again in (\d{1,6}(?:\.\d{1,9})?) ?(ms|s|seconds?)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_RETRYABLE: Final = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_MAY_BE_LENGTH: Final = frozenset({400, 413, 422, 500})

#: Words in an error object's ``type`` or ``code``, and the HTTP status that says the same; the first match counts.
_WORDS: Final = (
    ("rate_limit", 429),
    ("quota", 429),
    ("too_many_requests", 429),
    ("overloaded", 529),
    ("timeout", 504),
    ("authentication", 401),
    ("api_key", 401),
    ("permission", 403),
    ("billing_error", 402),
    ("request_too_large", 413),
    ("not_found", 404),
    ("invalid_request", 400),
    ("badrequest", 400),
    ("context_length", 400),
)


@dataclass(frozen=True, slots=True)
class ProviderSays:
    """A provider's own words: its message, and its machine-readable code or type."""

    message: str
    code: str = ""
    status: int | None = None


def error_from_status(
    target: ModelTarget, status: int, headers: Mapping[str, str], body: bytes, now: float, hide: Sequence[str] = ()
) -> ModelError:
    """The error for an HTTP answer that is no success.

    Args:
        target: Who answered.
        status: HTTP status.
        headers: Headers, names in lower case or case-insensitive.
        body: As much of the body as was read.
        now: Wall time, seconds since the epoch, for a ``Retry-After`` that is a date.
        hide: Secrets that the provider may have repeated; the target's key is always hidden.
    """
    return _make_error(target, status, read_body(body), parse_retry_after(headers, now), hide)


def error_from_object(target: ModelTarget, error: object, hide: Sequence[str] = ()) -> ModelError:
    """The error for an error object within an answer that began as a success."""
    said = read_error(error)
    status = said.status or _status_of_words(said.code) or 500
    return _make_error(target, status, said, None, hide)


def bad_response(target: ModelTarget, problem: str, found: str = "", hide: Sequence[str] = ()) -> ModelError:
    """The error for an answer that is not in the wire format."""
    shown = shorten(redact(found, target, hide)) if found else None
    return ModelError(problem, code="model_bad_response", where=str(target), found=shown)


def interrupted(target: ModelTarget, problem: str) -> ModelError:
    """The error for an answer that broke off."""
    return ModelError(problem, code="model_interrupted", where=str(target), retryable=True)


def timed_out(target: ModelTarget, problem: str) -> ModelError:
    """The error for an answer that did not come in time."""
    return ModelError(problem, code="model_timeout", where=str(target), retryable=True)


def unreachable(target: ModelTarget, problem: str, found: str, hide: Sequence[str] = ()) -> ModelError:
    """The error for a provider that could not be connected to."""
    return ModelError(
        problem,
        code="model_unreachable",
        where=str(target),
        found=shorten(redact(found, target, hide)) or None,
        mend="check base_url and the network",
        retryable=True,
    )


def rate_limited(target: ModelTarget, pause: float) -> ModelError:
    """The error for a request that is not sent because the provider asked for a pause."""
    return ModelError(
        "the provider limits the rate, and asked not to be asked for now",
        code="model_rate_limited",
        where=str(target),
        status=429,
        retryable=True,
        retry_after=pause,
    )


def _make_error(
    target: ModelTarget, status: int, said: ProviderSays, retry_after: float | None, hide: Sequence[str]
) -> ModelError:
    code, problem, mend = _meaning(status, said)
    message = shorten(redact(said.message, target, hide))
    return ModelError(
        problem,
        code=code,
        where=str(target),
        found=f"HTTP {status}: {message}" if message else f"HTTP {status}",
        mend=mend,
        status=status,
        retryable=status in _RETRYABLE and code != "model_context_length" and not _says(_NO_CREDIT, said),
        retry_after=_pause_in_words(status, said) if retry_after is None else retry_after,
    )


def _pause_in_words(status: int, said: ProviderSays) -> float | None:
    """The pause that OpenAI names in the message of a 429, which within a stream has no header."""
    found = _TRY_AGAIN.search(said.message) if status == 429 else None
    if found is None:
        return None
    return float(found[1]) / 1000 if found[2] == "ms" else float(found[1])


def _meaning(status: int, said: ProviderSays) -> tuple[str, str, str | None]:
    """Code, problem and mend."""
    if status in _MAY_BE_LENGTH and _says(_CONTEXT_LENGTH, said):
        return "model_context_length", "the conversation is longer than the model can take", "begin a new session"
    if status == 400 and _says(_NO_CREDIT, said):
        status = 402
    match status:
        case 401 | 403:
            return "model_unauthorized", "the provider does not accept the key", "check the key in this profile's .env"
        case 402:
            return "model_unauthorized", "the provider wants to be paid", "top up the account"
        case 404:
            return "model_bad_request", "the provider does not know this model or address", "check model and base_url"
        case 408:
            return "model_timeout", "the provider gave up waiting", None
        case 429:
            return "model_rate_limited", "the provider limits the rate", None
        case _ if status >= 500:
            return "model_overloaded", "the provider failed", None
        case _ if status >= 400:
            return "model_bad_request", "the provider refused the request", None
        case _:
            return "model_bad_response", "the provider did not answer the request", "check base_url"


def _says(pattern: re.Pattern[str], said: ProviderSays) -> bool:
    return bool(pattern.search(said.code) or pattern.search(said.message))


def _status_of_words(words: str) -> int | None:
    lowered = words.lower()
    return next((status for word, status in _WORDS if word in lowered), None)


def read_body(body: bytes) -> ProviderSays:
    """A provider's words in the body of an error answer: JSON of several habits, text, or an HTML page."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        title = _TITLE.search(text)
        return ProviderSays(f"an HTML page titled '{title[1].strip()}'" if title else "an HTML page")
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ProviderSays(text)
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        return read_error(value.get("error") or value)
    return ProviderSays(text)


def read_error(error: object) -> ProviderSays:
    """A provider's words in an error object, which may be a plain text."""
    if not isinstance(error, dict):
        return ProviderSays(str(error))
    message = next((error[key] for key in ("message", "detail", "error", "msg") if error.get(key)), "")
    codes = [str(error[key]) for key in ("code", "type", "status") if error.get(key)]
    number = next((int(code) for code in codes if code.isascii() and code.isdigit() and len(code) == 3), None)
    status = number if number is not None and 400 <= number <= 599 else None
    return ProviderSays(str(message or error), " ".join(codes), status)


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds a provider asks to wait (RFC 9110 section 10.2.3: seconds or a date), or None.

    ``retry-after-ms``, which some OpenAI-compatible providers add, is more exact and wins.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"\s*\d{1,12}(\.\d{1,9})?\s*", text, re.ASCII):
        return None
    return float(text)


def redact(text: str, target: ModelTarget, hide: Sequence[str] = ()) -> str:
    """``text`` without the target's key, its header values and the given secrets."""
    values = {value for value in (target.api_key, *target.headers.values(), *hide) if len(value) >= 6}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def shorten(text: str) -> str:
    """``text`` on one line, cut to `LONGEST_MESSAGE` characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
