"""``getUpdates``: long polling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.testing.telegram.answers import CONFLICT, conflict
from hermes_trio.testing.telegram.state import Poll
from hermes_trio.testing.telegram.updates import MOST_AT_ONCE

if TYPE_CHECKING:
    from hermes_trio.http.types import Responder
    from hermes_trio.testing.telegram.context import Context
    from hermes_trio.testing.telegram.state import BotState

LONGEST_WAIT_SECONDS: Final = 50


async def get_updates(context: Context, responder: Responder) -> object:
    """``getUpdates``: waits until there are updates, its time is over, or the client has gone.

    Raises:
        ApiRefusal: A webhook is set, or another call of the bot came while this one waited: the older one gets it.
    """
    bot, call = context.bot, context.call
    bot.polls += 1
    context.state.wake()
    if bot.webhook is not None:
        bot.conflicts += 1
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    bot.end_poll(conflict("terminated by other getUpdates request; make sure that only one bot instance is running"))
    kinds = call.json("allowed_updates", "allowed updates")
    if isinstance(kinds, list):
        bot.queue.allow(str(kind) for kind in kinds)
    bot.queue.confirm(call.integer("offset"))
    wait = min(max(call.integer("timeout"), 0), LONGEST_WAIT_SECONDS)
    if wait and not len(bot.queue):
        await _wait(bot, responder, wait)
    limit = call.integer("limit", MOST_AT_ONCE)
    return [update.as_json() for update in bot.queue.first(limit if 1 <= limit <= MOST_AT_ONCE else MOST_AT_ONCE)]


async def _wait(bot: BotState, responder: Responder, seconds: float) -> None:
    poll = bot.poll = Poll()
    try:
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_watch, responder, nursery.cancel_scope)
                while not len(bot.queue) and poll.refusal is None:
                    await bot.queue.changed.wait()
                nursery.cancel_scope.cancel()
    finally:
        if bot.poll is poll:
            bot.poll = None
    if poll.refusal is not None:
        bot.conflicts += poll.refusal.status == CONFLICT
        raise poll.refusal


async def _watch(responder: Responder, waiting: trio.CancelScope) -> None:
    await responder.wait_client_gone()
    waiting.cancel()
