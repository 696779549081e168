"""Delivers updates to webhooks: one after the other, again until they are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import msgspec
import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.testing.telegram.model import Json
    from hermes_trio.testing.telegram.state import BotState, TelegramState, Webhook

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  the name of a header
TIMEOUT_SECONDS: Final = 60.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 64.0


async def serve_webhooks(
    state: TelegramState, client: httpx.AsyncClient, on_call: Callable[[BotState, Json], None]
) -> None:
    """Deliver the updates of every bot that has a webhook, until cancelled.

    Args:
        state: Where the bots are.
        client: Carries the updates.
        on_call: Told when the answer to an update is itself a call, with its parameters and ``method``.
    """
    served: set[Webhook] = set()
    async with trio.open_nursery() as nursery:
        while True:
            for bot in state.bots.values():
                if bot.webhook is not None and bot.webhook not in served:
                    served.add(bot.webhook)
                    nursery.start_soon(_serve, state, bot, bot.webhook, client, on_call)
            await state.changed.wait()


async def _serve(
    state: TelegramState,
    bot: BotState,
    webhook: Webhook,
    client: httpx.AsyncClient,
    on_call: Callable[[BotState, Json], None],
) -> None:
    """Deliver until the webhook is replaced or taken away."""
    pause = FIRST_PAUSE_SECONDS
    while bot.webhook is webhook:
        updates = bot.queue.first(1)
        if not updates:
            await bot.queue.changed.wait()
            continue
        problem = await _post(bot, webhook, updates[0].as_json(), client, on_call)
        if not problem:
            bot.queue.confirm(updates[0].id + 1)
            pause = FIRST_PAUSE_SECONDS
            continue
        webhook.last_error, webhook.last_error_date = problem, state.now()
        state.wake()
        await trio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _post(
    bot: BotState,
    webhook: Webhook,
    update: Json,
    client: httpx.AsyncClient,
    on_call: Callable[[BotState, Json], None],
) -> str:
    """Deliver one update; returns what went wrong, or nothing."""
    headers = {"Content-Type": "application/json"}
    if webhook.secret:
        headers[SECRET_HEADER] = webhook.secret
    try:
        answer = await client.post(webhook.url, content=msgspec.json.encode(update), headers=headers)
    except httpx.HTTPError as exc:
        return str(exc) or type(exc).__name__
    if not answer.is_success:
        return f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
    try:
        call = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.MsgspecError:
        return ""
    if "method" in call:
        on_call(bot, call)
    return ""
