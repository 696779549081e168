"""What makes an ``API_SERVER_KEY`` usable."""

from __future__ import annotations

MINIMUM_LENGTH = 16
_PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "your-api-key",
    "your_api_key",
    "yourapikey",
    "placeholder",
    "example",
    "${",
)


def api_key_problem(key: str) -> str | None:
    """Why no client may be let in with this configured key, as a stable code, or None.

    Codes: ``key_missing`` (empty, or a placeholder that nobody replaced) and ``key_too_short`` (under 16 characters).
    """
    text = key.strip()
    if not text or len(set(text)) == 1 or text.lower().startswith(_PLACEHOLDERS):
        return "key_missing"
    return "key_too_short" if len(text) < MINIMUM_LENGTH else None
