"""The tool ``clarify``: asks the user and waits for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.tools.question_ledger import answer_seconds
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

MOST_CHOICES: Final = 4
LONGEST_QUESTION: Final = 4000
LONGEST_CHOICE: Final = 200


async def run_clarify(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Ask the user.

    Raises:
        ToolError: Nobody can answer here, or nobody did within ``agent.clarify_timeout``.

    Cancellation: the question is withdrawn.
    """
    question = str(arguments["question"]).strip()[:LONGEST_QUESTION]
    if not question:
        raise ToolError("the question is empty")
    if turn.ask_user is None:
        raise ToolError(
            "nobody can answer questions in this conversation",
            code="nobody_to_ask",
            mend="go on with the most sensible reading, and say in your answer which one that was",
        )
    choices = _choices(arguments.get("choices"))
    seconds = answer_seconds(scope)
    with trio.move_on_after(seconds):
        answer = await turn.ask_user(question, choices)
        return {"question": question, "choices_offered": list(choices), "user_response": answer.strip()}
    raise ToolError(f"the user did not answer within {seconds:g} s", code="no_answer")


def _choices(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    texts = (str(choice).strip()[:LONGEST_CHOICE] for choice in listed)
    return tuple(dict.fromkeys(text for text in texts if text))[:MOST_CHOICES]


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="clarify",
        description="Ask the user a question you cannot go on without, with up to 4 choices; waits for the answer.",
        parameters={
            "type": "object",
            "properties": {
                "question": {"type": "string"},
                "choices": {"type": "array", "items": {"type": "string"}, "maxItems": MOST_CHOICES},
            },
            "required": ["question"],
        },
        toolset="clarify",
        run=run_clarify,
        alone=True,
        seconds=None,
    ),
)
