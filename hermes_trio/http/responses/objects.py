"""A response as clients of the Responses API know it, and the items of its output.

The fields are those of hermes-agent, and those without which the types of OpenAI's SDKs do not take the object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from hermes_trio.models.events import Usage

Status = Literal["in_progress", "completed", "incomplete", "failed"]


class OutputText(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """What the agent said."""

    text: str
    annotations: tuple[()] = ()
    logprobs: tuple[()] = ()


class InputText(msgspec.Struct, frozen=True, tag_field="type", tag="input_text"):
    """What a tool returned."""

    text: str


class OutputMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """A message of the agent: its answer, or what it said before it used tools (``commentary``)."""

    id: str
    status: Status
    role: Literal["assistant"] = "assistant"
    content: tuple[OutputText, ...] = ()
    phase: Literal["commentary", "final_answer"] | None = None

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(part.text for part in self.content)


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call"):
    """A call of one of the agent's own tools; the agent makes it, not the client."""

    id: str
    status: Status
    name: str
    arguments: str
    call_id: str


class FunctionCallOutput(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call_output"):
    """What a tool returned to the agent."""

    id: str
    status: Status
    call_id: str
    output: tuple[InputText, ...]


OutputItem = OutputMessage | FunctionCall | FunctionCallOutput


class TextFormat(msgspec.Struct, frozen=True):
    """The format of the text."""

    type: Literal["text"] = "text"


class TextConfig(msgspec.Struct, frozen=True):
    """How the text comes."""

    format: TextFormat = TextFormat()


class InputDetails(msgspec.Struct, frozen=True):
    """Tokens of the prompts that providers had in a cache, or put there."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(msgspec.Struct, frozen=True):
    """Tokens that were thought, not said."""

    reasoning_tokens: int


class ResponseUsage(msgspec.Struct, frozen=True):
    """Tokens of all questions to models."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ResponseError(msgspec.Struct, frozen=True):
    """Why a response failed."""

    code: str
    message: str
    type: str
    param: str | None = None


class IncompleteDetails(msgspec.Struct, frozen=True):
    """Why a response is not complete."""

    reason: Literal["max_output_tokens", "content_filter"]


class ConversationId(msgspec.Struct, frozen=True):
    """The conversation that a response belongs to."""

    id: str


class ResponseObject(msgspec.Struct, frozen=True, kw_only=True):
    """A response."""

    id: str
    object: Literal["response"] = "response"
    status: Status = "in_progress"
    created_at: int
    completed_at: int | None = None
    model: str
    output: tuple[OutputItem, ...] = ()
    usage: ResponseUsage | None = None
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    conversation: ConversationId | None = None
    metadata: dict[str, str] = {}
    store: bool = True
    truncation: Literal["auto", "disabled"] = "disabled"
    background: bool = False
    parallel_tool_calls: bool = True
    tool_choice: str = "auto"
    tools: tuple[()] = ()
    text: TextConfig = TextConfig()
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None


class FinishedResponse(msgspec.Struct, frozen=True):
    """A response at its end, and the session that it is stored in; not sent."""

    response: ResponseObject
    session_id: str


class DeletedResponse(msgspec.Struct, frozen=True):
    """Says that a response is gone."""

    id: str
    object: Literal["response"] = "response"
    deleted: bool = True


def response_usage(usage: Usage) -> ResponseUsage:
    """Token counts under the names of the Responses API."""
    return ResponseUsage(
        input_tokens=usage.input_tokens,
        input_tokens_details=InputDetails(usage.cache_read_tokens, usage.cache_write_tokens),
        output_tokens=usage.output_tokens,
        output_tokens_details=OutputDetails(usage.reasoning_tokens),
        total_tokens=usage.input_tokens + usage.output_tokens,
    )
