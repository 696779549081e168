"""Questions of tools to a model: the profile's own, or the one its settings name for the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import ModelError
from hermes_trio.home.config import ModelRoute
from hermes_trio.models.events import TextDelta, Usage
from hermes_trio.models.request import ChatMessage, ModelRequest
from hermes_trio.models.stream import open_stream

if TYPE_CHECKING:
    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import AuxiliaryQuestion
    from hermes_trio.turns.agent import Agent

Charge = Callable[["ModelTarget", Usage], None]
"""Is told which model answered, and its tokens."""

USUAL_SECONDS = 120.0


def auxiliary_route(config: ProfileConfig, task: str) -> ModelRoute | None:
    """The model that the settings name for an auxiliary task, or None for the profile's own."""
    settings = config.auxiliary.get(task)
    if settings is None:
        return None
    provider = "" if settings.provider == "auto" else settings.provider
    if not (settings.model or provider or settings.base_url or settings.api_key):
        return None
    return ModelRoute(task, settings.model, provider, settings.base_url, settings.api_key, f"auxiliary.{task}")


async def ask_auxiliary_model(
    scope: ProfileScope, agent: Agent, question: AuxiliaryQuestion, charge: Charge | None = None
) -> str:
    """Ask once, without tools, and return the whole answer; it counts against the budget.

    Args:
        scope: The profile.
        agent: Its agent.
        question: What is asked.
        charge: Told what the answer took.

    Raises:
        ModelError: The model failed, or took longer than the task may.
        BudgetExceeded: The profile has spent what it may.
    """
    settings = scope.config.auxiliary.get(question.task)
    route = auxiliary_route(scope.config, question.task)
    seconds = (settings.timeout if settings is not None else None) or USUAL_SECONDS
    agent.budget.admit_call(scope)
    request = ModelRequest((ChatMessage("system", question.system), ChatMessage("user", question.content)), route=route)
    with trio.move_on_after(seconds):
        return await _ask(scope, agent, request, charge)
    raise ModelError(f"no answer within {seconds:g} s", code="model_timeout", where=f"auxiliary.{question.task}")


async def _ask(scope: ProfileScope, agent: Agent, request: ModelRequest, charge: Charge | None) -> str:
    texts: list[str] = []
    usage = Usage()
    async with open_stream(scope, request) as stream:
        async for events in stream:
            for event in events:
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                elif isinstance(event, Usage):
                    usage = event
        target = stream.target
    if charge is not None:
        charge(target, usage)
    await agent.budget.spend(scope, target, usage)
    return "".join(texts)
