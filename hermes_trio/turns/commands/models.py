"""Commands for the model: which one, how hard it thinks, what it has used."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ConfigError
from hermes_trio.models.effort import BUDGETS
from hermes_trio.models.events import Usage
from hermes_trio.models.prices import cost_usd
from hermes_trio.models.providers import KNOWN_PROVIDERS
from hermes_trio.models.resolve import find_fallbacks, resolve_targets
from hermes_trio.models.target import ModelTarget
from hermes_trio.settings_edit import update_config
from hermes_trio.store.chat_entries import set_model_override, update_entry
from hermes_trio.store.routing_index import lookup
from hermes_trio.store.session_list import session_totals
from hermes_trio.turns.budget import own_prices
from hermes_trio.turns.commands.chat_model import ONCE, chat_route, context_line, model_name, route_of
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.settings_reply import AFTER_RESTART, admins_only
from hermes_trio.turns.commands.wording import code, count, dollars, lines, shorten, size

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.session_list import ModelTotals

_GLOBAL: Final = "--global"
_ONCE: Final = "--once"
_PROVIDER: Final = "--provider"
_FLAGS: Final = frozenset({_GLOBAL, _ONCE, "--session", "--refresh"})
_BACK: Final = frozenset({"default", "reset", "auto"})
_NOT_SHOWN_YET: Final = "Chats do not show it yet."
_STRONGEST: Final = "max"
_OF_ONE_PROVIDER: Final = ("base_url", "api_base", "api_key", "api_mode")


@dataclass(frozen=True, slots=True)
class ModelWish:
    """What was written behind ``/model``.

    Attributes:
        model: The model, or empty.
        provider: The provider, or empty.
        flags: What begins with two hyphens.
    """

    model: str
    provider: str
    flags: frozenset[str]


def parse_model_wish(arguments: str, providers: Container[str] = ()) -> ModelWish:
    """Read ``[name] [--provider P] [--global|--session|--once]``; ``provider:name`` where the provider is known.

    Args:
        arguments: What was written.
        providers: Names of providers, in lower case.
    """
    words = arguments.split()
    provider = ""
    if _PROVIDER in words:
        at = words.index(_PROVIDER)
        provider = words[at + 1] if at + 1 < len(words) else ""
        del words[at : at + 2]
    flags = frozenset(word for word in words if word.startswith("--"))
    model = " ".join(word for word in words if not word.startswith("--"))
    first, colon, rest = model.partition(":")
    if not provider and colon and rest and first.lower() in providers:
        return ModelWish(rest, first.lower(), flags)
    return ModelWish(model, provider, flags)


async def run_model(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show the model, or switch to another one: for the session, for one message, or for the profile."""
    wish = parse_model_wish(call.arguments, _provider_names(scope))
    unknown = sorted(wish.flags - _FLAGS)
    if unknown:
        return CommandReply(f"I do not know {code(unknown[0])}. {_USAGE}")
    if not wish.model and not wish.provider:
        return await _show_model(scope, call)
    key = call.conversation.session_key
    if wish.model.lower() in _BACK and not wish.provider:
        await update_entry(scope, key, **{ONCE: None})
        await set_model_override(scope, key, None)
        usual = model_name(scope, chat_route(call, await lookup(scope, key)))
        return CommandReply(f"🤖 Back to the usual model, {usual}.")
    if _GLOBAL in wish.flags and not call.conversation.is_admin:
        return CommandReply(admins_only(code(_GLOBAL)))
    override = {name: value for name, value in (("model", wish.model), ("provider", wish.provider)) if value}
    target = resolve_targets(scope.config, scope.secrets, route_of(override))[0]
    await call.conversation.session_id()  # the entry that keeps the choice
    name = f"{code(target.model)} ({target.provider})"
    if _ONCE in wish.flags:
        await update_entry(scope, key, **{ONCE: override})
        return CommandReply(f"🤖 The next message is answered by {name}.")
    if _GLOBAL in wish.flags:
        await _write_model(scope, wish, target)
        await update_entry(scope, key, **{ONCE: None})
        await set_model_override(scope, key, override)
        return CommandReply(f"🤖 {name} is the profile's model now: here at once, elsewhere {_ELSEWHERE}")
    await update_entry(scope, key, **{ONCE: None})
    await set_model_override(scope, key, override)
    return CommandReply(f"🤖 This conversation goes on with {name}. `/model default` undoes it.")


_USAGE: Final = "Use `/model [name] [--provider name] [--session|--once|--global]`."
_ELSEWHERE: Final = "from the profile's next start on. `/restart` does that now."


async def _show_model(scope: ProfileScope, call: CommandCall) -> CommandReply:
    entry = await lookup(scope, call.conversation.session_key)
    route = chat_route(call, entry)
    fallbacks, _ = find_fallbacks(scope.config, scope.secrets)
    named = ", ".join(f"{code(one.model)} ({one.provider})" for one in fallbacks)
    own = ", ".join(code(one.name) for one in scope.config.providers)
    return CommandReply(
        lines(
            f"Model here: {model_name(scope, route)}",
            f"The profile's own: {model_name(scope, None)}" if route is not None else None,
            f"If it fails: {named}" if named else None,
            f"Own providers: {own}" if own else None,
            _USAGE,
        )
    )


def _provider_names(scope: ProfileScope) -> set[str]:
    own = {one.name.lower() for one in scope.config.providers}
    return own | {one.name for one in KNOWN_PROVIDERS}


