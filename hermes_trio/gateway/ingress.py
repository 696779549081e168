"""The way of a message from an adapter into the inbox of the profile that will answer it.

Gating and authorization are the transport profile's, whose bot it is; the session key, the inbox and the turn are the
runtime profile's. When this is through, the platform may be told that the message has arrived.
"""

from __future__ import annotations

import traceback
from collections import Counter
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.access.authorize import check_access
from hermes_trio.access.groups import Verdict, group_verdict
from hermes_trio.access.stranger import answer_stranger
from hermes_trio.errors import HermesTrioError, ProfileUnavailable, ScopeClosed, StoreError
from hermes_trio.gateway.accepted import Accepted
from hermes_trio.gateway.chat_turn import say_and_close
from hermes_trio.gateway.dispatch_hook import DISPATCH, Skipped, ask_before_dispatch
from hermes_trio.gateway.handover import HAND_OVER_SECONDS, SLOW, accept_into, hand_over
from hermes_trio.gateway.observed import observe
from hermes_trio.gateway.router import Routed
from hermes_trio.gateway.select_profile import SELECT_PROFILE, Selection, select_profile
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.routing.decision import RouteDecision

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
            await self._observe(message)
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

    async def _observe(self, message: InboundMessage) -> None:
        """Keep a message as context of the profile that answers in its place; of one that is not there it is lost."""
        own, router = self._chats.scope.name, self._chats.router
        profile = router.decide(own, message.source).runtime_profile
        if profile == own:
            await observe(self._chats.scope, own, message)
        elif profile is not None:
            try:
                with trio.move_on_after(HAND_OVER_SECONDS):
                    await router.profiles[profile].require_runtime().call(observe, own, message)
            except (ProfileUnavailable, ScopeClosed, StoreError) as error:
                self._log.warning(f"what was said is not kept as context of profile {profile}: {error}")

    async def _accept(self, message: InboundMessage) -> None:
        """Commit a message to the inbox of the profile that answers it, or to what waits for that profile."""
        own, router = self._chats.scope.name, self._chats.router
        selection = await self._select(message)
        if selection.refusal is not None:
            decision = RouteDecision(own, None, reason=selection.refusal)
        else:
            decision = router.decide(own, message.source, chosen=selection.profile)
        self._note(message, decision, selection)
        if decision.runtime_profile == own:
            if not await accept_into(self._chats, own, message):
                self._drop(message, "duplicate")
        elif selection.refusal is not None:
            self._drop_routed(message, selection.refusal, selection.detail)
        else:
            await self._hand_over(message, decision, is_chosen=selection.profile is not None)

    async def _select(self, message: InboundMessage) -> Selection:
        """What the operator's hook says, which is asked for the default profile's bots, as the routes are."""
        hooks, own = self._chats.agent.workplace.hooks, self._chats.scope.name
        if own != DEFAULT_PROFILE or not hooks.listens(SELECT_PROFILE):
            return Selection()
        return await select_profile(hooks, message, own)

    async def _hand_over(self, message: InboundMessage, decision: RouteDecision, *, is_chosen: bool) -> None:
        """Give a message to another profile; one that fails at it harms no other message of this bot."""
        chats, profile, reason = self._chats, decision.runtime_profile, decision.reason
        if profile is not None and not chats.held.waits_for(profile):
            reason = await self._try_to_hand_over(message, profile)
            if reason is None:
                return
        if profile is None and not decision.is_transient and not chats.router.holds:
            self._drop_routed(message, reason or "", f"its route leads to profile {decision.target}")
            return
        refusal = await chats.held.hold(message, decision.target, reason or "behind_others", is_chosen=is_chosen)
        if refusal == "duplicate":
            self._drop(message, refusal)
        elif refusal is not None:
            self._drop_routed(message, refusal, "too many messages wait for other profiles")

    async def _try_to_hand_over(self, message: InboundMessage, profile: str) -> str | None:
        """Give a message to a profile that serves; why it could not take it, or None when it has."""
        chats = self._chats
        try:
            if not await hand_over(chats.router, profile, chats.scope.name, message):
                self._drop(message, "duplicate")
        except (ProfileUnavailable, ScopeClosed, StoreError) as error:
            chats.scope.check_open()
            self._log.warning(f"profile {profile} could not take a message: {error}")
            if isinstance(error, StoreError):
                return "route_target_failed"
            return "route_target_slow" if error.code == SLOW else "route_target_draining"
        return None

    def _note(self, message: InboundMessage, decision: RouteDecision, selection: Selection) -> None:
        """Remember how a message was routed, and log what is not the usual."""
        now = self._chats.scope.clock.now()
        chosen = selection.profile is not None or selection.refusal is not None
        routed = Routed(message.message_id, message.source, decision, chosen_by_hook=chosen, at=now)
        self._chats.router.recent.append(routed)
        if decision.runtime_profile not in (None, self._chats.scope.name):
            route = decision.route.name or decision.route.origin if decision.route is not None else "a hook"
            self._log.info(
                f"routed message: to profile {decision.runtime_profile} by {route}", message_id=message.message_id
            )

    def _drop_routed(self, message: InboundMessage, reason: str, detail: str) -> None:
        self.dropped[reason] += 1
        self._log.warning(f"a message is dropped: {detail}", reason=reason, message_id=message.message_id)

    async def _meet_stranger(self, message: InboundMessage, decision: Decision) -> None:
        chats = self._chats
        self._log.info(f"a message was not taken: {decision.text}", reason=decision.reason)
        reply = await answer_stranger(chats.scope, message.source)
        if reply is not None:
            await say_and_close(chats.scope, chats.reply_place(Accepted(0, chats.scope.name, "", message)), reply, ())

    def _drop(self, message: InboundMessage, reason: str) -> None:
        self.dropped[reason] += 1
        self._log.debug("a message was left alone", reason=reason, chat=message.source.chat_id or "")
