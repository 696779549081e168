"""The way of a message from an adapter into the inbox of the profile that will answer it.

Gating and authorization are the transport profile's, whose bot it is; the session key, the inbox and the turn are the
runtime profile's. When this is through, the platform may be told that the message has arrived.
"""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.access.authorize import check_access
from hermes_trio.access.groups import Verdict, group_verdict
from hermes_trio.access.identity import is_direct
from hermes_trio.access.stranger import answer_stranger
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.accepted import Accepted, new_row
from hermes_trio.gateway.chat_request import key_of
from hermes_trio.gateway.chat_turn import say_and_close
from hermes_trio.gateway.dispatch_hook import DISPATCH, Skipped, ask_before_dispatch
from hermes_trio.gateway.observed import observe
from hermes_trio.store import inbox
from hermes_trio.turns.commands.parsing import spoken_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.access.decision import Decision
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.gateway.chats import Chats

#: Each failure starts the adapter again.
MOST_FAILURES: Final = 3


class Ingress:
    """Takes messages of one adapter.

    Args:
        chats: The conversations of the transport profile.
        slot: The adapter.

    Attributes:
        dropped: How many messages were not taken, by reason.
    """

    def __init__(self, chats: Chats, slot: AdapterSlot) -> None:
        self.dropped: Counter[str] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._chats = chats
        self._slot = slot
        self._log = chats.scope.log.bind(component=f"platforms.{slot.platform}")

    async def receive(self, messages: Sequence[InboundMessage]) -> None:
        """See `hermes_trio.adapter_api.adapter.AdapterContext.receive`."""
        await self._chats.recovered.wait()
        if self._chats.draining:
            # The platform keeps what we do not take; whoever runs next gets it.
            await trio.sleep_forever()
        for message in messages:
            self._slot.received += 1
            await self._take_or_leave(message)

    async def _take_or_leave(self, message: InboundMessage) -> None:
        """Take a message; one that trips us up time and again is left out, or the platform would deliver no other."""
        try:
            await self._take(message)
        except HermesTrioError:
            raise
        except Exception as error:
            place = (message.source.chat_id or "", message.message_id)
            self._failures[place] += 1
            if self._failures[place] < MOST_FAILURES:
                raise
            text = "".join(traceback.format_exception(error))
            self._log.error(f"a message cannot be taken and is left out: {self._chats.scope.log.redact(text)}")
            self._drop(message, "crashed")
            del self._failures[place]

    async def _take(self, message: InboundMessage) -> None:
        chats, source = self._chats, message.source
        if message.is_edit:
            self._drop(message, "edited")
            return
        verdict = group_verdict(
            self._slot.config.access, message, requires_mention_default=self._slot.capabilities.requires_mention
        )
        if verdict.verdict is Verdict.DROP:
            self._drop(message, verdict.reason)
            return
        decision = await check_access(chats.scope, source)
        if not decision.allowed:
            self._drop(message, decision.reason)
            await self._meet_stranger(message, decision)
        elif verdict.verdict is Verdict.OBSERVE:
            self._drop(message, verdict.reason)
            await observe(chats.scope, message)
        elif chats.agent.workplace.hooks.listens(DISPATCH):
            await self._ask_hooks(message)
        else:
            await self._accept(message)

    async def _ask_hooks(self, message: InboundMessage) -> None:
        """Accept a message as hooks want it to be; one that the platform delivers again they are asked about again."""
        word = await ask_before_dispatch(self._chats.agent.workplace.hooks, message)
        if isinstance(word, Skipped):
            self._log.info(f"a hook left a message alone: {word.reason or 'no reason given'}")
            self._drop(message, "hook")
        else:
            await self._accept(word)

    async def _accept(self, message: InboundMessage) -> None:
        chats, source = self._chats, message.source
        if not message.attachments:
            text = spoken_command(message.text, chats.chat.reset_triggers, direct=is_direct(source))
            message = replace(message, text=text)
        key = key_of(chats.scope, source)
        row_id = await inbox.accept(chats.scope, new_row(message, chats.scope.name, key))
        if row_id is None:
            self._drop(message, "duplicate")
        else:
            chats.lanes.deliver(Accepted(row_id, chats.scope.name, key, message))

    async def _meet_stranger(self, message: InboundMessage, decision: Decision) -> None:
        chats = self._chats
        self._log.info(f"a message was not taken: {decision.text}", reason=decision.reason)
        reply = await answer_stranger(chats.scope, message.source)
        if reply is not None:
            await say_and_close(chats.scope, chats.reply_place(Accepted(0, chats.scope.name, "", message)), reply, ())

    def _drop(self, message: InboundMessage, reason: str) -> None:
        self.dropped[reason] += 1
        self._log.debug("a message was left alone", reason=reason, chat=message.source.chat_id or "")
