"""The Bot API over the profile's HTTP client: calls, uploads, downloads."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec

from hermes_trio.adapter_api import AdapterError, Refused, Unreachable
from hermes_trio_adapters.telegram import wire
from hermes_trio_adapters.telegram.failures import bad_token, failure_of_answer, failure_of_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

    from hermes_trio.adapter_api import ProfileScope
    from hermes_trio_adapters.telegram.settings import TelegramSettings

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
UPLOAD_READ_SECONDS: Final = 120.0
WRITE_SECONDS: Final = 30.0
_JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}
_AS_IT_IS: Final[Mapping[str, str]] = {"accept-encoding": "identity"}
_TOO_LARGE: Final = 413
_LARGEST_REFUSAL: Final = 65_536


@dataclass(frozen=True, slots=True)
class _Base:
    """What stands before a method's name or a file's path, in two parts: httpx logs URLs, so they hold no token.

    Attributes:
        origin: Scheme, host and port.
        path: The path that is asked for; holds the token.
    """

    origin: str
    path: bytes = field(repr=False)

    @classmethod
    def of(cls, address: str) -> _Base:
        url = httpx.URL(address)
        return cls(f"{url.scheme}://{url.netloc.decode('ascii')}/", url.raw_path)

    def place(self, rest: str) -> tuple[str, dict[str, object]]:
        """The URL to show, and httpx's extensions that make it the right one."""
        return self.origin + rest, {"target": self.path + rest.encode("ascii")}


class BotApi:
    """One bot's calls. Errors are `AdapterError`, and never show the token, which every URL holds.

    Args:
        scope: Whose bot it is; its HTTP client is the way out.
        settings: The bot.
    """

    def __init__(self, scope: ProfileScope, settings: TelegramSettings) -> None:
        self._scope = scope
        self._settings = settings
        self._methods = _Base.of(settings.method_base)
        self._files = _Base.of(settings.file_base)

    async def call(
        self, method: str, parameters: Mapping[str, object], answer: type[T], *, read_seconds: float = READ_SECONDS
    ) -> T:
        """Call a method with parameters as JSON.

        Args:
            method: E.g. ``sendMessage``.
            parameters: Its parameters; those that are None are left out.
            answer: Type of the result.
            read_seconds: How long the answer may take.

        Raises:
            AdapterError: As `failure_of_answer` and `failure_of_network` say.

        Cancellation: Telegram may have acted.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            body = msgspec.json.encode(given)
        except UnicodeEncodeError as exc:
            raise Refused("the text has broken characters", profile=self._scope.name, where=method) from exc
        return await self._post(method, body, _JSON, answer, read_seconds)

    async def call_with_file(
        self, method: str, body: AsyncIterable[bytes], headers: Mapping[str, str], answer: type[T]
    ) -> T:
        """Call a method with a multipart body that is read while it is sent; see `call`."""
        return await self._post(method, body, headers, answer, UPLOAD_READ_SECONDS)

    @asynccontextmanager
    async def open_file(self, file_path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a download; the context's value are the file's pieces.

        Args:
            file_path: What ``getFile`` said.

        Raises:
            AdapterError: Also for what goes wrong while the body is read within the ``with``.
        """
        where = "file download"
        url, extensions = self._files.place(quote(file_path.lstrip("/")))
        try:
            timeout = _timeout(READ_SECONDS)
            async with self._client().stream(
                "GET", url, headers=_AS_IT_IS, timeout=timeout, extensions=extensions
            ) as response:
                # As they come from the network: `aiter_bytes` would wrap them in generators that nobody can close.
                pieces = cast("AsyncIterable[bytes]", response.stream).__aiter__()
                try:
                    if response.status_code != 200:
                        raise await self._failure_of_file(pieces, response.status_code, where)
                    yield pieces
                finally:
                    if isinstance(pieces, AsyncGenerator):
                        await pieces.aclose()
        except httpx.HTTPError as exc:
            raise self._network_failure(exc, where) from None

    def _client(self) -> httpx.AsyncClient:
        return self._scope.http.client(self._settings.proxy)

    async def _post(
        self,
        method: str,
        body: bytes | AsyncIterable[bytes],
        headers: Mapping[str, str],
        answer: type[T],
        read_seconds: float,
    ) -> T:
        url, extensions = self._methods.place(method)
        # A message that Telegram took before a kept connection died must not go out again by itself.
        extensions["once"] = method.startswith("send")
        try:
            response = await self._client().post(
                url, content=body, headers=headers, timeout=_timeout(read_seconds), extensions=extensions
            )
        except httpx.HTTPError as exc:
            raise self._network_failure(exc, method) from None
        try:
            envelope = msgspec.json.decode(response.content, type=wire.Answer)
            if envelope.ok:
                return msgspec.json.decode(envelope.result, type=answer)
        except (msgspec.MsgspecError, RecursionError) as exc:
            if response.status_code == _TOO_LARGE:  # a proxy before the Bot API said so, in its own words
                raise self._refusal(wire.Answer(ok=False), _TOO_LARGE, method) from exc
            raise self._unreadable(response.status_code, method) from exc
        raise self._refusal(envelope, response.status_code, method)

    def _refusal(self, envelope: wire.Answer, status: int, method: str) -> AdapterError:
        if method == "getMe" and (envelope.error_code or status) == 404:
            return bad_token("Telegram knows no bot with such a token", self._scope.name, method)
        return failure_of_answer(envelope, status, self._scope.name, method)

    async def _failure_of_file(self, pieces: AsyncIterator[bytes], status: int, where: str) -> AdapterError:
        """The error for a download that is refused; its body is the usual envelope, or a server's own page."""
        body = b""
        async for piece in pieces:
            body += piece
            if len(body) > _LARGEST_REFUSAL:
                break
        try:
            envelope = msgspec.json.decode(body, type=wire.Answer)
        except msgspec.MsgspecError:
            envelope = wire.Answer(ok=False)
        return failure_of_answer(envelope, status, self._scope.name, where)

    def _network_failure(self, exc: httpx.HTTPError, where: str) -> Unreachable:
        return failure_of_network(exc, self._scope.name, where, self._settings.token)

    def _unreadable(self, status: int, where: str) -> Unreachable:
        return Unreachable(
            f"the answer is not the Bot API's (HTTP status {status})",
            profile=self._scope.name,
            where=where,
            mend=None if self._settings.official else "look at base_url and at what answers there",
            may_have_arrived=True,
        )


def _timeout(read_seconds: float) -> httpx.Timeout:
    return httpx.Timeout(connect=CONNECT_SECONDS, read=read_seconds, write=WRITE_SECONDS, pool=None)
