"""How hard a model is to think, in each wire format."""

from __future__ import annotations

import json

import httpx
import pytest

from hermes_trio.home.config import ModelConfig
from hermes_trio.models.effort import BUDGETS, thinking_budget
from hermes_trio.models.formats import find_format
from hermes_trio.models.request import ChatMessage, ModelRequest
from hermes_trio.models.target import ModelTarget
from tests.models.rig import Pieces, collect, make_scope
from tests.models.speakers import MODES, Answer, speak

ASKED = ChatMessage("user", "Think!")
KEYS = {"reasoning_effort", "reasoning", "thinking"}
MODELS = {"chat_completions": "m", "codex_responses": "gpt-5.2", "anthropic_messages": "claude-sonnet-4-5"}


def sent(mode: str, effort: str, model: str = "", **more: object) -> dict[str, object]:
    """What a request says about thinking."""
    target = ModelTarget("custom", model or MODELS[mode], "https://models.test/v1", "key", mode, **more)
    request = ModelRequest((ASKED,), reasoning_effort=effort)
    body = json.loads(find_format(mode).build_body(target, request, frozenset()))
    return {key: value for key, value in body.items() if key in KEYS}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("effort", ["", "enormous"])
def test_nothing_is_said_unless_somebody_chose_an_effort_there_is(mode, effort):
    assert sent(mode, effort) == {}


@pytest.mark.parametrize(("effort", "name"), [("none", "none"), ("low", "low"), ("xhigh", "xhigh"), ("max", "xhigh")])
def test_openai_s_formats_have_names(effort, name):
    assert sent("chat_completions", effort) == {"reasoning_effort": name}
    assert sent("codex_responses", effort) == {"reasoning": {"effort": name}}


def test_a_model_that_does_not_think_is_not_told_how_to():
    assert sent("codex_responses", "high", "gpt-4.1") == {}


def test_anthropic_s_format_has_a_number():
    assert sent("anthropic_messages", "high") == {"thinking": {"type": "enabled", "budget_tokens": 16_000}}
    assert sent("anthropic_messages", "none") == {}


@pytest.mark.parametrize("effort", sorted(BUDGETS))
@pytest.mark.parametrize("max_tokens", [100, 1400, 4096, 16_384, 200_000])
def test_thinking_leaves_room_for_an_answer(effort, max_tokens):
    budget = thinking_budget(effort, max_tokens)
    assert budget is None or 1024 <= budget < max_tokens


@pytest.mark.parametrize("mode", MODES)
async def test_a_provider_that_refuses_is_asked_again_without(mode):
    bodies = []

    def provider(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if len(bodies) == 1:
            (key,) = KEYS & set(bodies[0])
            words = "reasoning.effort" if key == "reasoning" else key
            error = {"type": "invalid_request_error", "message": f"{words} is not supported with this model"}
            return httpx.Response(400, json={"type": "error", "error": error})
        return httpx.Response(200, stream=Pieces([speak(mode, Answer(("Well.",)))]))

    config = ModelConfig(name=MODELS[mode], base_url="https://models.test/v1", api_mode=mode)
    scope = make_scope(config, provider)
    assert await collect(scope, ModelRequest((ASKED,), reasoning_effort="high"))
    assert not KEYS & set(bodies[1])
