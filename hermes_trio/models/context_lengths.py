"""How much well-known models take and say, as data; as their vendors documented it in September 2026.

A number here is for the vendor's own service; others often allow less. The settings, and what the provider says of
itself (`hermes_trio.models.model_list`), count more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.models.names import plain_model_name

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT_LENGTHS_DATE: Final = "2026-09"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What a family of models can do.

    Attributes:
        context: Tokens of prompt and answer together.
        max_output: Most tokens of the answer, or None where nobody needs to know.
    """

    context: int
    max_output: int | None = None


#: By the beginning of the plain name; the longest one counts.
KNOWN_MODELS: Final[Mapping[str, KnownModel]] = {
    "claude": KnownModel(200_000, 32_000),
    "claude-3": KnownModel(200_000, 4_096),
    "claude-3-5": KnownModel(200_000, 8_192),
    "claude-3-7": KnownModel(200_000, 64_000),
    "claude-opus-4": KnownModel(200_000, 32_000),
    "claude-opus-4-5": KnownModel(200_000, 64_000),
    "claude-opus-4-6": KnownModel(1_000_000, 128_000),
    "claude-opus-4-7": KnownModel(1_000_000, 128_000),
    "claude-opus-4-8": KnownModel(1_000_000, 128_000),
    "claude-opus-5": KnownModel(1_000_000, 128_000),
    "claude-sonnet-4": KnownModel(200_000, 64_000),
    "claude-sonnet-4-6": KnownModel(1_000_000, 64_000),
    "claude-sonnet-5": KnownModel(1_000_000, 64_000),
    "claude-haiku-4-5": KnownModel(200_000, 64_000),
    "claude-fable-5": KnownModel(1_000_000, 128_000),
    "gpt-3-5": KnownModel(16_385),
    "gpt-4": KnownModel(8_192),
    "gpt-4-turbo": KnownModel(128_000),
    "gpt-4o": KnownModel(128_000),
    "gpt-4-1": KnownModel(1_047_576),
    "gpt-5": KnownModel(400_000),
    "gpt-5-4": KnownModel(1_050_000),
    "gpt-5-4-mini": KnownModel(400_000),
    "gpt-5-4-nano": KnownModel(400_000),
    "gpt-5-5": KnownModel(1_050_000),
    "gpt-5-6": KnownModel(1_050_000),
    "gpt-oss": KnownModel(131_072),
    "o1": KnownModel(200_000),
    "o3": KnownModel(200_000),
    "o4": KnownModel(200_000),
    "gemini": KnownModel(1_048_576),
    "gemma-3": KnownModel(131_072),
    "deepseek": KnownModel(131_072),
    "deepseek-v4": KnownModel(1_000_000, 384_000),
    "grok-3": KnownModel(131_072),
    "grok-4": KnownModel(256_000),
    "grok-4-fast": KnownModel(2_000_000),
    "grok-4-1-fast": KnownModel(2_000_000),
    "grok-4-20": KnownModel(1_000_000),
    "grok-4-3": KnownModel(1_000_000),
    "grok-4-5": KnownModel(500_000),
    "grok-4-6": KnownModel(500_000),
    "grok-code-fast": KnownModel(256_000),
    "kimi-k2": KnownModel(262_144),
    "kimi-k3": KnownModel(1_000_000),
    "glm-4-5": KnownModel(131_072, 96_000),
    "glm-4-6": KnownModel(202_752, 128_000),
    "glm-4-7": KnownModel(202_752, 128_000),
    "glm-5": KnownModel(202_752, 128_000),
    "minimax-m2": KnownModel(204_800, 128_000),
    "qwen3": KnownModel(131_072),
    "qwen3-coder": KnownModel(262_144),
    "qwen3-max": KnownModel(262_144),
    "llama-3-1": KnownModel(131_072),
    "llama-3-3": KnownModel(131_072),
    "mistral": KnownModel(131_072),
    "devstral": KnownModel(131_072),
    "hermes-3": KnownModel(131_072),
    "hermes-4": KnownModel(131_072),
}


def find_known_model(model: str) -> KnownModel | None:
    """What is known of a model, by any spelling of its name, or None."""
    name = plain_model_name(model)
    while name:
        if name in KNOWN_MODELS:
            return KNOWN_MODELS[name]
        name = name.rpartition("-")[0]
    return None
