"""From a profile's settings to the models it asks: the main one, then its fallbacks. Pure: no network, no files.

The rules are those of Hermes' ``model``, ``providers``, ``custom_providers`` and ``fallback_providers`` settings. Keys
come from the profile's own settings and secrets and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hermes_trio.errors import ModelError
from hermes_trio.models.addresses import host_of, is_local
from hermes_trio.models.context_lengths import find_known_model
from hermes_trio.models.endpoint import Wish, find_endpoint, not_configured
from hermes_trio.models.providers import RESPONSES
from hermes_trio.models.target import ModelTarget, ModelTimeouts

if TYPE_CHECKING:
    from hermes_trio.home.config import ModelRoute, ProfileConfig, ProviderConfig
    from hermes_trio.home.secrets import Secrets
    from hermes_trio.models.endpoint import Endpoint

__all__ = ["BUILTIN", "ModelTarget", "ModelTimeouts", "find_fallbacks", "resolve_targets"]

BUILTIN = "builtin"
ECHO = "echo"
LONGEST_THOUGHT = 600.0
"""Seconds that models of the responses format may think without a word: most do not tell what they think."""

LOCAL_SILENCE = 900.0
"""Seconds a local model may be silent without ``agent.local_stream_stale_timeout``; long prompts take it minutes."""


def resolve_targets(
    config: ProfileConfig, secrets: Secrets, override: ModelRoute | None = None
) -> tuple[ModelTarget, ...]:
    """The models to ask, in order: the main one (or ``override``), then the usable fallbacks.

    Fallbacks that cannot be used are left out; `find_fallbacks` tells them.

    Raises:
        ModelError: ``provider_unknown`` or ``model_not_configured``, about the main model.
    """
    main = _resolve(config, secrets, _main_wish(config, override))
    fallbacks, _problems = find_fallbacks(config, secrets)
    others = (target for target in fallbacks if (target.base_url, target.model) != (main.base_url, main.model))
    return (main, *others)


def find_fallbacks(config: ProfileConfig, secrets: Secrets) -> tuple[tuple[ModelTarget, ...], tuple[ModelError, ...]]:
    """The usable fallbacks in order, and what is wrong with the others."""
    targets: list[ModelTarget] = []
    problems: list[ModelError] = []
    for number, fallback in enumerate(config.fallback_providers):
        wish = Wish(
            setting=f"fallback_providers[{number}]",
            provider=fallback.provider,
            model=fallback.model,
            base_url=fallback.base_url,
            api_key=fallback.api_key,
            key_env=fallback.key_env,
            explicit=True,
        )
        try:
            targets.append(_resolve(config, secrets, wish))
        except ModelError as problem:
            problems.append(problem)
    return tuple(targets), tuple(problems)


def _main_wish(config: ProfileConfig, override: ModelRoute | None) -> Wish:
    """What ``model`` asks for, or the route; one with its own provider or address inherits neither, nor a key."""
    model = config.model
    if override is None:
        return Wish("model", model.provider, model.name, model.base_url, model.api_key, "", model.api_mode)
    setting = override.setting or f"model_routes.{override.alias}"
    if override.provider or override.base_url:
        return Wish(
            setting,
            override.provider or "custom",
            override.model,
            override.base_url,
            override.api_key,
            explicit=True,
            usual_model="" if model.name.lower().startswith(f"{BUILTIN}/") else model.name,
        )
    key = override.api_key or model.api_key
    return Wish(setting, model.provider, override.model or model.name, model.base_url, key, "", model.api_mode)


def _resolve(config: ProfileConfig, secrets: Secrets, wish: Wish) -> ModelTarget:
    name = wish.model.strip()
    if wish.provider.strip().lower() == BUILTIN or name.lower().startswith(f"{BUILTIN}/"):
        return _builtin(config, wish, name)
    if not (name or wish.provider or wish.base_url):
        raise _no_model(wish)
    endpoint = find_endpoint(config, secrets, wish)
    entry = endpoint.entry
    name = name or _default_model(entry) or wish.usual_model
    if not name:
        raise _no_model(wish)
    return ModelTarget(
        provider=endpoint.provider,
        model=name,
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        api_mode=endpoint.api_mode,
        headers=entry.extra_headers if entry else {},
        extra_body=entry.extra_body if entry else {},
        max_tokens=config.model.max_tokens,
        context_length=_context_length(config, entry, endpoint.base_url, name),
        timeouts=_timeouts(config, entry, endpoint),
        tls_verify=entry.ssl_verify if entry else True,
        tls_ca_file=entry.ssl_ca_cert if entry else "",
    )


def _no_model(wish: Wish) -> ModelError:
    mend = (
        "set `model: {default: <model>, provider: <provider>}` in this profile's config.yaml, or `model: builtin/echo`"
    )
    return not_configured("no model is named", wish.setting, mend)


def _builtin(config: ProfileConfig, wish: Wish, name: str) -> ModelTarget:
    model = name.lower().removeprefix(f"{BUILTIN}/") or ECHO
    if model != ECHO:
        raise not_configured(
            f"there is no builtin model '{model}'", wish.setting, "set `model: builtin/echo`, or name a provider"
        )
    return ModelTarget(BUILTIN, ECHO, api_mode=BUILTIN, context_length=config.model.context_length)


def _default_model(entry: ProviderConfig | None) -> str:
    if entry is None:
        return ""
    return entry.default_model or (entry.models[0] if len(entry.models) == 1 else "")


def _context_length(config: ProfileConfig, entry: ProviderConfig | None, base_url: str, model: str) -> int | None:
    """What the settings say, else what is known of the model; local servers decide that for themselves."""
    said = (entry.context_length if entry else None) or config.model.context_length
    if said or is_local(host_of(base_url) or ""):
        return said
    known = find_known_model(model)
    return known.context if known else None


def _timeouts(config: ProfileConfig, entry: ProviderConfig | None, endpoint: Endpoint) -> ModelTimeouts:
    usual = ModelTimeouts()
    if endpoint.api_mode == RESPONSES:
        usual = ModelTimeouts(first_token=LONGEST_THOUGHT, between_tokens=LONGEST_THOUGHT)
    if is_local(host_of(endpoint.base_url) or ""):
        silence = _local_silence(config)
        usual = ModelTimeouts(first_token=silence, between_tokens=silence)
    return ModelTimeouts(
        connect=usual.connect,
        first_token=(entry.request_timeout_seconds if entry else None) or usual.first_token,
        between_tokens=(entry.stale_timeout_seconds if entry else None) or usual.between_tokens,
    )


def _local_silence(config: ProfileConfig) -> float:
    agent = config.raw.get("agent")
    value = agent.get("local_stream_stale_timeout") if isinstance(agent, Mapping) else None
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return float(value) if usable and isinstance(value, (int, float)) else LOCAL_SILENCE
