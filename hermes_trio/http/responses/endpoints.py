"""The endpoints of responses."""

from __future__ import annotations

from typing import Final

from hermes_trio.http.api_turn import TURN_HEADERS
from hermes_trio.http.endpoint import Answer, Endpoint
from hermes_trio.http.responses.kept import owns_response, serve_kept_response, serve_response_deletion
from hermes_trio.http.responses.objects import DeletedResponse, ResponseObject
from hermes_trio.http.responses.request import ResponsesBody
from hermes_trio.http.responses.serving import serve_responses

RESPONSE_ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/v1/responses",
        serve_responses,
        "Answer with a response that can be continued",
        by_model=True,
        starts_turn=True,
        body=ResponsesBody,
        answers=(Answer(200, "The response", ResponseObject, streams=True),),
        parameters=TURN_HEADERS,
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
