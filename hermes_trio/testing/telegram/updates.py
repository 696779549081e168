"""A bot's updates: kept until a later offset confirms them or its webhook has taken them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.testing.telegram.model import Json

#: What a bot gets only if it asks for it by name.
_ON_REQUEST: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
MOST_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Update:
    """An ``Update``.

    Attributes:
        id: ``update_id``.
        kind: E.g. ``message``, ``callback_query``.
        payload: What it tells.
    """

    id: int
    kind: str
    payload: Json

    def as_json(self) -> Json:
        """As the Bot API sends it."""
        return {"update_id": self.id, self.kind: self.payload}


class UpdateQueue:
    """The unconfirmed updates of one bot.

    Args:
        first_id: Its first ``update_id``.
    """

    def __init__(self, first_id: int) -> None:
        self.changed = trio.Event()
        self._next_id = first_id
        self._waiting: deque[Update] = deque()
        self._allowed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._waiting)

    def allow(self, kinds: Iterable[str]) -> None:
        """Take only these kinds from now on; none named means all but those that come on request."""
        self._allowed = frozenset(kind.lower() for kind in kinds)

    @property
    def allowed(self) -> frozenset[str]:
        """The kinds that were named."""
        return self._allowed

    def push(self, kind: str, payload: Json) -> None:
        """Add an update, unless the bot does not want its kind."""
        if kind in self._allowed if self._allowed else kind not in _ON_REQUEST:
            self._waiting.append(Update(self._next_id, kind, payload))
            self._next_id += 1
            self.wake()

    def wake(self) -> None:
        """Let those who wait look again."""
        self.changed.set()
        self.changed = trio.Event()

    def confirm(self, offset: int) -> None:
        """Forget what an offset confirms: everything before it, or, if negative, all but so many at the end."""
        while self._waiting and offset > 0 and self._waiting[0].id < offset:
            self._waiting.popleft()
        while offset < 0 and len(self._waiting) > -offset:
            self._waiting.popleft()

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()

    def first(self, limit: int) -> list[Update]:
        """The oldest updates, at most so many; they stay."""
        return [update for update, _ in zip(self._waiting, range(limit), strict=False)]
