"""Decodes what the settings say about models and providers, in all the forms Hermes has accepted over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hermes_trio.home.config import FallbackConfig, ModelConfig, ProviderConfig

if TYPE_CHECKING:
    from hermes_trio.home.section import Section
    from hermes_trio.home.variables import Variables


def decode_model(top: Section, variables: Variables) -> ModelConfig:
    """Decode ``model``, a model id or a mapping; ``provider``, ``base_url`` and ``context_length`` may stand beside it.

    Args:
        top: The whole settings.
        variables: ``HERMES_INFERENCE_PROVIDER`` is the provider when the settings name none.
    """
    if not isinstance(top.values.get("model"), Mapping):
        return ModelConfig(
            name=top.text("model").strip(),
            provider=_provider(top, variables),
            base_url=top.text("base_url").strip(),
            context_length=top.optional_integer("context_length", minimum=0) or None,
        )
    model = top.section("model")
    return ModelConfig(
        name=model.text("default", "model", "name").strip(),
        provider=model.text("provider").strip() or _provider(top, variables),
        base_url=model.text("base_url", "api_base").strip() or top.text("base_url").strip(),
        api_key=model.text("api_key").strip(),
        api_mode=model.text("api_mode").strip(),
        context_length=(
            model.optional_integer("context_length", minimum=0)
            or top.optional_integer("context_length", minimum=0)
            or None
        ),
        max_tokens=model.optional_integer("max_tokens", minimum=0) or None,
    )


def _provider(top: Section, variables: Variables) -> str:
    return top.text("provider").strip() or variables.text("HERMES_INFERENCE_PROVIDER", "model.provider")


def decode_providers(top: Section) -> tuple[ProviderConfig, ...]:
    """Decode the ``providers`` mapping and the ``custom_providers`` list; what has no name there is left out."""
    found = [_decode_provider(key, entry, "providers") for key, entry in top.entries("providers")]
    for entry in top.items("custom_providers"):
        name = entry.text("name").strip()
        if name:
            found.append(_decode_provider(name, entry, "custom_providers"))
        else:
            entry.note("value_ignored", "name", "a custom provider without a name cannot be chosen; it is left out")
    return tuple(found)


def _decode_provider(key: str, entry: Section, origin: str) -> ProviderConfig:
    return ProviderConfig(
        key=key,
        name=entry.text("name").strip() or key,
        origin=origin,
        base_url=entry.text("base_url", "url", "api").strip(),
        api_key=entry.text("api_key").strip(),
        key_env=entry.text("key_env", "api_key_env").strip(),
        api_mode=entry.text("api_mode", "transport").strip(),
        default_model=entry.text("default_model", "model").strip(),
        models=entry.names("models"),
        extra_headers=entry.text_mapping("extra_headers"),
        extra_body=entry.mapping("extra_body"),
        request_timeout_seconds=entry.optional_number("request_timeout_seconds", minimum=0) or None,
        stale_timeout_seconds=entry.optional_number("stale_timeout_seconds", minimum=0) or None,
        context_length=entry.optional_integer("context_length", minimum=0) or None,
        ssl_verify=entry.boolean("ssl_verify", default=True),
        ssl_ca_cert=entry.text("ssl_ca_cert").strip(),
        enabled=entry.boolean("enabled", default=True),
    )


def decode_fallbacks(top: Section) -> tuple[FallbackConfig, ...]:
    """Decode ``fallback_providers`` and the older ``fallback_model``; one without provider or model is left out."""
    found: list[FallbackConfig] = []
    for entry in (*top.items("fallback_providers"), *top.items("fallback_model")):
        fallback = FallbackConfig(
            provider=entry.text("provider").strip(),
            model=entry.text("model").strip(),
            base_url=entry.text("base_url").strip(),
            api_key=entry.text("api_key").strip(),
            key_env=entry.text("key_env").strip(),
        )
        if fallback.provider and fallback.model:
            found.append(fallback)
        else:
            entry.note("value_ignored", "provider", "a fallback needs both provider and model; this one is left out")
    return tuple(found)
