"""The providers that can be named without an address, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

CHAT_COMPLETIONS: Final = "chat_completions"
RESPONSES: Final = "codex_responses"
MESSAGES: Final = "anthropic_messages"

WIRE_FORMATS: Final = (CHAT_COMPLETIONS, RESPONSES, MESSAGES)
"""What ``api_mode`` may say."""


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A provider that everybody means the same by.

    Attributes:
        name: What ``model.provider`` says.
        base_url: Address of its API.
        key_variables: Variables of ``.env`` that may hold its key, first one wins.
        domains: Its keys go to these domains and those below them, nowhere else.
        url_variable: Variable of ``.env`` that replaces the address, or empty.
        api_mode: The wire format it speaks where its address does not tell.
        instead: What to use as long as signing in to it is not possible.
    """

    name: str
    base_url: str
    key_variables: tuple[str, ...]
    domains: tuple[str, ...]
    url_variable: str = ""
    api_mode: str = CHAT_COMPLETIONS
    instead: str = ""


OPENROUTER: Final = KnownProvider(
    "openrouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), ("openrouter.ai",), "OPENROUTER_BASE_URL"
)

KNOWN_PROVIDERS: Final = (
    OPENROUTER,
    KnownProvider("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("openai.com",)),
    KnownProvider("nous", "https://inference-api.nousresearch.com/v1", ("NOUS_API_KEY",), ("nousresearch.com",)),
    KnownProvider("deepseek", "https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), ("deepseek.com",)),
    KnownProvider(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ("googleapis.com",),
    ),
    KnownProvider("xai", "https://api.x.ai/v1", ("XAI_API_KEY",), ("x.ai",)),
    KnownProvider(
        "zai", "https://api.z.ai/api/paas/v4", ("GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"), ("z.ai", "bigmodel.cn")
    ),
    KnownProvider(
        "kimi-coding", "https://api.moonshot.ai/v1", ("KIMI_API_KEY",), ("moonshot.ai", "moonshot.cn", "kimi.com")
    ),
    KnownProvider("minimax", "https://api.minimax.io/v1", ("MINIMAX_API_KEY",), ("minimax.io", "minimaxi.com")),
    KnownProvider("huggingface", "https://router.huggingface.co/v1", ("HF_TOKEN",), ("huggingface.co",)),
    KnownProvider("ollama-cloud", "https://ollama.com/v1", ("OLLAMA_API_KEY",), ("ollama.com",)),
    KnownProvider(
        "anthropic",
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        ("anthropic.com",),
        api_mode=MESSAGES,
    ),
    KnownProvider(
        "openai-codex",
        "https://chatgpt.com/backend-api/codex",
        (),
        ("chatgpt.com",),
        api_mode=RESPONSES,
        instead="use provider: openai with OPENAI_API_KEY, or provider: openrouter",
    ),
)

PLAIN_ADDRESS: Final = ("auto", "custom", "local", "ollama", "vllm", "llamacpp", "lmstudio")
"""Provider names that mean "whatever answers at ``model.base_url``"."""

USUAL_ADDRESSES: Final = (
    ("ollama", "http://127.0.0.1:11434/v1"),
    ("vllm", "http://127.0.0.1:8000/v1"),
    ("llamacpp", "http://127.0.0.1:8080/v1"),
    ("lmstudio", "http://127.0.0.1:1234/v1"),
)


_REASONING_BACK: Final = ("deepseek.com", "moonshot.ai", "moonshot.cn", "kimi.com")


def wants_reasoning_back(base_url: str) -> bool:
    """Whether a chat-completions provider refuses to go on after a tool call without what its model thought before.

    DeepSeek's and Moonshot's guides to thinking with tools ask for ``reasoning_content`` in the assistant's messages.
    """
    host = urlsplit(base_url).hostname or ""
    return host_belongs(host, _REASONING_BACK)


def find_known(name: str) -> KnownProvider | None:
    """The well-known provider of this name, or None."""
    return next((known for known in KNOWN_PROVIDERS if known.name == name), None)


def host_belongs(host: str, domains: tuple[str, ...]) -> bool:
    """Whether ``host`` is one of ``domains`` or below it: ``api.openai.com`` is, ``openai.com.example.org`` is not."""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
