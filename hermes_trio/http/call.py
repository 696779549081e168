"""One request on its way to the endpoint that answers it for a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.http.api_state import ApiState
    from hermes_trio.http.endpoint import EndpointTable
    from hermes_trio.http.types import Request, Responder
    from hermes_trio.routing.source import MessageSource

MAXIMUM_HEADER = 256


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may pass, and the profile that it is for.

    Attributes:
        gateway: All profiles; for what concerns the process, such as its health.
        runtime: The generation of the profile that answers.
        state: What the API keeps for the profile between requests.
        request: The request.
        responder: Where to answer.
        parameters: The parameters in the path, decoded.
        table: All that the listener serves.
        source: The place and person that the client says it speaks for, by its ``X-Hermes-`` headers; or None.
        is_operator: Whether the request came without a profile in its path: then its key is the operator's.
    """

    gateway: Gateway
    runtime: ProfileRuntime
    state: ApiState
    request: Request
    responder: Responder
    parameters: Mapping[str, str]
    table: EndpointTable
    source: MessageSource | None = None
    is_operator: bool = False

    def header(self, name: str) -> str | None:
        """A short header of printable characters, or None; see `short_header`."""
        return short_header(self.request, name)


def short_header(request: Request, name: str) -> str | None:
    """A short header of printable characters; None when it is missing or blank.

    Raises:
        RequestError: It is longer than 256 characters, or has control characters.
    """
    return short_text(request.headers.get(name), f"header {name}", name)


def short_text(value: str | None, what: str, param: str) -> str | None:
    """A short text of printable characters; None when it is missing or blank.

    Args:
        value: The text.
        what: What to call it to people.
        param: What to call it to programs.

    Raises:
        RequestError: It is longer than 256 characters, or has control characters.
    """
    text = (value or "").strip()
    if len(text) > MAXIMUM_HEADER or not text.isprintable():
        raise RequestError(f"{what} must be at most {MAXIMUM_HEADER} printable characters", param=param)
    return text or None
