"""What the Bot API answers with: the envelope, and refusals with the descriptions the real one uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFLICT: Final = 409


class ApiRefusal(Exception):
    """A call the Bot API refuses; becomes an answer with ``"ok": false``.

    Args:
        status: HTTP status and ``error_code``.
        description: For a program's reader; the real API's words where programs look at them.
        parameters: ``retry_after`` (seconds) or ``migrate_to_chat_id``.
    """

    def __init__(self, status: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters or {}

    def encode(self) -> bytes:
        """The answer's body."""
        body: dict[str, object] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return msgspec.json.encode(body)


def encode_result(result: object) -> bytes:
    """The body of an answer to a call that worked."""
    return msgspec.json.encode({"ok": True, "result": result})


def bad_request(description: str, **parameters: int) -> ApiRefusal:
    """A 400."""
    return ApiRefusal(400, f"Bad Request: {description}", parameters)


def forbidden(description: str) -> ApiRefusal:
    """A 403."""
    return ApiRefusal(403, f"Forbidden: {description}")


def conflict(description: str) -> ApiRefusal:
    """A 409."""
    return ApiRefusal(CONFLICT, f"Conflict: {description}")


def too_many_requests(seconds: int) -> ApiRefusal:
    """A 429 that asks for a pause of so many seconds."""
    return ApiRefusal(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def unauthorized() -> ApiRefusal:
    """A 401: no bot has this token, or no longer."""
    return ApiRefusal(401, "Unauthorized")


def not_found() -> ApiRefusal:
    """A 404: no such method, or something that is no token."""
    return ApiRefusal(404, "Not Found")
