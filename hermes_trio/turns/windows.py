"""How much models take that neither the settings nor our table know: each is asked once, beside the turns."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.models.model_list import ask_context_length
from hermes_trio.models.providers import CHAT_COMPLETIONS, RESPONSES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope

#: Chats can name models of their own; so many are asked in one generation, the others stay unknown.
MOST_ASKED: Final = 64
_ASKABLE: Final = frozenset({CHAT_COMPLETIONS, RESPONSES})


class Windows:
    """What one generation of a profile has learned of its models; see `open_windows`."""

    def __init__(self, scope: ProfileScope, nursery: trio.Nursery) -> None:
        self._scope = scope
        self._nursery = nursery
        self._lengths: dict[tuple[str, str], int | None] = {}

    def length(self, target: ModelTarget) -> int | None:
        """Tokens that a model takes, or None when that is not known, or not yet."""
        return target.context_length or self._lengths.get((target.base_url, target.model))

    def learn(self, target: ModelTarget) -> None:
        """Have a provider asked that has just answered, unless it need not or cannot be; waits for nothing.

        One that has answered is there, its connection is open and its address allowed: nobody is surprised.
        """
        key = (target.base_url, target.model)
        askable = target.base_url and target.api_mode in _ASKABLE and target.context_length is None
        if not askable or key in self._lengths or len(self._lengths) >= MOST_ASKED:
            return
        self._lengths[key] = None
        name = f"{self._scope.name}#{self._scope.generation} window of {target.model[:32]}"
        self._nursery.start_soon(self._ask, key, target, name=name)

    async def _ask(self, key: tuple[str, str], target: ModelTarget) -> None:
        try:
            self._lengths[key] = length = await ask_context_length(self._scope, target)
        except HermesTrioError:
            return  # not to know it is no failure
        if length is not None:
            self._scope.log.bind(component="agent").info(f"{target.model} takes {length} tokens, as its provider says")


@asynccontextmanager
async def open_windows(scope: ProfileScope) -> AsyncIterator[Windows]:
    """Own the questions to providers; at the end nobody is asked any more."""
    with lone_error_raised():
        async with trio.open_nursery() as nursery:
            yield Windows(scope, nursery)
            nursery.cancel_scope.cancel()
