"""Finds a summary made for an earlier request in a conversation that comes again in full. Pure functions.

A caller that brings its history along knows nothing of our summaries. Without this, each of its further messages would
have the same old part summarised anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from hermes_trio.models.request import ChatMessage
from hermes_trio.store.compaction import RememberedSummary, Summary
from hermes_trio.turns.compression_text import is_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.turns.compression_plan import Plan


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as it is worked on.

    Attributes:
        messages: The messages, with a remembered summary in the place of what it covers.
        covered: That summary, or None.
    """

    messages: tuple[ChatMessage, ...]
    covered: RememberedSummary | None = None

    def original(self, index: int) -> int:
        """Where a message of the view, or a cut, is in the conversation that came in."""
        if self.covered is None or index <= self.covered.start:
            return index
        return index + self.covered.messages - 1


def recall(messages: tuple[ChatMessage, ...], known: RememberedSummary) -> View:
    """Put a remembered summary in its place, if the conversation still has the messages that it covers."""
    end = known.start + known.messages
    if end >= len(messages) or messages[end].role == "tool" or digest_of(messages[known.start : end]) != known.digest:
        return View(messages)
    summary = ChatMessage(known.summary.role, known.summary.content)
    return View((*messages[: known.start], summary, *messages[end:]), known)


def digest_of(messages: Sequence[ChatMessage]) -> str:
    """Tells messages from others; the same after a restart."""
    digest = blake2b(digest_size=16)
    for one in messages:
        # The form of Python's own literals has no two readings, and can say what UTF-8 cannot.
        parts = (
            one.role,
            one.content,
            one.tool_call_id,
            [(call.id, call.name, call.arguments) for call in one.tool_calls],
        )
        digest.update(repr(parts).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def memory_of(messages: tuple[ChatMessage, ...], view: View, plan: Plan, summary: Summary) -> RememberedSummary | None:
    """What to remember of a summary; None when it covers an earlier one that the caller will not send again.

    Args:
        messages: The conversation as it came in.
        view: As it was worked on.
        plan: What the summary covers of the view.
        summary: The summary.
    """
    start, end = view.original(plan.start), view.original(plan.end)
    covered = messages[start:end]
    if any(is_summary(one) for one in covered):
        return None
    return RememberedSummary(start, len(covered), digest_of(covered), summary)
