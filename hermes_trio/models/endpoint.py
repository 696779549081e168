"""Finds the provider that a setting means: its address, its wire format and the key it may get. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from hermes_trio.errors import ModelError
from hermes_trio.models.addresses import detect_api_mode, host_of, is_local, key_variables, known_by_host
from hermes_trio.models.providers import (
    CHAT_COMPLETIONS,
    KNOWN_PROVIDERS,
    OPENROUTER,
    PLAIN_ADDRESS,
    USUAL_ADDRESSES,
    WIRE_FORMATS,
    KnownProvider,
    find_known,
)

if TYPE_CHECKING:
    from hermes_trio.home.config import ProfileConfig, ProviderConfig
    from hermes_trio.home.secrets import Secrets

NO_KEY = "no-key-required"
"""Sent to servers that want a key but do not check it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which model one place in the settings asks for; an empty string leaves it open.

    Attributes:
        setting: That place, for errors.
        explicit: Whether ``base_url`` and ``api_key`` stand next to this very wish, so that they beat the addresses in
            ``.env`` and the key of the provider's own entry.
        usual_model: The model where neither the wish nor the provider's entry names one.
    """

    setting: str
    provider: str = ""
    model: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    key_env: str = ""
    api_mode: str = ""
    explicit: bool = False
    usual_model: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go; see `ModelTarget`. ``entry`` is the user's own description of the provider, if any."""

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    api_mode: str
    entry: ProviderConfig | None = None


def not_configured(problem: str, setting: str, mend: str, found: str | None = None) -> ModelError:
    """The error for settings that lead to no model."""
    return ModelError(problem, code="model_not_configured", where=f"config.yaml {setting}", found=found, mend=mend)


def find_endpoint(config: ProfileConfig, secrets: Secrets, wish: Wish) -> Endpoint:
    """Find the provider of a wish.

    Raises:
        ModelError: ``provider_unknown``, or ``model_not_configured`` for one that cannot be used as it is described.
    """
    name = (wish.provider or secrets.get("HERMES_INFERENCE_PROVIDER") or "auto").strip().lower()
    entry = _find_entry(config, name)
    known = find_known(name)
    if entry is None and known is None and name not in PLAIN_ADDRESS:
        raise _unknown_provider(config, name, wish)
    if entry is not None and not entry.enabled:
        mend = f"set providers.{entry.key}.enabled: true"
        raise not_configured(f"the provider '{entry.key}' is switched off", wish.setting, mend)
    base_url = _find_address(secrets, wish, name, entry, known)
    host = host_of(base_url)
    if not host:
        problem = f"the address of the provider '{name}' is not usable"
        mend = "set base_url to the address of its API, such as http://127.0.0.1:11434/v1"
        raise not_configured(problem, wish.setting, mend, found=repr(base_url))
    api_mode = _api_mode(wish, entry, known, base_url)
    key = _find_key(secrets, wish, entry, known, host)
    return Endpoint(_public_name(name, entry, host), base_url, key, api_mode, entry)


def _find_address(
    secrets: Secrets, wish: Wish, name: str, entry: ProviderConfig | None, known: KnownProvider | None
) -> str:
    if entry is None and (known is None or known is OPENROUTER):
        address = _plain_address(secrets, wish, name)
    else:
        address = (entry.base_url if entry else "") or wish.base_url or _known_address(secrets, known)
    return address.strip().rstrip("/")


def _find_entry(config: ProfileConfig, name: str) -> ProviderConfig | None:
    """The user's own provider of this name; ``custom:`` looks into ``custom_providers`` first."""
    prefix, colon, rest = name.partition(":")
    wanted = _slug(rest if colon and prefix == "custom" else name)
    matching = [entry for entry in config.providers if wanted in (_slug(entry.key), _slug(entry.name))]
    matching.sort(key=lambda entry: (entry.origin == "custom_providers") != bool(colon))
    return matching[0] if matching else None


def _slug(name: str) -> str:
    return "-".join(name.lower().split())


