"""Asks a provider how much its models take. What it does not say, or not in time, is simply not known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.models.addresses import host_of, is_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope

ANSWER_SECONDS: Final = 10.0
MAX_LIST_BYTES: Final = 16 * 1024 * 1024

#: Under which names providers tell it: LM Studio, OpenRouter and Nous, vLLM, Groq, Mistral, Anthropic, llama.cpp.
_KEYS: Final = (
    "loaded_context_length",
    "context_length",
    "max_model_len",
    "context_window",
    "max_context_length",
    "max_input_tokens",
    "n_ctx",
    "n_ctx_train",
)
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)


async def ask_context_length(scope: ProfileScope, target: ModelTarget) -> int | None:
    """Tokens the target's model takes, as the provider's list of models says, or None.

    Ollama, whose list does not say it, is asked about the model itself. The caller remembers the answer. Takes at most
    10 s.

    Raises:
        ScopeClosed: This generation of the profile is over.
    """
    scope.check_open()
    if not target.base_url:
        return None
    with trio.move_on_after(ANSWER_SECONDS):
        answer = await _fetch(scope, target, "GET", "/models")
        length = find_length(answer, target.model)
        if length is None and is_local(host_of(target.base_url) or ""):
            length = read_ollama(await _fetch(scope, target, "POST", "/api/show", {"model": target.model}))
        return length
    return None


async def _fetch(
    scope: ProfileScope, target: ModelTarget, method: str, path: str, body: Mapping[str, object] | None = None
) -> bytes:
    """What the provider answers, empty if it does not."""
    import httpx

    from hermes_trio.io.tls import TlsChoice
    from hermes_trio.models.formats import find_format
    from hermes_trio.models.http_attempt import build_headers, neighbour_url

    form = find_format(target.api_mode)
    try:
        async with scope.http.client().stream(
            method,
            neighbour_url(target, form, path),
            content=msgspec.json.encode(body) if body else None,
            headers=build_headers(target, form.headers(target)),
            extensions={"tls": TlsChoice(verify=target.tls_verify, ca_file=target.tls_ca_file)},
        ) as response:
            return await _read(response) if response.is_success else b""
    except (httpx.HTTPError, HermesTrioError):
        return b""


async def _read(response: httpx.Response) -> bytes:
    """The body, empty if it is too long. It is read to its end: an iteration that is left has to be closed by hand."""
    read = b""
    async for piece in response.aiter_bytes():
        if len(read) <= MAX_LIST_BYTES:
            read += piece
    return read if len(read) <= MAX_LIST_BYTES else b""


def find_length(answer: bytes, model: str) -> int | None:
    """The length that a list of models gives for ``model``; pure."""
    try:
        value = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    entries = [entry for entry in _entries(value) if isinstance(entry, dict)]
    wanted = model.lower()
    named = [entry for entry in entries if str(entry.get("id") or entry.get("name") or "").lower() == wanted]
    return next((length for entry in named if (length := _length(entry)) is not None), None)


def _entries(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        for key in ("data", "models"):
            if isinstance(value.get(key), list):
                yield from value[key]


def _length(entry: Mapping[str, object]) -> int | None:
    """The first usable number, in the entry itself or one level below."""
    inner = [value for value in entry.values() if isinstance(value, dict)]
    found = (place.get(key) for place in (entry, *inner) for key in _KEYS)
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def read_ollama(answer: bytes) -> int | None:
    """The length in Ollama's description of a model: what it is set to, else what it was made for; pure.

    See "Show model details" in Ollama's API documentation.
    """
    try:
        value = msgspec.json.decode(answer, type=_Shown)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if value.parameters and (chosen := _NUM_CTX.search(value.parameters)):
        return int(chosen[1])
    lengths = (number for key, number in (value.model_info or {}).items() if key.endswith(".context_length"))
    return next((number for number in lengths if isinstance(number, int) and number > 0), None)


class _Shown(msgspec.Struct):
    parameters: str | None = None
    model_info: dict[str, object] | None = None
