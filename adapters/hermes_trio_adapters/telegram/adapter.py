"""The adapter: one Telegram bot of one profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api import (
    BotIdentity,
    Capabilities,
    ExclusiveResource,
    HermesTrioError,
    MediaKind,
    TextUnit,
)
from hermes_trio_adapters.telegram import downloads, sending, uploads
from hermes_trio_adapters.telegram.client import BotApi
from hermes_trio_adapters.telegram.intake import Intake
from hermes_trio_adapters.telegram.menu import publish_menu
from hermes_trio_adapters.telegram.polling import identify, poll
from hermes_trio_adapters.telegram.render import render_html
from hermes_trio_adapters.telegram.webhook import serve_webhook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hermes_trio.adapter_api import (
        AdapterContext,
        Attachment,
        OutgoingMedia,
        OutgoingText,
        ProfileScope,
        SentMessage,
        Target,
    )
    from hermes_trio_adapters.telegram.settings import TelegramSettings

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
TYPING_SECONDS: Final = 4.5
TOKEN_SCOPE: Final = "telegram-bot-token"  # noqa: S105  what the lock is called, as at hermes-agent


class TelegramAdapter:
    """See `hermes_trio.adapter_api.Adapter`.

    Args:
        scope: Whose bot it is.
        settings: The bot.
    """

    def __init__(self, scope: ProfileScope, settings: TelegramSettings) -> None:
        self._scope = scope
        self._settings = settings
        self._api = BotApi(scope, settings)

    @property
    def capabilities(self) -> Capabilities:
        """What Telegram can do."""
        return Capabilities(
            text_limit=TEXT_LIMIT,
            text_unit=TextUnit.UTF16,
            render=render_html,
            counts_markup=False,
            edits=True,
            deletes=True,
            threads=True,
            typing=True,
            typing_seconds=TYPING_SECONDS,
            reactions=self._settings.reactions,
            buttons=True,
            media=frozenset(MediaKind),
            caption_limit=CAPTION_LIMIT,
            requires_mention=False,
        )

    @property
    def exclusive_resources(self) -> Sequence[ExclusiveResource]:
        """The token: Telegram serves one poller at a time."""
        return (ExclusiveResource(TOKEN_SCOPE, self._settings.token),)

    async def run(self, context: AdapterContext, *, task_status: trio.TaskStatus[BotIdentity]) -> None:
        """Connect, and receive until cancelled; outages are ridden out.

        Raises:
            CredentialRefused: Telegram does not know the token.
            CredentialConflict: Another program polls with it.
            ConfigError: Telegram does not take the webhook's address.
        """
        bot = await identify(self._scope, self._api, context)
        identity = BotIdentity(str(bot.id), f"@{bot.username}")
        failure: HermesTrioError | None = None
        async with trio.open_nursery() as nursery:
            intake = Intake(self._scope, self._api, context, bot, nursery)
            nursery.start_soon(publish_menu, self._scope, self._api, context, name="telegram menu")
            try:
                await self._receive(context, intake, identity, task_status)
            except HermesTrioError as exc:
                failure = exc  # raised outside, where the nursery does not wrap it
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _receive(
        self,
        context: AdapterContext,
        intake: Intake,
        identity: BotIdentity,
        task_status: trio.TaskStatus[BotIdentity],
    ) -> None:
        webhook = self._settings.webhook
        if webhook is None:
            task_status.started(identity)
            await poll(self._scope, self._api, context, intake)
            return

        def ready() -> None:
            task_status.started(identity)

        await serve_webhook(self._scope, self._api, context, intake, webhook, ready)

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        """Send a text."""
        return await sending.send_text(self._api, target, text, previews=self._settings.link_previews)

    async def edit(self, target: Target, message_id: str, text: OutgoingText) -> None:
        """Replace the text and buttons of a sent message."""
        await sending.edit_text(self._api, target, message_id, text, previews=self._settings.link_previews)

    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a sent message; one that is gone already is fine."""
        await sending.delete_message(self._api, target, message_id)

    async def upload(self, target: Target, media: OutgoingMedia) -> SentMessage:
        """Send a file."""
        return await uploads.send_media(self._scope, self._api, target, media, official=self._settings.official)

    async def show_typing(self, target: Target) -> None:
        """Show that the bot is writing."""
        await sending.show_typing(self._api, target)

    async def react(self, target: Target, message_id: str, reaction: str) -> None:
        """React to a message with an emoji; an empty one takes the reaction back."""
        await sending.set_reaction(self._api, target, message_id, reaction)

    async def fetch(self, attachment: Attachment, path: Path, limit: int) -> None:
        """Fetch a file that came in."""
        await downloads.fetch(self._scope, self._api, attachment, path, limit)
