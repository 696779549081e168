"""One HTTP request to a model and its answer, whatever the wire format: sending, refusals, compression, the end.

Streaming is always asked for, and answered by server-sent events; a provider that answers with one JSON object
nevertheless is understood. `hermes_trio.models.stream` imports this file when it is first needed, for httpx's sake.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import trio

from hermes_trio.errors import ModelError
from hermes_trio.io.tls import TlsChoice
from hermes_trio.models import failures
from hermes_trio.models.sse import MAX_EVENT_BYTES, SseDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.request import ModelRequest
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.models.wire import WireFormat
    from hermes_trio.scope import ProfileScope

CLOSE_SECONDS: Final = 2.0
WRITE_SECONDS: Final = 30.0
REFUSAL_SECONDS: Final = 5.0
MAX_ERROR_BYTES: Final = 65_536

_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def build_headers(target: ModelTarget, own: Mapping[str, str]) -> httpx.Headers:
    """The request's headers; the target's own win.

    Args:
        target: The model.
        own: Headers of the wire format, the key among them.

    Raises:
        ModelError: ``model_not_configured``: the key or a header has a character that no header may have.
    """
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Accept-Encoding": "identity",  # compressed streams come in lumps
        **own,
    }
    for name, value in (*headers.items(), *target.headers.items()):
        if not _HEADER_VALUE.fullmatch(value):
            what = "the provider's key" if name in own else f"the header {name}"
            raise ModelError(
                f"{what} has a character that cannot be sent, such as a line end or a typographic quote",
                code="model_not_configured",
                where=str(target),
                mend="enter it again",
            )
    merged = httpx.Headers(headers, encoding="latin-1")
    merged.update(httpx.Headers(target.headers, encoding="latin-1"))
    return merged


def build_url(target: ModelTarget, form: WireFormat) -> httpx.URL:
    """The address that takes requests of this format; a query in ``base_url`` stays at the end.

    Raises:
        ModelError: ``model_not_configured``: it is no usable address.
    """
    return _address(target, form, form.path)


def neighbour_url(target: ModelTarget, form: WireFormat, path: str) -> httpx.URL:
    """Another address of the same API, such as ``/models``; a path that begins with ``/api/`` is at the host's root.

    Raises:
        ModelError: ``model_not_configured``: it is no usable address.
    """
    if path.startswith("/api/"):
        return httpx.URL(urlunsplit(urlsplit(target.base_url)._replace(path=path, query="", fragment="")))
    return _address(target, form, form.path[: form.path.rindex("/")].removesuffix("/chat") + path)


def _address(target: ModelTarget, form: WireFormat, path: str) -> httpx.URL:
    parts = urlsplit(target.base_url)
    base = parts.path.rstrip("/")
    there = next((end for end in (form.path, *form.base_ends) if base.endswith(end)), "")
    try:
        return httpx.URL(urlunsplit(parts._replace(path=base.removesuffix(there) + path, fragment="")))
    except httpx.InvalidURL as exc:
        raise ModelError(
            f"the provider's address is not usable: {exc}",
            code="model_not_configured",
            where=str(target),
            mend="check base_url in config.yaml",
        ) from exc


class HttpAttempt:
    """One request and its answer; see `hermes_trio.models.wire.Attempt`.

    Args:
        scope: Whose request it is.
        target: The model.
        request: What it is asked.
        form: The wire format that the target speaks.
    """

    def __init__(self, scope: ProfileScope, target: ModelTarget, request: ModelRequest, form: WireFormat) -> None:
        self._scope = scope
        self._target = target
        self._request = request
        self._form = form
        self._hide = scope.secrets.values_to_redact()
        self._answer = form.make_reader(target, self._hide)
        self._decoder = SseDecoder()
        self._whole: list[bytes] | None = None  # the body's pieces, when it is one JSON object
        self._size = 0
        self._sniffed = False
        self._concluded = False
        self._response: httpx.Response | None = None
        self._body: AsyncIterator[bytes] | None = None
        self._inflate: zlib._Decompress | None = None

    @property
    def ending(self) -> bool:
        """Whether the model said why it stopped."""
        return bool(self._answer.finish_reason)

    async def open(self) -> None:
        """Send the request; once more without what this provider refuses although the format has it."""
        model = (self._target.base_url, self._target.model, self._target.api_mode)
        known: dict[tuple[str, str, str], frozenset[str]] = self._scope.files.derive("refused parts", (), dict)
        left_out = known.get(model, frozenset())
        while True:
            response = await self._send(left_out)
            if response.is_success:
                if lasting := left_out & self._form.lasting:
                    known[model] = lasting
                return
            body = await self._read_refusal()
            refused = self._form.refused_parts(body) - left_out if response.status_code in (400, 422) else None
            if not refused:
                break
            left_out |= refused
            await self.close()
        now = self._scope.clock.now()
        raise failures.error_from_status(
            self._target, response.status_code, response.headers, body, now, hide=self._hide
        )

    async def receive(self) -> Sequence[ModelEvent] | None:
        """See `Attempt.receive`. A checkpoint whenever it has to wait for the network."""
        while True:
            data = await self._read()
            if data is None:
                return None if self._concluded else self._end()
            if self._concluded:
                continue  # what comes after the end is read only to set the connection free
            payloads = self._split(data)
            if payloads:
                return self._take(payloads)

    def conclude(self) -> Sequence[ModelEvent]:
        """See `Attempt.conclude`."""
        self._concluded = True
        return self._answer.last_events()

    async def close(self) -> None:
        """See `Attempt.close`."""
        body, self._body = self._body, None
        response, self._response = self._response, None
        if response is None:
            return
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            if isinstance(body, AsyncGenerator):
                await body.aclose()
            await response.aclose()

    async def _send(self, left_out: frozenset[str]) -> httpx.Response:
        client = self._scope.http.client()
        connect = self._target.timeouts.connect
        request = client.build_request(
            "POST",
            build_url(self._target, self._form),
            content=self._form.build_body(self._target, self._request, left_out),
            headers=build_headers(self._target, self._form.headers(self._target)),
            timeout=httpx.Timeout(connect=connect, read=None, write=WRITE_SECONDS, pool=None),
            extensions={"tls": TlsChoice(verify=self._target.tls_verify, ca_file=self._target.tls_ca_file)},
        )
        try:
            self._response = response = await client.send(request, stream=True)
        except httpx.HTTPError as exc:
            raise self._failure(exc) from exc
        if isinstance(response.stream, httpx.AsyncByteStream):
            # One piece for each read, which `aiter_raw` would wrap in two more generators that nobody can close.
            self._body = response.stream.__aiter__()
        self._inflate = self._choose_inflate(response)
        return response

    def _choose_inflate(self, response: httpx.Response) -> zlib._Decompress | None:
        """Identity was asked for; gzip and deflate are understood all the same."""
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return None
        if coding in ("gzip", "x-gzip", "deflate"):
            return zlib.decompressobj(zlib.MAX_WBITS | 32)
        raise failures.bad_response(self._target, "the answer is compressed although it must not be", coding)

    async def _read(self) -> bytes | None:
        """The next piece of the body, None at its end."""
        if self._body is None:
            return None
        try:
            data = await self._body.__anext__()
            return self._inflate.decompress(data) if self._inflate else data
        except StopAsyncIteration:
            return None
        except httpx.HTTPError as exc:
            if self.ending:
                return None  # all that matters has come
            raise self._failure(exc) from exc
        except zlib.error as exc:
            raise failures.bad_response(self._target, "the answer's compression is broken", str(exc)) from exc

    async def _read_refusal(self) -> bytes:
        """The beginning of a refusal's body; one that breaks off or does not end is as good."""
        body = b""
        with trio.move_on_after(REFUSAL_SECONDS), contextlib.suppress(ModelError):
            while len(body) < MAX_ERROR_BYTES and (data := await self._read()) is not None:
                body += data
        return body[:MAX_ERROR_BYTES]

    def _split(self, data: bytes) -> list[bytes]:
        """The complete payloads in a piece of the body."""
        if not self._sniffed:
            data = data.lstrip(b"\xef\xbb\xbf\r\n\t ") if not data.isspace() else b""
            if not data:
                return []
            self._sniff(data)
        if self._whole is None:
            return self._decoder.feed(data)
        self._size += len(data)
        if self._size > MAX_EVENT_BYTES:
            raise failures.bad_response(self._target, f"the answer is longer than {MAX_EVENT_BYTES} bytes")
        self._whole.append(data)
        return []

    def _sniff(self, data: bytes) -> None:
        """Tell what the body is by its first character: content types are often wrong."""
        self._sniffed = True
        if data.startswith(b"{"):
            self._whole = []
        elif data.startswith(b"<"):
            page = failures.read_body(data).message
            raise failures.bad_response(self._target, "the provider answered with a web page", page)

    def _take(self, payloads: Sequence[bytes]) -> list[ModelEvent]:
        events = self._answer.read(payloads)
        if self._answer.done:
            events += self.conclude()
        return events

    def _end(self) -> Sequence[ModelEvent]:
        """The body has ended: the last events, if the answer was complete."""
        rest = [event.data for event in self._decoder.finish()] if self._whole is None else [b"".join(self._whole)]
        events = self._answer.read(rest)
        if self._whole is not None and not events and not self.ending:
            found = rest[0][:200].decode("utf-8", "replace")
            raise failures.bad_response(self._target, "the provider sent JSON that is no answer", found, self._hide)
        if not (self.ending or self._answer.done or self._whole is not None):
            raise failures.interrupted(self._target, "the answer broke off: the stream ended before it was complete")
        return [*events, *self.conclude()]

    def _failure(self, exc: httpx.HTTPError) -> ModelError:
        """The one place where httpx's errors become ours."""
        match exc:
            case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.ProxyError() | httpx.UnsupportedProtocol():
                return failures.unreachable(self._target, "the provider cannot be reached", str(exc), self._hide)
            case httpx.TimeoutException():
                return failures.timed_out(self._target, f"the provider did not answer in time: {exc}")
            case _ if self._response is not None:
                return failures.interrupted(self._target, "the answer broke off: the connection was lost")
            case httpx.LocalProtocolError():  # its text may quote a header, and with it the key
                return failures.bad_response(self._target, "the request cannot be sent: a header is malformed")
            case _:
                problem = "the connection broke before the provider answered"
                return failures.unreachable(self._target, problem, str(exc), self._hide)
