"""Flood control: so many messages a second, for each bot and each chat."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

import trio

from hermes_trio.testing.telegram.answers import too_many_requests


@dataclass(slots=True)
class RateLimits:
    """Limits on sending and editing; calls beyond them are refused with the time to wait, and do not count.

    Attributes:
        per_bot: Calls a second of one bot.
        per_chat: Calls a second of one bot in one chat.
    """

    per_bot: int = 30
    per_chat: int = 1
    _calls: defaultdict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def check(self, token: str, chat_id: str) -> None:
        """Count a call.

        Raises:
            ApiRefusal: It is one too many.
        """
        now = trio.current_time()
        windows = ((self._calls[token, ""], self.per_bot), (self._calls[token, chat_id], self.per_chat))
        for window, limit in windows:
            while window and window[0] <= now - 1:
                window.popleft()
            if len(window) >= limit:
                raise too_many_requests(max(1, math.ceil(window[0] + 1 - now)))
        for window, _ in windows:
            window.append(now)
