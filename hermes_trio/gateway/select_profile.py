"""A hook of the operator's that decides which profile answers, before the routes are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.names import is_profile_name

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.tools.hooks import Hooks

SELECT_PROFILE: Final = "select_profile"
SELECT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Selection:
    """What the hooks say.

    Attributes:
        profile: The profile that is to answer; None to leave it to the routes.
        refusal: Why nobody is to answer, as a stable code; None when somebody is.
        detail: The same for people.
    """

    profile: str | None = None
    refusal: str | None = None
    detail: str = ""


async def select_profile(hooks: Hooks, message: InboundMessage, transport_profile: str) -> Selection:
    """Ask the hooks of ``select_profile``; the first answer with a ``profile`` counts.

    An answer ``{"profile": "career"}`` chooses, ``{"action": "drop", "reason": ...}`` or a hook that blocks refuses,
    anything else leaves it to the routes. A hook that fails, takes longer than 5 s in all, or names no valid profile
    refuses: who answers must not depend on whether a hook works.

    Args:
        hooks: The default profile's, which are the operator's.
        message: The message, of somebody who may talk to the bot.
        transport_profile: The profile whose bot received it.

    Cancellation: as `Hooks.fire`.
    """
    source = message.source
    context: dict[str, object] = {
        "platform": source.platform,
        "transport_profile": transport_profile,
        "user_id": source.user_id or "",
        "user_name": source.user_name,
        "chat_id": source.chat_id or "",
        "chat_type": source.chat_type,
        "thread_id": source.thread_id or "",
        "parent_chat_id": source.parent_chat_id or "",
        "guild_id": source.guild_id or "",
        "message_id": message.message_id,
        "text": message.text,
    }
    with trio.move_on_after(SELECT_SECONDS) as patience:
        outcome = await hooks.tell(SELECT_PROFILE, context)
    if patience.cancelled_caught:
        return Selection(None, "hook_failed", f"no answer within {SELECT_SECONDS:g} s")
    if outcome.failures:
        return Selection(None, "hook_failed", outcome.failures[0])
    if outcome.block is not None:
        return Selection(None, "hook_dropped", outcome.block.reason)
    for answer in outcome.answers:
        if answer.get("action") == "drop":
            return Selection(None, "hook_dropped", str(answer.get("reason") or ""))
        named = answer.get("profile")
        if named is None:
            continue
        if isinstance(named, str) and is_profile_name(named):
            return Selection(named)
        return Selection(None, "hook_failed", f"it names {ascii(named)[:80]}, which is no profile's name")
    return Selection()
