"""Says something of a profile somewhere: through a bot through which it may speak there, and through no other.

For what nobody in a chat has asked for: webhooks, and jobs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.delivery.outbox_worker import SEND_SECONDS, send_in_plain_if_refused
from hermes_trio.delivery.targets import TargetInvalid, parse_target, resolve_target
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.errand import Destination
from hermes_trio.gateway.github_comments import GITHUB_CAPABILITIES, GithubComments, has_github_token
from hermes_trio.gateway.reply import ReplyPlace, answer_rows, compose_at
from hermes_trio.gateway.senders import BotSender
from hermes_trio.gateway.transports import find_transport, may_speak_through
from hermes_trio.home.webhook_config import GITHUB_COMMENT, LOG
from hermes_trio.routing.source import MessageSource
from hermes_trio.store import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.adapter_api.adapter import Adapter
    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.gateway.router import Router
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.scope import ProfileScope

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}")


class DestinationUnavailable(HermesTrioError):
    """Nothing of this profile can be said there: no bot of its own, no home channel, no token."""

    default_code = "destination_unavailable"


async def find_destination(
    scope: ProfileScope, router: Router, senders: Senders, deliver: str, extra: Mapping[str, str]
) -> Destination | None:
    """Find out where something goes.

    Args:
        scope: The profile whose words they are.
        router: The routes.
        senders: The bots of all profiles.
        deliver: ``log``, ``github_comment``, or a target such as ``telegram`` (its home channel) or ``telegram:42``.
        extra: ``chat_id`` and ``thread_id``, or ``repo`` and ``pr_number``, ready for use.

    Returns:
        The place; None for ``log``.

    Raises:
        DestinationUnavailable: The profile can say nothing there.
    """
    kind = deliver.strip().lower()
    if kind == LOG:
        return None
    if kind == GITHUB_COMMENT:
        return _pull_request(scope, extra)
    try:
        named = parse_target(deliver)
        platform = named.platform
        if chat := extra.get("chat_id"):
            target = Target(chat, extra.get("thread_id"))
        else:
            # Where the chat is named, the profile needs no bot of its own: one may speak for it there.
            target = named.chat or (await resolve_target(scope, deliver)).target
            target = replace(target, thread_id=extra.get("thread_id", target.thread_id))
    except TargetInvalid as error:
        raise _unavailable(scope, deliver, error.problem, error.mend) from error
    place = MessageSource(platform, chat_id=target.chat_id, thread_id=target.thread_id)
    transport = find_transport(router, senders, scope, place)
    if transport is None:
        raise _unavailable(scope, platform, "this profile may speak there through no bot")
    return Destination(transport, platform, target.chat_id, target.thread_id)


def _pull_request(scope: ProfileScope, extra: Mapping[str, str]) -> Destination:
    repository, number = extra.get("repo", ""), extra.get("pr_number", "")
    if not _REPOSITORY.fullmatch(repository) or not _NUMBER.fullmatch(number):
        problem = f"deliver_extra names no pull request: {repository[:80]!r}, {number[:20]!r}"
        raise _unavailable(scope, GITHUB_COMMENT, problem, "set repo and pr_number, e.g. {repository.full_name}")
    if not has_github_token(scope):
        raise _unavailable(scope, GITHUB_COMMENT, "this profile has no GH_TOKEN", f"set GH_TOKEN in {scope.home.env}")
    return Destination(scope.name, GITHUB_COMMENT, repository, number)


def destination_now(
    scope: ProfileScope, router: Router, senders: Senders, destination: Destination
) -> Destination | None:
    """Where something goes that was accepted for a destination: its bot, while that may speak for the profile there.

    The routes may have changed since. Then another bot says it that may, or nobody does.

    Args:
        scope: The profile whose words they are.
        router: The routes.
        senders: The bots of all profiles.
        destination: What `find_destination` has found, perhaps in another process.
    """
    place = MessageSource(destination.platform, chat_id=destination.chat_id, thread_id=destination.thread_id)
    bot = destination.transport_profile
    if destination.platform == GITHUB_COMMENT or may_speak_through(router, bot, scope, place):
        return destination
    transport = find_transport(router, senders, scope, place)
    return None if transport is None else msgspec.structs.replace(destination, transport_profile=transport)


def capabilities_at(senders: Senders, destination: Destination) -> Capabilities:
    """What can be said there."""
    if destination.platform == GITHUB_COMMENT:
        return GITHUB_CAPABILITIES
    return senders.capabilities(destination.transport_profile, destination.platform)


def place_at(senders: Senders, destination: Destination, session_key: str, key: str) -> ReplyPlace:
    """A destination as a place for answers.

    Args:
        senders: The bots of all profiles.
        destination: Where.
        session_key: The conversation that it belongs to, or empty.
        key: Tells what is said from everything else that is ever said there.
    """
    return ReplyPlace(
        transport_profile=destination.transport_profile,
        platform=destination.platform,
        chat_id=destination.chat_id,
        thread_id=destination.thread_id,
        session_key=session_key,
        key=key,
        reply_to=None,
        reply_to_mode="off",
        inbox_id=None,
        capabilities=capabilities_at(senders, destination),
        # A pull request is no place for excuses.
        says="answers" if destination.platform == GITHUB_COMMENT else "all",
        verbatim=destination.platform == GITHUB_COMMENT,
    )


async def say_later(scope: ProfileScope, senders: Senders, destination: Destination, text: str, key: str) -> None:
    """Commit a text to the profile's outbox; it is said as soon as its bot can, also after a crash.

    Args:
        scope: The profile whose words they are; its files may be sent with them.
        senders: The bots of all profiles.
        destination: Where.
        text: Markdown, with tags for files.
        key: Tells it from all other texts; a second try has the same and is said once.

    Raises:
        StoreError: Nothing was stored.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    await outbox.enqueue(scope, await answer_rows(scope, place_at(senders, destination, "", key), text))


