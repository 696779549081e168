"""Everything the listener serves, in one list."""

from __future__ import annotations

from typing import Final

from hermes_trio.http.chat_completions import serve_chat_completions
from hermes_trio.http.endpoint import Answer, AnyEndpoint, Endpoint, PublicEndpoint
from hermes_trio.http.health import serve_detailed_health, serve_health
from hermes_trio.http.model_list import serve_model_list
from hermes_trio.http.webhooks.endpoints import WEBHOOK_ENDPOINT

_HEALTHY: Final = (Answer(200, "The process lives"),)

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
    ),
    WEBHOOK_ENDPOINT,
)
