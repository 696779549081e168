"""What answers cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.models.events import Usage
from hermes_trio.models.names import plain_model_name
from hermes_trio.models.prices import PRICES, Price, cost_usd, find_price
from hermes_trio.models.target import ModelTarget


def at(model: str, base_url: str = "https://api.anthropic.com") -> ModelTarget:
    return ModelTarget("custom", model, base_url)


def test_prompt_and_answer_are_paid_for_by_the_million():
    assert cost_usd(at("claude-opus-4-8"), Usage(1_000_000, 100_000)) == pytest.approx(5 + 2.5)


def test_the_cache_has_its_own_prices():
    usage = Usage(1000, 0, cache_read_tokens=700, cache_write_tokens=200)
    assert cost_usd(at("claude-opus-4-8"), usage) == pytest.approx((100 * 5 + 700 * 0.5 + 200 * 6.25) / 1e6)


def test_without_a_price_for_the_cache_it_costs_what_other_input_does():
    assert Price(2, 4).cost(Usage(1000, 0, 700, 200)) == pytest.approx(0.002)


def test_long_prompts_cost_more_altogether():
    short, long = (cost_usd(at("gemini-3.1-pro-preview"), Usage(tokens, 1000)) for tokens in (200_000, 200_001))
    assert short == pytest.approx((200_000 * 2 + 1000 * 12) / 1e6)
    assert long == pytest.approx((200_001 * 4 + 1000 * 18) / 1e6)


def test_counts_that_contradict_each_other_never_earn_money():
    assert Price(2, 4, 1, 1).cost(Usage(10, 0, cache_read_tokens=100)) > 0


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4.5", "claude-sonnet-4-5-20250929"])
def test_a_price_is_found_by_any_spelling(model):
    assert find_price(at(model)) == PRICES["claude-sonnet-4-5"]


@pytest.mark.parametrize("model", ["gpt-5.9", "gpt-5-mini-nano", "claude-opus-9", "unheard-of"])
def test_a_model_that_is_not_listed_has_no_known_price(model):
    assert cost_usd(at(model), Usage(1, 1)) is None


def test_local_models_have_no_known_price():
    assert cost_usd(at("gpt-5", "http://127.0.0.1:8000/v1"), Usage(1, 1)) is None


def test_what_runs_in_this_process_or_is_offered_free_costs_nothing():
    assert cost_usd(ModelTarget("builtin", "echo"), Usage(10, 10)) == 0
    assert cost_usd(at("deepseek/deepseek-v4-pro:free", "https://openrouter.ai/api/v1"), Usage(10, 10)) == 0


@pytest.mark.parametrize("spelling", ["my-model", "vendor/My.Model:x"])
def test_the_settings_replace_and_add_prices(spelling):
    own = {"my-model": Price(1, 2), "vendor/My.Model:x": Price(1, 2), "gpt-5": Price(0, 0)}
    assert cost_usd(at(spelling), Usage(1_000_000, 1_000_000), own) == pytest.approx(3)
    assert cost_usd(at("gpt-5"), Usage(1_000_000, 1), own) == 0
    assert cost_usd(at("my-model", "http://127.0.0.1/v1"), Usage(1_000_000, 0), own) == pytest.approx(1)


counts = st.integers(0, 10**7)


@given(st.sampled_from(sorted(PRICES)), counts, counts, st.floats(0, 1), st.floats(0, 1))
def test_more_tokens_never_cost_less(model, prompt, answer, read, write):
    cached = int(prompt * read)
    written = int((prompt - cached) * write)
    cost = PRICES[model].cost(Usage(prompt, answer, cached, written))
    assert cost >= 0
    assert PRICES[model].cost(Usage(prompt + 1000, answer + 1000, cached, written)) > cost


def test_the_table_is_spelled_plainly_and_plausible():
    assert [name for name in PRICES if plain_model_name(name) != name] == []
    for price in PRICES.values():
        assert 0 < (price.cache_read or price.input) <= price.input < price.output