async def say_now(scope: ProfileScope, senders: Senders, destination: Destination, text: str, key: str) -> None:
    """Say a text at once and once: what fails is not tried again here.

    Args:
        scope: The profile whose words they are.
        senders: The bots of all profiles.
        destination: Where.
        text: Markdown.
        key: Tells it from all other texts, for platforms that drop what they have already.

    Raises:
        AdapterError: It was not said, or not all of it, or (``may_have_arrived``) nobody knows.
    """
    transport = destination.transport_profile, destination.platform
    bot = BotSender(DestinationSenders(scope, senders), *transport, scope.log.bind(component="delivery"))
    texts = await compose_at(scope, place_at(senders, destination, "", key), text)
    target = Target(destination.chat_id, destination.thread_id)
    with trio.move_on_after(SEND_SECONDS):
        for number, one in enumerate(texts, start=1):
            await send_in_plain_if_refused(bot, target, replace(one, idempotency_key=f"{key}:{number}"))
            senders.note_sent(*transport)
        return
    raise AdapterError(f"took more than {SEND_SECONDS:g} s", code="platform_timeout", may_have_arrived=True)


class DestinationSenders:
    """The bots of all profiles, and for one profile the comments on GitHub, which its outbox sends likewise.

    See `hermes_trio.delivery.outbox_worker.Senders`.
    """

    def __init__(self, scope: ProfileScope, senders: Senders) -> None:
        self._profile = scope.name
        self._github = GithubComments(scope)
        self._senders = senders

    def find(self, transport_profile: str, platform: str) -> Adapter | None:
        """The adapter while it can send, else None."""
        if (transport_profile, platform) == (self._profile, GITHUB_COMMENT):
            return self._github
        return self._senders.find(transport_profile, platform)

    async def changed(self) -> None:
        """Wait until an adapter has connected or gone away."""
        await self._senders.changed()

    def note_sent(self, transport_profile: str, platform: str) -> None:
        """A message has gone out."""
        self._senders.note_sent(transport_profile, platform)


def _unavailable(scope: ProfileScope, where: str, problem: str, mend: str | None = None) -> DestinationUnavailable:
    return DestinationUnavailable(problem, profile=scope.name, where=where, mend=mend)
