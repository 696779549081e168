"""What well-known models cost, as data: list prices in US dollars, as their vendors published them in September 2026.

Prices change; the settings can replace each of them. A model that is not listed has no known price, which is not the
same as being free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.models.addresses import host_of, is_local
from hermes_trio.models.names import plain_model_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.models.events import Usage
    from hermes_trio.models.target import ModelTarget

PRICES_DATE: Final = "2026-09"
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens.

    Attributes:
        input: Of the prompt, as far as no cache is involved.
        output: Of the answer, reasoning included.
        cache_read: Of the prompt, read from the cache; None for the price of other input.
        cache_write: Of the prompt, written to the cache; None for the price of other input.
        long_from: Prompts longer than this, in tokens, cost more altogether; None for no such step.
        long_input: By how much the three input prices are multiplied then.
        long_output: By how much the output price is multiplied then.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    long_from: int | None = None
    long_input: float = 2.0
    long_output: float = 1.5

    def cost(self, usage: Usage) -> float:
        """Dollars for the tokens of one answer."""
        is_long = self.long_from is not None and usage.input_tokens > self.long_from
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        plain = max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens)
        prompt = plain * self.input + usage.cache_read_tokens * read + usage.cache_write_tokens * write
        answer = usage.output_tokens * self.output
        if is_long:
            prompt, answer = prompt * self.long_input, answer * self.long_output
        return (prompt + answer) / MILLION


FREE: Final = Price(0.0, 0.0)


def _claude(price: float, long_from: int | None = None, read: float = 0.1) -> Price:
    """Anthropic's prices stand in fixed relations: answers cost five times as much, writing to the cache 1.25 times."""
    return Price(price, price * 5, price * read, price * 1.25, long_from)


def _gpt(price: float, output: float, cached: float = 0.1, long_from: int | None = None) -> Price:
    return Price(price, output, price * cached, None, long_from)


_OPUS_4, _OPUS_4_5, _SONNET_4, _SONNET_4_6 = _claude(15), _claude(5), _claude(3, 200_000), _claude(3)

#: By plain name, exactly: a new version rarely costs what the old one did.
PRICES: Final[Mapping[str, Price]] = {
    "claude-3-haiku": Price(0.25, 1.25, 0.03, 0.30),
    "claude-3-5-haiku": _claude(0.8),
    "claude-3-5-sonnet": _SONNET_4_6,
    "claude-3-7-sonnet": _SONNET_4_6,
    "claude-opus-4": _OPUS_4,
    "claude-opus-4-0": _OPUS_4,
    "claude-opus-4-1": _OPUS_4,
    "claude-opus-4-5": _OPUS_4_5,
    "claude-opus-4-6": _OPUS_4_5,
    "claude-opus-4-7": _OPUS_4_5,
    "claude-opus-4-8": _OPUS_4_5,
    "claude-opus-5": _OPUS_4_5,
    "claude-sonnet-4": _SONNET_4,
    "claude-sonnet-4-0": _SONNET_4,
    "claude-sonnet-4-5": _SONNET_4,
    "claude-sonnet-4-6": _SONNET_4_6,
    "claude-sonnet-5": _claude(2),
    "claude-haiku-4-5": _claude(1),
    "claude-fable-5": _claude(10),
    "claude-fable-5-1": _claude(10, read=0.025),
    "gpt-4o": _gpt(2.5, 10, 0.5),
    "gpt-4o-mini": _gpt(0.15, 0.6, 0.5),
    "gpt-4-1": _gpt(2, 8, 0.25),
    "gpt-4-1-mini": _gpt(0.4, 1.6, 0.25),
    "gpt-4-1-nano": _gpt(0.1, 0.4, 0.25),
    "gpt-5": _gpt(1.25, 10),
    "gpt-5-mini": _gpt(0.25, 2),
    "gpt-5-nano": _gpt(0.05, 0.4),
    "gpt-5-codex": _gpt(1.25, 10),
    "gpt-5-1": _gpt(1.25, 10),
    "gpt-5-1-codex": _gpt(1.25, 10),
    "gpt-5-2": _gpt(1.75, 14),
    "gpt-5-2-codex": _gpt(1.75, 14),
    "gpt-5-4": _gpt(2.5, 15, long_from=272_000),
    "gpt-5-4-mini": _gpt(0.75, 4.5),
    "gpt-5-4-nano": _gpt(0.2, 1.25),
    "gpt-5-5": _gpt(5, 30, long_from=272_000),
    "gpt-5-6": Price(4, 20, 0.4, 5, 272_000),
    "gpt-5-6-sol": Price(4, 20, 0.4, 5, 272_000),
    "gpt-5-6-terra": Price(2, 12, 0.2, 2.5, 272_000),
    "gpt-5-6-luna": Price(0.2, 1.2, 0.02, 0.25, 272_000),
    "o3": _gpt(2, 8, 0.25),
    "o3-mini": _gpt(1.1, 4.4, 0.5),
    "o4-mini": _gpt(1.1, 4.4, 0.25),
    "gemini-2-5-pro": _gpt(1.25, 10, 0.1, 200_000),
    "gemini-2-5-flash": _gpt(0.3, 2.5),
    "gemini-2-5-flash-lite": _gpt(0.1, 0.4),
    "gemini-3-pro": _gpt(2, 12, 0.1, 200_000),
    "gemini-3-1-pro": _gpt(2, 12, 0.1, 200_000),
    "gemini-3-flash": _gpt(0.5, 3),
    "gemini-3-1-flash-lite": _gpt(0.25, 1.5),
    "gemini-3-5-flash": _gpt(1.5, 9),
    "deepseek-v4-flash": Price(0.14, 0.28),
    "deepseek-v4-pro": Price(0.435, 0.87),
    "grok-3": Price(3, 15, 0.75),
    "grok-3-mini": Price(0.3, 0.5, 0.075),
    "grok-4": Price(3, 15, 0.75, None, 128_000, 2, 2),
    "grok-4-3": Price(1.25, 2.5, 0.2, None, 200_000, 2, 2),
    "grok-4-5": Price(2, 6, 0.3, None, 200_000, 2, 2),
    "grok-4-6": Price(2, 6, 0.5, None, 200_000, 2, 2),
    "grok-code-fast-1": Price(0.2, 1.5, 0.02),
}


def find_price(target: ModelTarget, own: Mapping[str, Price] | None = None) -> Price | None:
    """What a model costs, or None if that is not known.

    Args:
        target: The model.
        own: Prices from the settings, by the model's id or its plain name; they win, also for local models.
    """
    name = plain_model_name(target.model)
    if own and (price := own.get(target.model) or own.get(name)) is not None:
        return price
    if not target.base_url or target.model.endswith(":free"):
        return FREE
    return None if is_local(host_of(target.base_url) or "") else PRICES.get(name)


def cost_usd(target: ModelTarget, usage: Usage, own: Mapping[str, Price] | None = None) -> float | None:
    """What one answer cost in US dollars, or None if the model's price is not known; see `find_price`."""
    price = find_price(target, own)
    return None if price is None else price.cost(usage)
