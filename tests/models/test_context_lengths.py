"""What is known of models, by any spelling of their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.models.context_lengths import KNOWN_MODELS, find_known_model
from hermes_trio.models.names import plain_model_name


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4.5:beta", "claude-sonnet-4-5"),
        ("Anthropic/Claude-Opus-4.1", "claude-opus-4-1"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-4o-latest", "gpt-4o"),
        ("gemini-2.5-pro-preview-05-06", "gemini-2-5-pro"),
        ("models/gemini-3-pro-preview", "gemini-3-pro"),
        ("gpt-6-astra@2026-09-21", "gpt-6-astra"),
        ("grok-4.20", "grok-4-20"),
        ("llama3.1:8b", "llama3-1"),
        ("", ""),
    ],
)
def test_plain_names(model, plain):
    assert plain_model_name(model) == plain


@pytest.mark.parametrize(
    ("model", "context"),
    [
        ("claude-opus-4-8", 1_000_000),
        ("claude-opus-4-20250514", 200_000),
        ("claude-something-new", 200_000),
        ("gpt-5-mini", 400_000),
        ("openai/gpt-5.4", 1_050_000),
        ("gpt-5.4-mini", 400_000),
        ("gpt-4o-mini-2024-07-18", 128_000),
        ("gpt-4", 8_192),
        ("o3-mini", 200_000),
        ("google/gemini-2.5-flash", 1_048_576),
        ("deepseek/deepseek-v4-pro", 1_000_000),
        ("meta-llama/llama-3.3-70b-instruct", 131_072),
        ("moonshotai/kimi-k2-thinking", 262_144),
    ],
)
def test_well_known_models(model, context):
    known = find_known_model(model)
    assert known is not None
    assert known.context == context


@pytest.mark.parametrize("model", ["", "nobody-knows-it", "gpt", "gpt-50", "claudette", "o", "my/claud"])
def test_other_models_are_not_known(model):
    assert find_known_model(model) is None


@given(st.text(max_size=30))
def test_any_name_is_known_or_not(model):
    find_known_model(model)


def test_the_table_is_spelled_plainly():
    assert [name for name in KNOWN_MODELS if plain_model_name(name) != name] == []
    assert all(known.context > (known.max_output or 0) > -1 for known in KNOWN_MODELS.values())
