"""The events that hooks can be attached to, and what a hook may say to them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Events of the gateway; hooks on disk may also name ``<base>:*``.
GATEWAY_EVENTS: Final = frozenset(
    {"gateway:startup", "session:start", "session:end", "session:reset", "agent:start", "agent:step", "agent:end"}
)
_NAMES: Final = """
    pre_tool_call post_tool_call transform_terminal_output transform_tool_result transform_llm_output pre_llm_call
    post_llm_call pre_verify pre_api_request post_api_request api_request_error on_session_start on_session_end
    on_session_finalize on_session_reset subagent_start subagent_stop pre_gateway_dispatch select_profile
    pre_approval_request post_approval_response
"""
#: Events within a turn.
TURN_EVENTS: Final = frozenset(_NAMES.split())
TOOL_EVENTS: Final = frozenset({"pre_tool_call", "post_tool_call"})
BEFORE_TOOL: Final = "pre_tool_call"
AFTER_TOOL: Final = "post_tool_call"
BEFORE_MODEL: Final = "pre_llm_call"
#: Known, but nothing here verifies an answer, so these do not happen.
NEVER: Final = frozenset({"pre_verify"})
_COMMAND: Final = "command:"


class HookError(HermesTrioError):
    """A hook is configured but cannot be loaded. It may be a gate, so its profile does not start without it."""

    default_code = "hook_invalid"


@dataclass(frozen=True, slots=True)
class Block:
    """A hook's word that a tool call must not be made.

    Attributes:
        reason: For the model.
    """

    reason: str


def is_event(name: str) -> bool:
    """Tell whether there is an event of this name, or events of this pattern."""
    base, _, rest = name.partition(":")
    if rest == "*":
        return base == "command" or any(event.startswith(base + ":") for event in GATEWAY_EVENTS)
    return name in GATEWAY_EVENTS or name in TURN_EVENTS or (name.startswith(_COMMAND) and len(name) > len(_COMMAND))


def suggest_event(name: str) -> str:
    """Say which event was probably meant."""
    close = get_close_matches(name.lower(), sorted(GATEWAY_EVENTS | TURN_EVENTS), n=1, cutoff=0.6)
    return f"an event's name, perhaps {close[0]!r}" if close else f"one of {', '.join(sorted(TURN_EVENTS))}"


def find_block(answer: Mapping[str, object]) -> Block | None:
    """Read whether an answer blocks: ``{"decision": "block", "reason"}`` or ``{"action": "block", "message"}``."""
    if "block" not in (answer.get("decision"), answer.get("action")):
        return None
    reasons = [text for key in ("reason", "message") if isinstance(text := answer.get(key), str) and text]
    return Block(reasons[0] if reasons else "a hook of this profile blocks it")