def _plain_address(secrets: Secrets, wish: Wish, name: str) -> str:
    """The address where none belongs to the name, in the order of Hermes; the last resort is OpenRouter."""
    own = wish.base_url if wish.explicit or name != OPENROUTER.name else ""
    first, second = (own, secrets.get("CUSTOM_BASE_URL")) if wish.explicit else (secrets.get("CUSTOM_BASE_URL"), own)
    if found := first or second:
        return found
    if name not in ("auto", OPENROUTER.name):
        usual = dict(USUAL_ADDRESSES).get(name, USUAL_ADDRESSES[0][1])
        mend = f"set model.base_url in this profile's config.yaml, for example {usual}"
        raise not_configured(f"the provider '{name}' needs an address", wish.setting, mend)
    return _known_address(secrets, OPENROUTER)


def _known_address(secrets: Secrets, known: KnownProvider | None) -> str:
    if known is None:
        return ""
    return (secrets.get(known.url_variable) if known.url_variable else None) or known.base_url


def _api_mode(wish: Wish, entry: ProviderConfig | None, known: KnownProvider | None, base_url: str) -> str:
    """The wire format: what the settings say, else what the address tells, else what the provider is known for.

    Raises:
        ModelError: ``model_not_configured``: it is one that is not available.
    """
    said = wish.api_mode or (entry.api_mode if entry else "")
    if said and said not in WIRE_FORMATS:
        mend = f"use one of {', '.join(WIRE_FORMATS)}, or take the setting out"
        raise not_configured(f"the wire format (api_mode) '{said}' is not available", wish.setting, mend)
    return said or detect_api_mode(base_url) or (known.api_mode if known else CHAT_COMPLETIONS)


def _find_key(
    secrets: Secrets, wish: Wish, entry: ProviderConfig | None, known: KnownProvider | None, host: str
) -> str:
    """The key to send: literal ones first, then the named variable, then the variables that belong to the host.

    Raises:
        ModelError: ``model_not_configured``: a provider in the internet that wants a key has none.
    """
    literal = (wish.api_key if wish.explicit else "") or (entry.api_key if entry else "") or wish.api_key
    if literal.strip():
        return literal.strip()
    if known is not None and known.instead and entry is None:
        raise not_configured(f"signing in to '{known.name}' is not available", wish.setting, known.instead)
    named = [variable for variable in ((entry.key_env if entry else ""), wish.key_env) if variable]
    own = known.key_variables if known and not _vendor_bound(known) else ()
    by_host = key_variables(host)
    for variable in (*named, *by_host, *own):
        if value := (secrets.get(variable) or "").strip():
            return value
    missing = named or by_host if known or known_by_host(host) else named
    if missing and not is_local(host):
        mend = f"add {missing[0]}=... to this profile's .env"
        raise not_configured(f"there is no key for {host}", wish.setting, mend, found=f"no {' or '.join(missing)}")
    return NO_KEY


def _vendor_bound(known: KnownProvider) -> bool:
    """Whether this vendor's key goes to its own hosts only, whatever address the settings give the provider."""
    return known.name in ("openai", "openrouter")


def _public_name(name: str, entry: ProviderConfig | None, host: str) -> str:
    """The name for people: the user's own, the well-known one, or ``custom`` for an address of nobody known."""
    if entry is not None:
        return f"custom:{entry.key}" if entry.origin == "custom_providers" else entry.key
    if name in PLAIN_ADDRESS:
        known = known_by_host(host)
        return known.name if known else "custom"
    return name


def _unknown_provider(config: ProfileConfig, name: str, wish: Wish) -> ModelError:
    own = [f"custom:{entry.key}" if entry.origin == "custom_providers" else entry.key for entry in config.providers]
    names = ["builtin", *own, *(known.name for known in KNOWN_PROVIDERS), *PLAIN_ADDRESS]
    close = get_close_matches(name, names, n=1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    return ModelError(
        f"there is no provider '{name}'",
        code="provider_unknown",
        where=f"config.yaml {wish.setting}",
        mend=f"{guess}Known are {', '.join(names)}; add others under 'providers'",
    )
