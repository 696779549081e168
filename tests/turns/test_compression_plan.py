from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.models.request import ChatMessage
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.messages import ToolCall as StoredCall
from hermes_trio.turns.compression_plan import Wishes, plan_compression, round_starts, rows_to_fold
from hermes_trio.turns.compression_text import summary_message
from hermes_trio.turns.history import to_chat_messages
from hermes_trio.turns.token_estimate import estimate_tokens
from tests.turns.conversations import SYSTEM, check_acceptable, conversations, talk, work

WISHES = Wishes(first=3, last=4, most_kept=100_000, goal=50_000, least_gain=300)
SUMMARY = summary_message("user", "what happened", 9, "", 400)

wishes = st.builds(
    Wishes,
    first=st.integers(0, 5),
    last=st.integers(0, 25),
    most_kept=st.integers(0, 30_000),
    goal=st.integers(-1000, 10_000),
    least_gain=st.integers(300, 1000),
)


def compressed(messages, plan):
    return (*messages[: plan.start], ChatMessage(plan.role, "s"), *messages[plan.end :])


@given(conversations(), wishes)
def test_whatever_is_replaced_the_rest_is_acceptable(messages, wishes):
    plan = plan_compression(messages, wishes)
    if plan is None:
        return
    check_acceptable(messages)
    left = compressed(messages, plan)
    check_acceptable(left)
    assert left[-1] is messages[-1]
    folded = estimate_tokens(messages[plan.start : plan.end])
    assert folded >= wishes.least_gain
    assert 0 < plan.allowance <= folded // 3


def test_the_beginning_and_the_end_stay():
    messages = talk(20)
    plan = plan_compression(messages, WISHES)
    assert plan.start == 4
    assert len(messages) - plan.end in (4, 5, 6)


@given(conversations(), st.integers(0, 5), st.integers(0, 25))
def test_as_much_stays_as_is_wished_while_there_is_room(messages, first, last):
    plan = plan_compression(messages, replace(WISHES, first=first, last=last, most_kept=10**9))
    if plan is not None:
        assert plan.start - 1 >= first
        assert len(messages) - plan.end >= max(1, last)


def test_a_tool_call_and_its_result_are_never_parted():
    messages = work(20)
    for last in range(10):
        plan = plan_compression(messages, replace(WISHES, last=last))
        assert messages[plan.start].role == "assistant"
        assert messages[plan.end].role == "assistant"


def test_an_end_that_is_too_large_is_made_shorter():
    messages = work(20, size=4000)
    plan = plan_compression(messages, replace(WISHES, last=20, most_kept=3500))
    kept = estimate_tokens((*messages[: plan.start], *messages[plan.end :]))
    assert 2000 < kept <= 3500


def test_a_beginning_that_is_too_large_is_given_up():
    messages = (SYSTEM, ChatMessage("user", "x" * 40_000), *talk(10)[1:])
    assert plan_compression(messages, replace(WISHES, most_kept=8000)).start == 1


def test_even_a_single_large_round_at_the_end_stays_whole():
    messages = (*talk(10)[:-1], *work(1, size=100_000)[1:])
    plan = plan_compression(messages, replace(WISHES, most_kept=1000))
    assert plan.end == len(messages) - 2


def test_an_earlier_summary_is_replaced_even_where_the_beginning_is_protected():
    messages = (*talk(1)[:3], SUMMARY, *talk(20)[1:])
    assert plan_compression(messages, WISHES).start == 3
    assert plan_compression((SYSTEM, SUMMARY, *talk(20)[1:]), WISHES).start == 1


def test_speakers_alternate_around_the_summary_where_that_is_possible():
    for messages in (talk(20), work(20), (*talk(10)[:-1], *work(10)[1:])):
        for last in range(1, 8):
            plan = plan_compression(messages, replace(WISHES, last=last))
            before, after = messages[plan.start - 1].role, messages[plan.end].role
            assert (before, plan.role, after) in {
                ("user", "assistant", "user"),
                ("assistant", "user", "assistant"),
                ("tool", "user", "assistant"),
                ("tool", "assistant", "user"),
            }


def test_what_gains_nothing_is_left_alone():
    assert plan_compression((SYSTEM,), WISHES) is None
    assert plan_compression(talk(3), WISHES) is None
    assert plan_compression(talk(20, size=1), WISHES) is None


def stored(messages, start=1):
    """Rows that say what the messages say."""
    return [
        StoredMessage(
            one.role,
            one.content,
            0.0,
            tool_call_id=one.tool_call_id or None,
            tool_calls=tuple(StoredCall(call.id, call.name, call.arguments) for call in one.tool_calls) or None,
            id=number,
        )
        for number, one in enumerate((one for one in messages if one.role != "system"), start)
    ]


@given(conversations(), wishes, st.data())
def test_the_rows_of_what_is_replaced_are_found(messages, wishes, data):
    rows = stored(messages)
    messages = (SYSTEM, *to_chat_messages(rows))
    unstored = data.draw(st.integers(0, 2))
    plan = plan_compression((*messages, *[ChatMessage("user", "new")] * unstored), wishes)
    if plan is None or plan.end > len(messages):
        return
    folded = rows_to_fold(rows, messages, plan)
    assert tuple(to_chat_messages(folded)) == messages[plan.start : plan.end]
    if folded:
        assert [row.id for row in folded] == list(range(folded[0].id, folded[-1].id + 1))


def test_rows_that_are_never_sent_are_replaced_with_those_around_them():
    rows = stored(talk(10))
    broken = StoredMessage("assistant", None, 0.0, tool_calls=(StoredCall("x", "look", "{}"),), id=99)
    rows.insert(8, broken)
    messages = (SYSTEM, *to_chat_messages(rows))
    assert broken in rows_to_fold(rows, messages, plan_compression(messages, WISHES))


def test_rows_that_say_something_else_are_not_touched():
    messages = talk(10)
    plan = plan_compression(messages, WISHES)
    rows = stored(messages)
    assert rows_to_fold([*rows[:3], StoredMessage("assistant", "other", 0.0, id=9), *rows[3:]], messages, plan) == ()
    assert rows_to_fold([*rows[:5], replace(rows[5], content="other"), *rows[6:]], messages, plan) == ()
    assert rows_to_fold(rows[:5], messages, plan) == ()


def test_a_users_message_may_have_been_added_to_before_it_was_sent():
    messages = talk(10)
    plan = plan_compression(messages, WISHES)
    rows = stored(messages)
    sent = (*messages[:5], ChatMessage("user", "with the weather"), *messages[6:])
    assert rows_to_fold(rows, sent, plan) == tuple(rows[plan.start - 1 : plan.end - 1])


def test_a_conversation_is_cut_before_messages_and_never_before_results():
    assert round_starts(work(2)) == [1, 2, 4]
