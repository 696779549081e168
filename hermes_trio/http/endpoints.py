"""Everything the listener serves, in one list."""

from __future__ import annotations

from typing import Final

from hermes_trio.http.api_turn import TURN_HEADERS
from hermes_trio.http.chat.completions import serve_chat_completions
from hermes_trio.http.chat.objects import ChatCompletion, ChatCompletionBody
from hermes_trio.http.discovery import serve_capabilities, serve_skills, serve_toolsets
from hermes_trio.http.discovery_objects import Capabilities, ModelList, SkillList, ToolsetList
from hermes_trio.http.endpoint import Answer, AnyEndpoint, Endpoint, PublicEndpoint
from hermes_trio.http.health import serve_detailed_health, serve_health
from hermes_trio.http.health_objects import DetailedHealth, Health
from hermes_trio.http.model_list import serve_model_list
from hermes_trio.http.openapi import serve_openapi
from hermes_trio.http.responses.endpoints import RESPONSE_ENDPOINTS
from hermes_trio.http.runs.endpoints import RUN_ENDPOINTS
from hermes_trio.http.sessions.endpoints import SESSION_ENDPOINTS
from hermes_trio.http.webhooks.endpoints import WEBHOOK_ENDPOINT

_HEALTHY: Final = (Answer(200, "The process lives", Health),)

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    PublicEndpoint("GET", "/health", serve_health, "Whether the process lives", profiled=True, answers=_HEALTHY),
    PublicEndpoint("GET", "/v1/health", serve_health, "Whether the process lives", profiled=True, answers=_HEALTHY),
    PublicEndpoint(
        "GET",
        "/openapi.json",
        serve_openapi,
        "This document",
        profiled=True,
        answers=(Answer(200, "An OpenAPI 3.1 document"),),
    ),
    Endpoint(
        "GET",
        "/health/detailed",
        serve_detailed_health,
        "How the profile is doing",
        answers=(Answer(200, "What works and what does not", DetailedHealth),),
    ),
    Endpoint(
        "GET",
        "/v1/models",
        serve_model_list,
        "What may be named as a model",
        answers=(Answer(200, "The models", ModelList),),
    ),
    Endpoint(
        "GET",
        "/v1/capabilities",
        serve_capabilities,
        "What the API can do",
        answers=(Answer(200, "Features and endpoints", Capabilities),),
    ),
    Endpoint(
        "GET", "/v1/skills", serve_skills, "The profile's skills", answers=(Answer(200, "The skills", SkillList),)
    ),
    Endpoint(
        "GET",
        "/v1/toolsets",
        serve_toolsets,
        "The profile's groups of tools",
        answers=(Answer(200, "The groups", ToolsetList),),
    ),
    Endpoint(
        "POST",
        "/v1/chat/completions",
        serve_chat_completions,
        "Answer a conversation",
        by_model=True,
        starts_turn=True,
        body=ChatCompletionBody,
        answers=(Answer(200, "The answer", ChatCompletion, streams=True),),
        parameters=TURN_HEADERS,
    ),
    *RESPONSE_ENDPOINTS,
    *RUN_ENDPOINTS,
    *SESSION_ENDPOINTS,
    WEBHOOK_ENDPOINT,
)
