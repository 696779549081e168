"""Which web pages may call the API, and what every answer tells browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.http.types import Headers, Responder

#: What a page may send, beside what every page may.
ALLOWED_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-Hermes-Session-Id",
    "X-Hermes-Session-Key",
    "X-Hermes-Chat-Id",
    "X-Hermes-User-Id",
    "X-Hermes-Thread-Id",
)

#: What a page may read of the headers of an answer, beside what every page may.
EXPOSED_HEADERS: Final = ("X-Hermes-Session-Id", "X-Hermes-Session-Key", "Retry-After")

SECURITY_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("X-XSS-Protection", "0"),
    ("Referrer-Policy", "no-referrer"),
)


def allows_origin(configured: Sequence[str], headers: Headers) -> bool:
    """Whether a request with this ``Origin`` header (or none) may pass; web pages may only where configured."""
    origin = headers.get("origin")
    return origin is None or "*" in configured or origin in configured


def origin_headers(configured: Sequence[str], headers: Headers) -> tuple[tuple[str, str], ...]:
    """What tells the browser that the page may read the answer; nothing for a page that may not."""
    origin = headers.get("origin")
    if origin is None or not allows_origin(configured, headers):
        return ()
    return (
        ("Access-Control-Allow-Origin", "*" if "*" in configured else origin),
        ("Access-Control-Expose-Headers", ", ".join(EXPOSED_HEADERS)),
        ("Vary", "Origin"),
    )


async def serve_preflight(configured: Sequence[str], responder: Responder) -> None:
    """Answer a browser's question before the request proper (Fetch standard, CORS preflight)."""
    if not configured:
        await responder.send(403, content_type=None)
        return
    headers = (
        ("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", ", ".join(ALLOWED_HEADERS)),
        ("Access-Control-Max-Age", "600"),
    )
    await responder.send(200, b"", headers, None)


class BrowserSafeResponder:
    """Adds to every answer what browsers must be told; streams carry the origin's headers only.

    Args:
        inner: The connection's responder.
        origin: Headers from `origin_headers`.
    """

    __slots__ = ("_inner", "_origin")

    def __init__(self, inner: Responder, origin: tuple[tuple[str, str], ...]) -> None:
        self._inner = inner
        self._origin = origin

    @property
    def started(self) -> bool:
        """Whether any byte of the answer may have been sent."""
        return self._inner.started

    async def send(
        self,
        status: int,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        content_type: str | None = "application/json",
    ) -> None:
        """See `Responder.send`."""
        await self._inner.send(status, body, (*headers, *SECURITY_HEADERS, *self._origin), content_type)

    async def start_stream(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """See `Responder.start_stream`."""
        await self._inner.start_stream(status, (*headers, *self._origin))

    async def write(self, data: bytes) -> None:
        """See `Responder.write`."""
        await self._inner.write(data)

    async def finish(self, data: bytes = b"") -> None:
        """See `Responder.finish`."""
        await self._inner.finish(data)

    async def wait_client_gone(self) -> None:
        """See `Responder.wait_client_gone`."""
        await self._inner.wait_client_gone()
