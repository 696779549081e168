"""Why a message goes where it goes: every route held against it, the decision, and who may write there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.access.authorize import check_access
from hermes_trio.gateway.chat_request import key_of
from hermes_trio.gateway.route_report import AccessView, Explanation, describe_decision
from hermes_trio.gateway.select_profile import SELECT_PROFILE
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from hermes_trio.gateway.router import Routed, Router
    from hermes_trio.routing.decision import RouteDecision
    from hermes_trio.routing.source import MessageSource


async def explain_route(router: Router, transport_profile: str, source: MessageSource) -> Explanation:
    """Explain what would become of a message, by the very functions that decide it when one comes.

    Args:
        router: The routes in force.
        transport_profile: The profile whose bot would receive it.
        source: Where it would come from.
    """
    decision = router.decide(transport_profile, source)
    chats = router.chats_of(transport_profile)
    hooks = None if chats is None else chats.agent.workplace.hooks
    asked = transport_profile == DEFAULT_PROFILE and hooks is not None and hooks.listens(SELECT_PROFILE)
    return await _explain(router, source, decision, hook_decides=asked)


async def explain_routed(router: Router, routed: Routed) -> Explanation:
    """Explain what has become of a message; candidates and access are as they are now."""
    return await _explain(router, routed.source, routed.decision, hook_decides=routed.chosen_by_hook, at=routed.at)


async def _explain(
    router: Router, source: MessageSource, decision: RouteDecision, *, hook_decides: bool, at: float | None = None
) -> Explanation:
    return describe_decision(
        router.routes,
        source,
        decision,
        holds=router.holds,
        access=await _access(router, decision.transport_profile, source),
        session_key=_session_key(router, decision, source),
        hook_decides=hook_decides,
        at=at,
    )


async def _access(router: Router, bot: str, source: MessageSource) -> AccessView:
    runtime = router.runtime_of(bot)
    if runtime is None:
        return AccessView(None, "profile_not_serving", f"profile '{bot}' does not serve, so nobody can say")
    decision = await runtime.call(check_access, source)
    return AccessView(decision.allowed, str(decision.reason), decision.text)


def _session_key(router: Router, decision: RouteDecision, source: MessageSource) -> str:
    name = decision.runtime_profile
    runtime = None if name is None else router.runtime_of(name)
    return "" if runtime is None else key_of(runtime.scope, source)
