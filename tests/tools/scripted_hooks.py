"""Hooks without handlers and commands: they answer as a test says, and remember what they were told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.tools.hook_events import find_block
from hermes_trio.tools.hooks import HookOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping


class ScriptedHooks:
    """Listens to the events it has answers for, and to no others; an event it does not listen to must not be fired."""

    def __init__(self, **answers: Mapping[str, object]) -> None:
        self._answers = answers
        self.told: list[tuple[str, Mapping[str, object]]] = []

    @property
    def events(self) -> list[str]:
        """Names of what has happened, in order."""
        return [event for event, _ in self.told]

    def context(self, event: str) -> Mapping[str, object]:
        """What was told of an event that has happened once."""
        (context,) = [context for told, context in self.told if told == event]
        return context

    def listens(self, event: str) -> bool:
        return event in self._answers

    async def fire(self, event: str, context: Mapping[str, object]) -> HookOutcome:
        assert event in self._answers, f"nobody listens to {event}"
        self.told.append((event, context))
        answer = self._answers[event]
        return HookOutcome((answer,), find_block(answer))

    tell = fire

    async def before_tool(self, *_args: object, **_options: object) -> None:
        """No objections."""

    async def after_tool(self, *_args: object, **_options: object) -> None:
        """Not told."""

    def close(self) -> None:
        """Nothing to let go of."""