async def _write_model(scope: ProfileScope, wish: ModelWish, target: ModelTarget) -> None:
    """Write the profile's model into its settings.

    Raises:
        ConfigError: It cannot be written, or address and key of another provider stand beside it: a key is not thrown
            away on the side.
    """
    written = scope.config.raw.get("model")
    if not isinstance(written, Mapping):
        mapping = {"default": target.model, "provider": wish.provider}
        await update_config(scope, "model", mapping if wish.provider else target.model)
        return
    if wish.provider:
        others = [f"model.{name}" for name in _OF_ONE_PROVIDER if written.get(name)]
        if others:
            raise ConfigError(
                f"config.yaml also has {', '.join(others)}, which belongs to the provider until now",
                mend="change the provider there by hand, or switch with `/model` for this conversation only",
            )
        await update_config(scope, "model.provider", wish.provider)
    await update_config(scope, "model.default", target.model)


async def run_reasoning(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show or set how hard the model thinks, and whether that is shown."""
    words = call.arguments.lower().split()
    everywhere = _GLOBAL in words
    wanted = next((word for word in words if word != _GLOBAL), "")
    if (everywhere or wanted in ("show", "hide")) and not call.conversation.is_admin:
        return CommandReply(admins_only("What counts for the whole profile"))
    if wanted in ("show", "hide"):
        await update_config(scope, "display.show_reasoning", wanted == "show")
        state = "shown" if wanted == "show" else "hidden"
        return CommandReply(f"🧠 The settings say now that thinking is to be {state}. {_NOT_SHOWN_YET}")
    effort = {"ultra": _STRONGEST, "reset": ""}.get(wanted, wanted)
    if not wanted:
        return await _show_reasoning(scope, call)
    if effort and effort not in BUDGETS:
        return CommandReply(f"I do not know {code(shorten(wanted, 40))}. Use one of {', '.join(BUDGETS)}, reset.")
    if everywhere:
        await update_config(scope, "agent.reasoning_effort", effort)
        return CommandReply(f"🧠 Effort of the whole profile: **{effort or 'as the model likes'}**. {AFTER_RESTART}")
    await call.conversation.session_id()  # the entry that keeps the choice
    await update_entry(scope, call.conversation.session_key, reasoning_effort=effort or None)
    return CommandReply(f"🧠 Effort in this conversation: **{effort or _profile_effort(scope)}**.")


async def _show_reasoning(scope: ProfileScope, call: CommandCall) -> CommandReply:
    entry = await lookup(scope, call.conversation.session_key)
    here = str(entry.more.get("reasoning_effort") or "") if entry is not None else ""
    shown = scope.config.chat.display_on(call.message.source.platform).show_reasoning
    return CommandReply(
        lines(
            f"Effort here: **{here or _profile_effort(scope)}**",
            f"Thinking is to be {'shown' if shown else 'hidden'}. {_NOT_SHOWN_YET}",
            f"Use `/reasoning {'|'.join(BUDGETS)}|reset|show|hide [--global]`.",
        )
    )


def _profile_effort(scope: ProfileScope) -> str:
    return scope.config.agent.reasoning_effort or "as the model likes"


async def run_usage(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Tell what the session has used, and what the profile may still spend."""
    session_id = await call.conversation.session_id()
    entry = await lookup(scope, call.conversation.session_key)
    totals = await session_totals(scope, session_id)
    parts = ["**Usage of this conversation**"]
    if totals is None or not totals.models:
        parts.append("No model has been asked yet.")
    else:
        parts += [_model_usage(scope, one) for one in totals.models]
        known = [cost for one in totals.models if (cost := _cost(scope, one)) is not None]
        parts.append(f"Cost: about {dollars(sum(known))}" if known else "Cost: not known")
    parts.append(f"Context: {context_line(scope, entry, chat_route(call, entry))}")
    return CommandReply("\n".join([*parts, *_budget(scope, call)]))


def _model_usage(scope: ProfileScope, one: ModelTotals) -> str:
    cached = f" ({size(one.cache_read_tokens)} from cache)" if one.cache_read_tokens else ""
    thought = f" ({size(one.reasoning_tokens)} thinking)" if one.reasoning_tokens else ""
    cost = _cost(scope, one)
    price = f", {dollars(cost)}" if cost is not None else ""
    return (
        f"{code(one.model)}: {count(one.api_calls, 'call')}, {size(one.input_tokens)} tokens in{cached}, "
        f"{size(one.output_tokens)} out{thought}{price}"
    )


def _cost(scope: ProfileScope, one: ModelTotals) -> float | None:
    """What the store knows, else what the tokens cost by the price list."""
    if one.cost_usd:
        return one.cost_usd
    usage = Usage(
        input_tokens=one.input_tokens,
        output_tokens=one.output_tokens,
        cache_read_tokens=one.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens,
        reasoning_tokens=one.reasoning_tokens,
    )
    return cost_usd(ModelTarget(one.provider, one.model, base_url=one.base_url), usage, own_prices(scope))


def _budget(scope: ProfileScope, call: CommandCall) -> list[str]:
    """What the profile has spent of its budget, if it has one; who is no admin need not know."""
    config, spent = scope.config.budget, call.agent.budget.spending
    if config is None or not call.conversation.is_admin:
        return []
    found = []
    if config.usd is not None:
        found.append(f"{dollars(spent.usd)} of {dollars(config.usd)}")
    if config.tokens is not None:
        found.append(f"{size(spent.tokens)} of {size(config.tokens)} tokens")
    if config.turns is not None:
        found.append(f"{spent.turns:,} of {count(config.turns, 'turn')}")
    return [f"Budget of the profile: {', '.join(found)}"] if found else []


COMMANDS: Final = (
    Command("model", "Show or switch the model", run_model, usage="[name] [--once|--global]"),
    Command("reasoning", "Show or set how hard I think", run_reasoning, usage="[effort|reset|show|hide] [--global]"),
    Command("usage", "Show tokens, cost and context of this conversation", run_usage, while_busy=True),
)
