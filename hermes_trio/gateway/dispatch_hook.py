"""What hooks say to a message before it is taken: nothing, what it shall say instead, or that it is left alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.tools.hooks import HookOutcome, Hooks

DISPATCH: Final = "pre_gateway_dispatch"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that a hook wants to be left alone.

    Attributes:
        reason: Why, for the log.
    """

    reason: str


async def ask_before_dispatch(hooks: Hooks, message: InboundMessage) -> InboundMessage | Skipped:
    """Ask the hooks of ``pre_gateway_dispatch`` about a message of somebody who may talk to the bot.

    The first answer with an ``action`` that is known counts: ``skip``, ``rewrite`` with a ``text``, or ``allow``. A
    hook that blocks skips.

    Cancellation: as `Hooks.fire`.
    """
    source = message.source
    context: dict[str, object] = {
        "platform": source.platform,
        "user_id": source.user_id or "",
        "user_name": source.user_name,
        "chat_id": source.chat_id or "",
        "chat_type": source.chat_type,
        "thread_id": source.thread_id or "",
        "message_id": message.message_id,
        "text": message.text,
        "attachments": len(message.attachments),
    }
    return _decide(await hooks.tell(DISPATCH, context), message)


def _decide(outcome: HookOutcome, message: InboundMessage) -> InboundMessage | Skipped:
    if outcome.block is not None:
        return Skipped(outcome.block.reason)
    for answer in outcome.answers:
        text, reason = answer.get("text"), answer.get("reason")
        match answer.get("action"):
            case "skip":
                return Skipped(reason if isinstance(reason, str) else "")
            case "rewrite" if isinstance(text, str):
                return replace(message, text=text)
            case "allow":
                return message
            case _:
                continue
    return message
