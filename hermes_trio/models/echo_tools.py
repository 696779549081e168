"""Tool calls of ``builtin/echo``, as the lines of a message script them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.models.request import ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.request import ChatMessage

LONGEST_QUOTE: Final = 20_000

_LINE = re.compile(r"^!(tool|also) +([\w-]+) *(.*)$", re.MULTILINE)


def plan_steps(text: str) -> list[list[tuple[str, str]]]:
    """The steps of a script: tool names with their arguments, those of one step called side by side."""
    steps: list[list[tuple[str, str]]] = []
    for verb, name, arguments in _LINE.findall(text):
        if verb == "also" and steps:
            steps[-1].append((name, arguments.strip() or "{}"))
        else:
            steps.append([(name, arguments.strip() or "{}")])
    return steps


def next_calls(said: Sequence[ChatMessage]) -> tuple[ToolCall, ...]:
    """The calls of the next step of the last user message's script; none when there is no script or it is done."""
    question, since = _last_question(said)
    steps = plan_steps(question)
    done = sum(1 for message in since if message.tool_calls)
    if done >= len(steps):
        return ()
    return tuple(
        ToolCall(f"call_{len(said)}_{index}", name, arguments) for index, (name, arguments) in enumerate(steps[done])
    )


def quote_results(said: Sequence[ChatMessage]) -> str | None:
    """What the tools of the finished script said, and the user meanwhile; None when none was used."""
    question, since = _last_question(said)
    results = [message.text for message in since if message.role == "tool" or message.is_aside]
    if not results or not plan_steps(question):
        return None
    return "The tools said: " + "\n".join(results)[:LONGEST_QUOTE]


def _last_question(said: Sequence[ChatMessage]) -> tuple[str, Sequence[ChatMessage]]:
    for index in range(len(said) - 1, -1, -1):
        if said[index].role == "user" and not said[index].is_aside:
            return said[index].text, said[index + 1 :]
    return "", ()
