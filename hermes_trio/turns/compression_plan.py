"""Which part of a conversation a summary may take the place of. Pure functions.

Providers refuse a tool call without its result and a result without its call, so a conversation is cut between rounds
only: a message of the user, or one of the assistant with the results of its calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from hermes_trio.store.messages import clean_text
from hermes_trio.turns.compression_text import is_summary
from hermes_trio.turns.history import to_chat_messages
from hermes_trio.turns.token_estimate import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.models.request import ChatMessage
    from hermes_trio.store.messages import StoredMessage

LARGEST_SUMMARY: Final = 6000
SMALLEST_SUMMARY: Final = 400
SUMMARY_SHARE: Final = 3
"""A summary may have a third of what it replaces."""

MOST_SHIFTS: Final = 2
"""Rounds that the end is protected for longer, so that speakers alternate around the summary."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a compression should come to; tokens are estimates that are not corrected.

    Attributes:
        first: Messages at the beginning that stay, after the system prompt.
        last: Messages at the end that stay.
        most_kept: Tokens of the messages that stay, at most: beyond that fewer stay than wished.
        goal: Tokens of the messages when it is done, the summary among them.
        least_gain: Tokens that must be among what is replaced for it to be worth a question.
    """

    first: int
    last: int
    most_kept: int
    goal: int
    least_gain: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Put a summary in the place of ``messages[start:end]``.

    Attributes:
        start: The first message that is replaced.
        end: The first one after it that stays.
        role: Who seems to say the summary.
        allowance: Tokens the summary may have.
    """

    start: int
    end: int
    role: str
    allowance: int


def plan_compression(messages: Sequence[ChatMessage], wishes: Wishes) -> Plan | None:
    """Choose what to replace, or None when nothing can be won.

    The system prompt and the last round always stay. Of the rest the beginning and the end stay as wished, unless they
    are too large: then the end is made shorter, and a beginning that takes half of the room is given up. A summary of
    an earlier compression is always replaced.
    """
    cuts = round_starts(messages)
    if len(cuts) < 2:
        return None
    sizes = [estimate_tokens([message]) for message in messages]
    start, end = _choose_borders(messages, sizes, cuts, wishes)
    folded = estimate_tokens(messages[start:end])
    if folded < wishes.least_gain or end - start < 2:
        return None
    most = min(folded // SUMMARY_SHARE, LARGEST_SUMMARY)
    room = wishes.goal - (sum(sizes) - folded)
    role, _ = _speaker(messages, start, end)
    return Plan(start, end, role, min(most, max(room, SMALLEST_SUMMARY)))


def round_starts(messages: Sequence[ChatMessage]) -> list[int]:
    """Where rounds begin, the system prompt left out; a conversation may be cut at these places."""
    return [index for index, message in enumerate(messages) if message.role not in ("system", "tool")]


def _choose_borders(
    messages: Sequence[ChatMessage], sizes: list[int], cuts: list[int], wishes: Wishes
) -> tuple[int, int]:
    """Start and end of what is replaced."""
    start = _choose_start(messages, sizes, cuts, wishes)
    end = _choose_end(messages, sizes, cuts, start, wishes)
    if end == start or is_summary(messages[start]) or _speaker(messages, start, end)[1]:
        return start, end
    # One round more at the beginning may let the speakers alternate.
    later = next(cut for cut in cuts if cut > start)
    fits = later < end and sum(sizes[cuts[0] : later]) <= wishes.most_kept // 2
    return (later if fits and _speaker(messages, later, end)[1] else start), end


def _choose_start(messages: Sequence[ChatMessage], sizes: list[int], cuts: list[int], wishes: Wishes) -> int:
    """The first cut after the wished beginning; the first one of all if that is too large."""
    wished = next((cut for cut in cuts if cut - cuts[0] >= wishes.first), cuts[-1])
    former = next((cut for cut in cuts if is_summary(messages[cut])), wished)
    start = min(wished, former)
    return start if sum(sizes[cuts[0] : start]) <= wishes.most_kept // 2 else cuts[0]


def _choose_end(messages: Sequence[ChatMessage], sizes: list[int], cuts: list[int], start: int, wishes: Wishes) -> int:
    """The last cut before the wished end, or the first later one with which not too much is kept.

    It may come a little earlier than that for speakers to alternate.
    """
    possible = [cut for cut in cuts if cut >= start]
    index = max((number for number, cut in enumerate(possible) if cut <= len(messages) - wishes.last), default=0)
    sums = [0, *accumulate(sizes)]
    kept = [sums[start] + sums[-1] - sums[cut] for cut in possible]
    while kept[index] > wishes.most_kept and index < len(possible) - 1:
        index += 1
    for earlier in range(index, max(index - MOST_SHIFTS, 1) - 1, -1):
        fits = earlier == index or kept[earlier] <= wishes.most_kept
        if fits and _speaker(messages, start, possible[earlier])[1]:
            return possible[earlier]
    return possible[index]


def _speaker(messages: Sequence[ChatMessage], start: int, end: int) -> tuple[str, bool]:
    """Who is to say the summary between these messages, and whether speakers then alternate, as some models demand."""
    before = messages[start - 1].role if start else "system"
    after = messages[end].role
    if before == "user":
        return "assistant", after == "user"
    if before == "tool":
        return ("assistant" if after == "user" else "user"), True
    return "user", after == "assistant"


def rows_to_fold(
    rows: Sequence[StoredMessage], messages: Sequence[ChatMessage], plan: Plan
) -> tuple[StoredMessage, ...]:
    """The stored rows that ``messages[plan.start:plan.end]`` came from, and those between them that are not sent.

    Args:
        rows: All active rows of the session, in order, with their ids.
        messages: What would be sent: the system prompt, what the rows say, and possibly what is not stored yet.
        plan: What is to be replaced.

    Returns:
        Nothing when the rows do not say what the messages say, such as after another turn of the same session.
    """
    place = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    folded: list[StoredMessage] = []
    for group in _groups(rows):
        sent = to_chat_messages(group)
        if not all(_same(one, other) for one, other in zip(sent, messages[place : plan.end], strict=False)):
            return ()
        if plan.start <= place < plan.end and (folded or place + len(sent) > plan.start):
            folded += group
        place += len(sent)
        if place >= plan.end:
            break
    return tuple(folded) if place == plan.end else ()


def _groups(rows: Sequence[StoredMessage]) -> Iterator[list[StoredMessage]]:
    """Each message of the user or the assistant with the rows that follow it."""
    group: list[StoredMessage] = []
    for row in rows:
        if row.role in ("user", "assistant") and group:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _same(stored: ChatMessage, message: ChatMessage) -> bool:
    """Whether a message is the stored one. What the user said may have been added to before it is sent."""
    return (
        stored.role == message.role
        and stored.tool_call_id == message.tool_call_id
        and [call.id for call in stored.tool_calls] == [call.id for call in message.tool_calls]
        and (stored.role == "user" or stored.text == (clean_text(message.text) or ""))
    )
