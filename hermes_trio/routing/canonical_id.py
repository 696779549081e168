"""Ids in the form in which they are compared. Pure.

Nearly everywhere that is the text itself. WhatsApp names one person in several ways: ``+49 170 1234567`` in settings,
``491701234567@s.whatsapp.net`` or ``...@c.us`` from servers, ``491701234567:12@s.whatsapp.net`` from one of several
devices. A LID (``...@lid``) is another name for the same person, which only a message that carries both can tell.
"""

from __future__ import annotations

import re
from typing import Final

_WHATSAPP: Final = frozenset({"whatsapp", "whatsapp_cloud"})
_PHONE_SERVERS: Final = frozenset({"", "s.whatsapp.net", "c.us"})
_SEPARATORS: Final = re.compile(r"[ ().-]|^\+")


def canonical_id(platform: str, text: str) -> str:
    """The id in the form in which it is compared with others of its platform.

    Args:
        platform: The platform, in lower case.
        text: An id of a person or a chat.
    """
    if platform not in _WHATSAPP:
        return text
    user, _, server = text.strip().partition("@")
    user = user.partition(":")[0]
    if server.lower() not in _PHONE_SERVERS:
        return f"{user}@{server.lower()}"
    number = _SEPARATORS.sub("", user)
    return number if number.isdecimal() else text
