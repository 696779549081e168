"""Turns what Telegram refuses, and what the network does, into the errors that the core acts on.

The URLs of the Bot API hold the token, so no text of a foreign error that may hold a URL gets into ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from hermes_trio.adapter_api import (
    AdapterError,
    ChatGone,
    ChatMigrated,
    CredentialConflict,
    CredentialRefused,
    MarkupRefused,
    NotModified,
    RateLimited,
    Refused,
    Unreachable,
)

if TYPE_CHECKING:
    from hermes_trio_adapters.telegram.wire import Answer

USUAL_RETRY_SECONDS: Final = 5.0
SHORTEST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 86_400.0

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_MARKUP: Final = ("can't parse entities", "entities_too_long", "entity_bounds_invalid", "entities too long")
_CHAT_GONE: Final = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "channel_private",
    "chat_write_forbidden",
    "chat_restricted",
    "chat_admin_required",
    "chat_send_plain_forbidden",
    "have no rights to send",
    "not enough rights to send text",  # without those for photos a photo may still go as a document
    "need administrator rights",
    "group chat was deactivated",
    "bot was kicked",
    "bot is not a member",
    "topic_closed",
    "topic_deleted",
    "topic is closed",
)
_THREAD_GONE: Final = ("thread not found", "topic_id_invalid")
_CONFLICT_HINT: Final = (
    "find the other program that polls with this token (another gateway, hermes-agent on another machine, a script) "
    "and stop it, or give this profile a bot of its own; /revoke at @BotFather locks out whoever else has the token"
)


class WebhookActive(CredentialConflict):
    """Updates cannot be polled because a webhook is set; the adapter takes it away itself."""


def failure_of_network(exc: httpx.HTTPError, profile: str, where: str, token: str) -> Unreachable:
    """The error for a request that got no whole answer.

    Args:
        exc: What httpx raised.
        profile: Whose request it was.
        where: The method that was called.
        token: Is taken out, should it be in the text after all.
    """
    text = str(exc).replace(token, "...") or type(exc).__name__
    return Unreachable(
        f"Telegram cannot be reached: {text}",
        profile=profile,
        where=where,
        may_have_arrived=not isinstance(exc, _NEVER_SENT),
    )


def failure_of_answer(answer: Answer, status: int, profile: str, where: str) -> AdapterError:
    """The error for an answer that says no.

    Args:
        answer: The answer.
        status: Its HTTP status, which counts where the answer names none.
        profile: Whose request it was.
        where: The method that was called.
    """
    code = answer.error_code or status
    said = f"Telegram said: {answer.description or f'error {code}'}"
    moved = answer.parameters.migrate_to_chat_id
    if moved is not None:
        return ChatMigrated(said, new_chat_id=str(moved))
    if code == 429:
        asked = answer.parameters.retry_after
        wait = USUAL_RETRY_SECONDS if asked is None else min(max(asked, SHORTEST_RETRY_SECONDS), LONGEST_RETRY_SECONDS)
        return RateLimited(said, profile=profile, where=where, retry_after=wait)
    if code == 401:
        return bad_token(said, profile, where)
    if code == 409:
        kind = WebhookActive if "webhook is active" in answer.description.lower() else CredentialConflict
        return kind(said, profile=profile, where=where, mend=_CONFLICT_HINT)
    if code == 403:
        return ChatGone(said, profile=profile, where=where)
    if code >= 500:
        return Unreachable(said, profile=profile, where=where, may_have_arrived=True)
    return _bad_request(answer.description.lower(), said, profile, where)


def bad_token(said: str, profile: str, where: str) -> CredentialRefused:
    """The error for a token that Telegram does not know."""
    return CredentialRefused(
        said,
        profile=profile,
        where=where,
        mend="put the bot's present token into .env as TELEGRAM_BOT_TOKEN; /token at @BotFather shows it",
    )


def _bad_request(description: str, said: str, profile: str, where: str) -> AdapterError:
    def says(parts: tuple[str, ...]) -> bool:
        return any(part in description for part in parts)

    if "message is not modified" in description:
        return NotModified(said, profile=profile, where=where)
    if says(_MARKUP):
        return MarkupRefused(said, profile=profile, where=where)
    if says(_THREAD_GONE):
        return ChatGone(f"the topic does not exist any more; {said}", profile=profile, where=where)
    if says(_CHAT_GONE):
        return ChatGone(said, profile=profile, where=where)
    return Refused(said, profile=profile, where=where)
