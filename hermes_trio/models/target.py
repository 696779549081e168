"""Where a model answers, and how to ask it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hermes_trio.models.providers import CHAT_COMPLETIONS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ModelTimeouts:
    """Longest waits, in seconds.

    Attributes:
        connect: Until the connection stands, TLS included.
        first_token: From sending the request to the first text, reasoning or tool call.
        between_tokens: Silence after that.
    """

    connect: float = 10.0
    first_token: float = 120.0
    between_tokens: float = 120.0


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """One model at one provider, ready to be asked.

    Attributes:
        provider: Name of the provider, for people and for the usage statistics.
        model: Model id as the provider knows it.
        base_url: Address of the API without a trailing slash; empty for the builtin model.
        api_key: Key to send; empty sends none.
        api_mode: Wire format.
        headers: Further headers.
        extra_body: Merged into the request's JSON; a value of None takes the key out.
        max_tokens: Most tokens of the answer, or None to leave it to the provider.
        context_length: Tokens the model takes, or None when it is not known.
        timeouts: Longest waits.
        tls_verify: Whether the provider's certificate is checked.
        tls_ca_file: File with the authorities to trust instead of the public ones, or empty.
    """

    provider: str
    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    api_mode: str = CHAT_COMPLETIONS
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    extra_body: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    max_tokens: int | None = None
    context_length: int | None = None
    timeouts: ModelTimeouts = ModelTimeouts()
    tls_verify: bool = True
    tls_ca_file: str = ""

    def __str__(self) -> str:
        host = urlsplit(self.base_url).hostname
        return f"{self.provider} {self.model}" + (f" at {host}" if host else "")
