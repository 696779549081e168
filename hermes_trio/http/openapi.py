"""``GET /openapi.json``: what the listener serves, as an OpenAPI 3.1 document made from the endpoints' declarations.

It names no profile: the same paths are below ``/`` and below ``/p/{profile}``, which are two servers of the document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from hermes_trio import __version__
from hermes_trio.http.endpoint import EVENT_STREAM, Endpoint, Parameter, PublicEndpoint, endpoint_names
from hermes_trio.http.error_objects import ErrorBody
from hermes_trio.http.openapi_schemas import component_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hermes_trio.http.endpoint import Answer, AnyEndpoint, PublicCall

Json = dict[str, Any]

_JSON: Final = "application/json"
_ERRORS: Final = (
    (400, "The request is malformed; `param` names the part"),
    (401, "The key is missing, or is not this profile's"),
    (403, "A web page of an origin that is not allowed (then without a body), or a profile that may not be chosen"),
    (404, "There is no such profile, or what the path names is not this profile's"),
    (408, "The request took too long to arrive"),
    (413, "The body is too large"),
    (431, "The headers are too large"),
    (503, "The profile does not serve now; `Retry-After` says when a retry makes sense"),
)
#: A public endpoint says itself what it may refuse.
_NOT_OF_PUBLIC: Final = frozenset((400, 401))
_TURN_ERRORS: Final = (
    (402, "The profile has spent its budget"),
    (429, "A limit on running answers is reached, or the model's provider says so"),
    (502, "The model's provider failed or refused"),
    (504, "The model's provider did not answer in time"),
)
_RETRY: Final[Mapping[str, Any]] = {
    "Retry-After": {"description": "Seconds after which a retry makes sense", "schema": {"type": "integer"}}
}
#: OpenAPI 3.1 has no words for streams; tools that know of them take the schema as that of one event.
_EVENT: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "One of the server-sent events",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
_PROFILE: Final[Mapping[str, Any]] = {
    "url": "/p/{profile}",
    "description": "A profile, with its own key",
    "variables": {"profile": {"default": "default", "description": "The profile's name"}},
}


async def serve_openapi(call: PublicCall) -> None:
    """Answer with the document; below a profile's path that path comes first among its servers."""
    here = [] if call.profile is None else [{"url": f"/p/{call.profile}", "description": "Where this was read"}]
    parts = call.table.derive("openapi", _encoded_parts)
    document = openapi_document(call.table.endpoints, parts)
    document["servers"] = [*here, *document["servers"]]
    await call.responder.send(200, msgspec.json.encode(document))


def openapi_document(endpoints: Sequence[AnyEndpoint], parts: Json | None = None) -> Json:
    """The document.

    Args:
        endpoints: All that is served.
        parts: What follows from these, if it is known already; see `openapi_parts`.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hermes-trio",
            "version": __version__,
            "description": "The HTTP API of a gateway that serves many profiles. Every profile has its own key.",
        },
        "servers": [{"url": "/", "description": "The default profile, with the operator's key"}, _PROFILE],
        **(parts or openapi_parts(endpoints)),
    }


def openapi_parts(endpoints: Sequence[AnyEndpoint]) -> Json:
    """The paths and components of the document.

    Raises:
        ValueError: Two different Structs have the same name.
    """
    paths: dict[str, Json] = {}
    for name, endpoint in endpoint_names(endpoints).items():
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(name, endpoint)
    bearer = {"type": "http", "scheme": "bearer", "description": "The profile's API_SERVER_KEY"}
    components = {"schemas": component_schemas(_structs(endpoints)), "securitySchemes": {"bearer": bearer}}
    return {"paths": paths, "components": components}


def _encoded_parts(endpoints: Sequence[AnyEndpoint]) -> Json:
    return {name: msgspec.Raw(msgspec.json.encode(part)) for name, part in openapi_parts(endpoints).items()}


def _structs(endpoints: Iterable[AnyEndpoint]) -> Iterator[type[msgspec.Struct]]:
    yield ErrorBody
    for endpoint in endpoints:
        if isinstance(endpoint, Endpoint) and endpoint.body is not None:
            yield endpoint.body
        yield from (answer.body for answer in endpoint.answers if answer.body is not None)


def _operation(name: str, endpoint: AnyEndpoint) -> Json:
    operation: Json = {
        "operationId": name,
        "summary": endpoint.summary,
        "tags": [_tag(endpoint.path)],
        "security": [{"bearer": []}] if isinstance(endpoint, Endpoint) else [],
    }
    parameters = [_path_parameter(part) for part in re.findall(r"\{(\w+)\}", endpoint.path)]
    if isinstance(endpoint, Endpoint):
        parameters += [_parameter(one) for one in endpoint.parameters]
        if endpoint.body is not None:
            required = any(field.required for field in msgspec.structs.fields(endpoint.body))
            operation["requestBody"] = {"required": required, "content": {_JSON: {"schema": _reference(endpoint.body)}}}
    elif not endpoint.profiled:
        operation["servers"] = [{"url": "/"}]
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = _responses(endpoint)
    return operation


def _responses(endpoint: AnyEndpoint) -> Json:
    responses = {str(status): _error(status, told) for status, told in _usual_errors(endpoint)}
    responses |= {str(answer.status): _response(answer) for answer in endpoint.answers}
    return dict(sorted(responses.items()))


def _usual_errors(endpoint: AnyEndpoint) -> Iterator[tuple[int, str]]:
    is_public = isinstance(endpoint, PublicEndpoint)
    yield from (error for error in _ERRORS if not (is_public and error[0] in _NOT_OF_PUBLIC))
    if isinstance(endpoint, Endpoint) and endpoint.starts_turn:
        yield from _TURN_ERRORS


def _response(answer: Answer) -> Json:
    if answer.status >= 400 and answer.body is None:
        return _error(answer.status, answer.description)
    content: Json = {}
    if answer.body is not None:
        content[_JSON] = {"schema": _reference(answer.body)}
    if answer.streams:
        content[EVENT_STREAM] = {"schema": _EVENT}
    if not content and answer.status != 204:
        content[_JSON] = {"schema": {}}
    return {"description": answer.description, **({"content": content} if content else {})}


def _error(status: int, told: str) -> Json:
    response: Json = {"description": told, "content": {_JSON: {"schema": _reference(ErrorBody)}}}
    if status in (402, 429, 503):
        response["headers"] = _RETRY
    return response


def _path_parameter(name: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(one: Parameter) -> Json:
    schema: Json = {"type": one.kind}
    if one.minimum is not None:
        schema["minimum"] = one.minimum
    if one.maximum is not None:
        schema["maxLength" if one.kind == "string" else "maximum"] = one.maximum
    return {"name": one.name, "in": one.place, "description": one.description, "required": False, "schema": schema}


def _reference(shape: type[msgspec.Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _tag(path: str) -> str:
    """What an endpoint is about: the first part of its path that is no version."""
    return next((part for part in path.split("/") if part and part not in ("v1", "api") and "{" not in part), "other")
