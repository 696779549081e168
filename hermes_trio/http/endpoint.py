"""What the listener serves, as data: one declaration for each method and path, from which all else follows.

Dispatch, the OpenAPI document and the tests that walk all routes read the same declarations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    import msgspec

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.call import Call
    from hermes_trio.http.types import Request, Responder
    from hermes_trio.scope import ProfileScope

T = TypeVar("T")

EVENT_STREAM: Final = "text/event-stream"
_NO_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """One kind of answer of an endpoint.

    Attributes:
        status: The status.
        description: When it comes.
        body: The shape of its JSON body, or None where it has none or any.
        streams: Whether it may also come as server-sent events.
    """

    status: int
    description: str
    body: type[msgspec.Struct] | None = None
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header that an endpoint reads.

    Attributes:
        name: Its name.
        description: What it means.
        place: ``query`` or ``header``.
        kind: ``string``, ``integer`` or ``boolean``.
        minimum: The least value of an integer, or None.
        maximum: The greatest, or the length of a text, or None.
    """

    name: str
    description: str
    place: str = "query"
    kind: str = "string"
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, served for a profile that the request's key opens; also under ``/p/<profile>``.

    Attributes:
        method: E.g. ``POST``.
        path: The path below the profile's prefix; a segment in braces is a parameter, e.g. ``/v1/runs/{run_id}``.
        serve: Answers a request. It acts for the scope that it is given and for no other.
        summary: What it does, in one line.
        by_model: Whether a request without a profile in its path finds one by the ``model`` of its body, else by its
            headers; see `hermes_trio.http.choose_profile`.
        owns: Whether a profile has made what the path names by an id; then a request without a profile in its path
            finds the one that has.
        starts_turn: Whether it lets the agent work, and so needs a seat.
        body: The shape of the JSON body that it takes, or None.
        answers: What it answers beside the errors that all endpoints have.
        parameters: Query parameters and headers.
    """

    method: str
    path: str
    serve: Callable[[ProfileScope, Call], Awaitable[None]]
    summary: str
    by_model: bool = False
    owns: Callable[[ProfileScope, Call], Awaitable[bool]] | None = None
    starts_turn: bool = False
    body: type[msgspec.Struct] | None = None
    answers: tuple[Answer, ...] = ()
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicEndpoint:
    """One method of one path that needs no API key: what it says concerns no profile, or it checks who asks itself.

    Attributes:
        method: E.g. ``GET``.
        path: The path; where ``profiled`` also under ``/p/<profile>``.
        serve: Answers a request.
        summary: What it does, in one line.
        profiled: Whether it is served under ``/p/<profile>`` too.
        answers: What it answers.
    """

    method: str
    path: str
    serve: Callable[[PublicCall], Awaitable[None]]
    summary: str
    profiled: bool = False
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicCall:
    """A request to a public endpoint.

    Attributes:
        gateway: All profiles.
        request: The request.
        responder: Where to answer.
        profile: The profile in the path, which is served; None where the path names none.
        parameters: The parameters in the path, decoded.
        table: All that the listener serves.
    """

    gateway: Gateway
    request: Request
    responder: Responder
    profile: str | None
    parameters: Mapping[str, str]
    table: EndpointTable


AnyEndpoint = Endpoint | PublicEndpoint


def endpoint_names(endpoints: Iterable[AnyEndpoint]) -> dict[str, AnyEndpoint]:
    """A name for each endpoint: that of the function that serves it, without ``serve_``.

    What a function serves beside its first path is named by method and path as well.
    """
    names: dict[str, AnyEndpoint] = {}
    for endpoint in endpoints:
        name = getattr(endpoint.serve, "__name__", "endpoint").removeprefix("serve_")
        if name in names:
            path = re.sub(r"\W+", "_", endpoint.path).strip("_")
            name = f"{name}_{endpoint.method.lower()}_{path}"
        names[name] = endpoint
    return names


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to.

    Attributes:
        methods: The endpoints of the path, by method.
        parameters: The parameters in the path, decoded.
    """

    methods: Mapping[str, AnyEndpoint]
    parameters: Mapping[str, str] = field(default_factory=lambda: _NO_PARAMETERS)

    def endpoint(self, method: str) -> AnyEndpoint | None:
        """The endpoint for a method; what answers ``GET`` answers ``HEAD`` too."""
        return self.methods.get(method) or (self.methods.get("GET") if method == "HEAD" else None)

    @property
    def allow(self) -> str:
        """Value of an ``Allow`` header (RFC 9110, 10.2.1)."""
        return ", ".join(sorted({*self.methods, *(("HEAD",) if "GET" in self.methods else ())}))


class EndpointTable:
    """Finds the endpoints of a path; what is served does not change.

    Args:
        endpoints: All of them; a fixed path goes before one with parameters.

    Raises:
        ValueError: Two serve the same method of the same path.
    """

    def __init__(self, endpoints: tuple[AnyEndpoint, ...]) -> None:
        self.endpoints = endpoints
        self._derived: dict[str, object] = {}
        self._fixed: dict[str, Found] = {}
        self._patterns: dict[int, list[tuple[tuple[str, ...], Found]]] = {}
        by_path: dict[str, dict[str, AnyEndpoint]] = {}
        for endpoint in endpoints:
            methods = by_path.setdefault(endpoint.path, {})
            if endpoint.method in methods:
                raise ValueError(f"{endpoint.method} {endpoint.path} is declared twice")
            methods[endpoint.method] = endpoint
        for path, methods in by_path.items():
            found = Found(MappingProxyType(methods))
            if "{" in path:
                parts = tuple(path.strip("/").split("/"))
                self._patterns.setdefault(len(parts), []).append((parts, found))
            else:
                self._fixed[path] = found

    def derive(self, name: str, make: Callable[[tuple[AnyEndpoint, ...]], T]) -> T:
        """What follows from the endpoints, made when it is first wanted.

        Args:
            name: Names it; always with the same ``make``.
            make: Makes it.
        """
        if name not in self._derived:
            self._derived[name] = make(self.endpoints)
        return cast("T", self._derived[name])

    def find(self, path: str, segments: tuple[str, ...]) -> Found | None:
        """The endpoints of a path, or None.

        Args:
            path: The path below the profile's prefix, as sent.
            segments: Its parts between slashes, decoded one by one.
        """
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed
        for parts, found in self._patterns.get(len(segments), ()):
            parameters = _match(parts, segments)
            if parameters is not None:
                return Found(found.methods, parameters)
        return None


def _match(parts: tuple[str, ...], segments: tuple[str, ...]) -> Mapping[str, str] | None:
    parameters: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            parameters[part[1:-1]] = segment
        elif part != segment:
            return None
    return MappingProxyType(parameters)
