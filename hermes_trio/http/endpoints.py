"""Everything the listener serves, in one list."""

from __future__ import annotations

from typing import Final

from hermes_trio.http.chat_completions import serve_chat_completions
from hermes_trio.http.endpoint import Answer, AnyEndpoint, Endpoint, Parameter, PublicEndpoint
from hermes_trio.http.health import serve_detailed_health, serve_health
from hermes_trio.http.kept_responses import owns_response, serve_kept_response, serve_response_deletion
from hermes_trio.http.model_list import serve_model_list
from hermes_trio.http.response_object import DeletedResponse, ResponseObject
from hermes_trio.http.responses import serve_responses
from hermes_trio.http.responses_request import ResponsesBody

_HEALTHY: Final = (Answer(200, "The process lives"),)

_TURN_HEADERS: Final = (
    Parameter("X-Hermes-Session-Id", "The conversation to go on with", "header", maximum=256),
    Parameter("X-Hermes-Session-Key", "A stable name for the user behind the client", "header", maximum=256),
    Parameter("Idempotency-Key", "The same request again gets the same answer", "header", maximum=256),
)

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    PublicEndpoint("GET", "/health", serve_health, "Whether the process lives", profiled=True, answers=_HEALTHY),
    PublicEndpoint("GET", "/v1/health", serve_health, "Whether the process lives", profiled=True, answers=_HEALTHY),
    Endpoint(
        "GET",
        "/health/detailed",
        serve_detailed_health,
        "How the profile is doing",
        answers=(Answer(200, "What works and what does not"),),
    ),
    Endpoint(
        "GET", "/v1/models", serve_model_list, "What may be named as a model", answers=(Answer(200, "The models"),)
    ),
    Endpoint(
        "POST",
        "/v1/chat/completions",
        serve_chat_completions,
        "Answer a conversation",
        by_model=True,
        starts_turn=True,
        answers=(Answer(200, "The answer", streams=True),),
        parameters=_TURN_HEADERS,
    ),
    Endpoint(
        "POST",
        "/v1/responses",
        serve_responses,
        "Answer with a response that can be continued",
        by_model=True,
        starts_turn=True,
        body=ResponsesBody,
        answers=(Answer(200, "The response", ResponseObject, streams=True),),
        parameters=_TURN_HEADERS,
    ),
    Endpoint(
        "GET",
        "/v1/responses/{response_id}",
        serve_kept_response,
        "A response that was kept",
        owns=owns_response,
        answers=(Answer(200, "The response", ResponseObject),),
    ),
    Endpoint(
        "DELETE",
        "/v1/responses/{response_id}",
        serve_response_deletion,
        "Forget a response",
        owns=owns_response,
        answers=(Answer(200, "It is gone", DeletedResponse),),
    ),
)
