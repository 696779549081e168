from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hermes_trio.errors import ModelError, ScopeClosed
from hermes_trio.home.agent_config import CompressionConfig
from hermes_trio.models.events import ReplayItem
from hermes_trio.models.request import ChatMessage
from hermes_trio.models.target import ModelTarget
from hermes_trio.store.compaction import take_compaction_lock
from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.store.search import search_messages
from hermes_trio.store.sessions import SessionRecord, TurnRecord, load_conversation, record_turn
from hermes_trio.turns import opening as opening_module
from hermes_trio.turns.budget import BudgetExceeded
from hermes_trio.turns.compression import COOLDOWN_SECONDS, FitRequest, fit_context, needs_compression
from hermes_trio.turns.compression_text import is_summary
from hermes_trio.turns.history import to_chat_messages
from hermes_trio.turns.token_estimate import PromptReading, estimate_tokens
from tests.store.hermes_agent_home import context_of
from tests.turns.conversations import SYSTEM, check_acceptable, conversations, talk, work

WINDOW = 6000


@dataclass
class Summariser:
    """Stands in for the auxiliary model."""

    answer: str = "They talked."
    questions: list[str] = field(default_factory=list)
    error: Exception | None = None
    seconds: float = 0.0

    async def __call__(self, question) -> str:
        self.questions.append(question.content)
        await trio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.answer


@pytest.fixture
def summariser():
    return Summariser()


def request(messages, summariser, **changes):
    return replace(FitRequest("s", messages, WINDOW, summariser), **changes)


async def store(scope, messages, session_id="s"):
    """Store messages as a turn would."""
    rows = tuple(
        StoredMessage(
            one.role,
            one.content,
            100.0 + number,
            tool_call_id=one.tool_call_id or None,
            tool_calls=tuple(ToolCall(call.id, call.name, call.arguments) for call in one.tool_calls) or None,
        )
        for number, one in enumerate(messages)
        if one.role != "system"
    )
    await record_turn(scope, TurnRecord(SessionRecord(session_id, "api_server", 100.0), rows, None, 200.0))


async def load(scope, session_id="s"):
    return (SYSTEM, *to_chat_messages((await load_conversation(scope, session_id)).messages))


def roles(messages):
    return "".join(one.role[0] for one in messages)


def test_compression_begins_at_its_share_of_the_window():
    config = CompressionConfig(threshold=0.5)
    assert not needs_compression(config, 1000, 500)
    assert needs_compression(config, 1000, 501)
    assert not needs_compression(config, None, 10**9), "nobody knows the window"
    assert not needs_compression(replace(config, enabled=False), 1000, 10**9)


def test_what_cannot_be_compressed_does_not_count_in_a_small_window():
    config = CompressionConfig(threshold=0.5)
    assert not needs_compression(config, 8000, 5900, fixed=4000)
    assert needs_compression(config, 8000, 6100, fixed=4000)


async def test_a_conversation_that_fits_is_sent_as_it_is(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        messages = talk(5)
        result = await fit_context(agent.scope, request(messages, summariser))
    assert result.messages == messages
    assert (result.compressed, result.store_compacted, summariser.questions) == (False, False, [])
    assert result.estimate == estimate_tokens(messages)


async def test_the_middle_of_a_long_one_becomes_a_summary(open_agent, autojump_clock, summariser):
    messages = talk(40)
    async with open_agent() as agent:
        await store(agent.scope, messages[:-1])
        result = await fit_context(agent.scope, request(messages, summariser, context_length=16_000))
        assert result.compressed
        assert result.store_compacted
        (place,) = [index for index, one in enumerate(result.messages) if is_summary(one)]
        assert result.messages[:place] == messages[:place]
        assert result.messages[place + 1 :] == messages[place + 1 - len(result.messages) :]
        assert place == 4
        assert len(result.messages) - place - 1 in (20, 21)
        assert "They talked." in result.messages[place].text
        assert "question 2" in summariser.questions[0]
        assert "question 0" not in summariser.questions[0]
        assert await load(agent.scope) == result.messages[:-1], "the next turn finds it in the store"
        assert len(await search_messages(agent.scope, "question", limit=100)) == 40
    sent = [message["content"] for message in context_of(agent.home / "state.db", "s")]
    assert sent == [one.content for one in result.messages[1:-1]], "and so does hermes-agent"


async def test_within_a_turn_of_many_tools_the_rounds_stay_whole(open_agent, autojump_clock, summariser):
    thought = ReplayItem("anthropic", b"{}")
    messages = tuple(replace(one, replay=(thought,)) if one.tool_calls else one for one in work(40))
    async with open_agent() as agent:
        await store(agent.scope, messages)
        result = await fit_context(agent.scope, request(messages, summariser))
        assert result.store_compacted
        check_acceptable(result.messages)
        assert result.messages[-2:] == messages[-2:], "with what the provider wants back"
        assert [one.content for one in await load(agent.scope)] == [one.content for one in result.messages]


async def test_the_request_that_is_worked_on_is_kept_word_for_word(open_agent, autojump_clock, summariser):
    config = {"compression": {"protect_first_n": 0}}
    async with open_agent(config=config) as agent:
        first = await fit_context(agent.scope, request(work(40), summariser))
        assert "word for word:\ncount the words\n" in first.messages[1].text
        longer = (*first.messages, *work(40)[2:])
        second = await fit_context(agent.scope, request(longer, summariser))
        assert "word for word:\ncount the words\n" in second.messages[1].text
    assert sum(map(is_summary, second.messages)) == 1


async def test_a_second_compression_folds_the_first_summary_in(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        await store(agent.scope, talk(30)[:-1])
        await fit_context(agent.scope, request(await load(agent.scope), summariser))
        summariser.answer = "They talked even more."
        await store(agent.scope, talk(20)[:-1])
        result = await fit_context(agent.scope, request(await load(agent.scope), summariser))
        assert "They talked." in summariser.questions[1]
        assert result.store_compacted
        (summary,) = [one.text for one in result.messages if is_summary(one)]
        assert "even more" in summary
        assert await load(agent.scope) == result.messages


async def test_another_turns_messages_in_between_keep_the_store_as_it_is(open_agent, autojump_clock, summariser):
    messages = talk(30)
    async with open_agent() as agent:
        await store(agent.scope, (*talk(1)[:-1], *messages[5:-1]))
        before = await load(agent.scope)
        result = await fit_context(agent.scope, request(messages, summariser))
        assert (result.compressed, result.store_compacted) == (True, False)
        assert await load(agent.scope) == before


async def test_what_is_not_in_the_store_is_compressed_all_the_same(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        for changes in ({"session_id": ""}, {"session_id": "unknown"}, {"session_id": "new", "stored": False}):
            result = await fit_context(agent.scope, request(talk(30), summariser, **changes))
            assert (result.compressed, result.store_compacted) == (True, False)


async def test_a_history_that_comes_again_is_not_summarised_again(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        first = await fit_context(agent.scope, request(talk(30), summariser, stored=False))
        grown = (*talk(30), ChatMessage("assistant", "so"), ChatMessage("user", "go on"))
        second = await fit_context(agent.scope, request(grown, summariser, stored=False))
        assert second.messages == (*first.messages, *grown[-2:])
        assert len(summariser.questions) == 1
        longer = (*talk(30), ChatMessage("assistant", "x" * 9000), *talk(3)[1:])
        third = await fit_context(agent.scope, request(longer, summariser, stored=False))
        assert len(summariser.questions) == 2
        assert "They talked." in summariser.questions[1]
        assert sum(map(is_summary, third.messages)) == 1
        fourth = await fit_context(agent.scope, request(longer, summariser, stored=False))
        assert fourth.messages == third.messages
        assert len(summariser.questions) == 2


async def test_a_history_that_was_changed_is_summarised_anew(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        await fit_context(agent.scope, request(talk(30), summariser, stored=False))
        edited = (*talk(30)[:9], ChatMessage("user", "instead " + "x" * 400), *talk(30)[10:])
        result = await fit_context(agent.scope, request(edited, summariser, stored=False))
        assert "instead" in summariser.questions[1]
        assert result.compressed


FAILURES = {
    "an error": Summariser(error=ModelError("overloaded", code="model_overloaded")),
    "nothing": Summariser(answer=" \n"),
    "silence": Summariser(seconds=10_000),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_a_failure_leaves_all_as_it_was_and_is_not_repeated_at_once(open_agent, autojump_clock, failure):
    async with open_agent() as agent:
        await store(agent.scope, talk(20)[:-1])
        before = await load(agent.scope)
        for _ in range(3):
            result = await fit_context(agent.scope, request(before, failure))
            assert (result.messages, result.compressed) == (before, False)
        assert len(failure.questions) == 1
        assert await load(agent.scope) == before
        ((reason,),) = await agent.rows("SELECT compression_failure_error FROM sessions")
        assert reason.startswith("model_overloaded: overl" if failure.error else "compression_failed: the model ")
        assert await agent.rows("SELECT * FROM compression_locks") == []
        agent.scope.clock.advance(COOLDOWN_SECONDS)
        assert (await fit_context(agent.scope, request(before, Summariser()))).store_compacted
        await trio.sleep(1)
        assert any("the conversation was not compressed" in line for line in agent.log_lines("errors.log"))


async def test_a_conversation_that_cannot_be_sent_anyway_is_tried_in_spite_of_a_failure(open_agent, autojump_clock):
    failing = Summariser(error=ModelError("overloaded"))
    async with open_agent() as agent:
        await store(agent.scope, talk(80)[:-1])
        for _ in range(2):
            await fit_context(agent.scope, request(talk(80), failing))
    assert len(failing.questions) == 2


@pytest.mark.parametrize(
    "error", [ScopeClosed("over"), BudgetExceeded("spent", profile="ada", found="", retry_after=1.0)]
)
async def test_the_end_of_the_profile_and_of_its_money_are_no_failures(open_agent, autojump_clock, error):
    async with open_agent() as agent:
        await store(agent.scope, talk(30)[:-1])
        with pytest.raises(type(error)):
            await fit_context(agent.scope, request(talk(30), Summariser(error=error)))
        assert await agent.rows("SELECT compression_failure_error FROM sessions") == [(None,)]


async def test_a_summary_that_talks_on_is_cut(open_agent, autojump_clock):
    async with open_agent() as agent:
        result = await fit_context(agent.scope, request(talk(30), Summariser("blah " * 50_000)))
    assert result.estimate < estimate_tokens(talk(30))


async def test_while_somebody_else_compresses_the_session_nothing_is_done(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        await store(agent.scope, talk(30)[:-1])
        assert await take_compaction_lock(agent.scope, "s", "hermes-agent", 60.0)
        result = await fit_context(agent.scope, request(talk(30), summariser))
        assert (result.compressed, summariser.questions) == (False, [])


async def test_of_two_turns_at_once_one_compresses(open_agent, autojump_clock):
    slow = Summariser(seconds=5)
    results = []
    async with open_agent() as agent:
        await store(agent.scope, talk(30)[:-1])

        async def fit():
            results.append(await fit_context(agent.scope, request(talk(30), slow)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fit)
            nursery.start_soon(fit)
    assert sorted(one.store_compacted for one in results) == [False, True]
    assert len(slow.questions) == 1


async def test_a_cancelled_compression_leaves_no_trace(open_agent, autojump_clock):
    async with open_agent() as agent:
        await store(agent.scope, talk(30)[:-1])
        before = await load(agent.scope)
        with trio.move_on_after(5) as cancelled:
            await fit_context(agent.scope, request(before, Summariser(seconds=50)))
        assert cancelled.cancelled_caught
        assert await load(agent.scope) == before
        assert await agent.rows("SELECT * FROM compression_locks") == []
        assert await agent.rows("SELECT compression_failure_error FROM sessions") == [(None,)]


async def test_the_providers_own_count_decides(open_agent, autojump_clock, summariser):
    messages = talk(20)
    reading = PromptReading(reported=estimate_tokens(messages) * 2, estimated=estimate_tokens(messages))
    async with open_agent() as agent:
        unknown = request(messages, summariser, context_length=2 * estimate_tokens(messages) + 100, stored=False)
        assert not (await fit_context(agent.scope, unknown)).compressed
        assert (await fit_context(agent.scope, replace(unknown, reading=reading))).compressed


async def test_tools_count_as_well(open_agent, autojump_clock, summariser):
    messages = talk(20)
    async with open_agent() as agent:
        without = request(messages, summariser, context_length=9000, stored=False)
        assert not (await fit_context(agent.scope, without)).compressed
        assert (await fit_context(agent.scope, replace(without, tools_bytes=4000))).compressed


async def test_when_a_provider_says_that_it_is_too_long_the_window_need_not_be_known(
    open_agent, autojump_clock, summariser
):
    async with open_agent() as agent:
        asked = request(talk(30), summariser, context_length=None, stored=False)
        assert not (await fit_context(agent.scope, asked)).compressed
        result = await fit_context(agent.scope, replace(asked, force=True))
        assert result.compressed
        assert result.estimate < estimate_tokens(talk(30)) // 2


async def test_who_switched_compression_off_gets_none(open_agent, autojump_clock, summariser):
    async with open_agent(config={"compression": {"enabled": False}}) as agent:
        result = await fit_context(agent.scope, request(talk(80), summariser, force=True))
    assert (result.compressed, summariser.questions) == (False, [])


async def test_the_question_fits_into_the_window_whatever_the_conversation_is(open_agent, autojump_clock, summariser):
    async with open_agent() as agent:
        await fit_context(agent.scope, request(work(300, size=4000), summariser, stored=False))
    assert len(summariser.questions[0]) < 4 * WINDOW * 0.7


async def test_a_chat_that_goes_on_for_ever_stays_within_the_window(open_agent, autojump_clock, monkeypatch):
    target = ModelTarget("builtin", "echo", context_length=4000)
    monkeypatch.setattr(opening_module, "resolve_targets", lambda *_: (target,))
    config = {"compression": {"protect_first_n": 2, "protect_last_n": 4}}
    async with open_agent(config=config) as agent:
        for number in range(30):
            await agent.ask(f"message {number} " + "x" * 700)
            assert estimate_tokens(await load(agent.scope)) < 2600
        kept = await load(agent.scope)
        assert kept[1].text.startswith("message 0 ")
        assert sum(map(is_summary, kept)) == 1
        assert len(await search_messages(agent.scope, "message", limit=100)) >= 60
        assert await agent.rows("SELECT message_count FROM sessions") == [(60,)]


async def test_random_conversations_stay_acceptable_and_never_grow(open_agent, autojump_clock, summariser):
    """One agent for all examples: opening one takes longer than an example.

    How many of the random ones are long enough to be compressed is luck; the first two are for certain.
    """
    examples = [
        (talk(60), CompressionConfig(), 8000, "They talked.", True),
        (work(60), CompressionConfig(), 8000, "They worked.", False),
    ]
    certain, answers = len(examples), ["They talked.", "blah " * 9000]
    wishes = st.builds(  # as the settings allow
        CompressionConfig,
        threshold=st.floats(0.1, 1.0),
        target_ratio=st.floats(0.05, 1.0),
        protect_first_n=st.integers(0, 6),
        protect_last_n=st.integers(0, 25),
    )

    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.tuples(conversations(), wishes, st.integers(500, 20_000), st.sampled_from(answers), st.booleans()))
    def collect(example):
        examples.append(example)

    collect()
    async with open_agent() as agent:
        for number, (messages, config, window, answer, stored) in enumerate(examples):
            scope = replace(agent.scope, config=replace(agent.scope.config, compression=config))
            session_id = f"s{number}"
            if stored:
                await store(scope, messages, session_id)
            asked = FitRequest(session_id, messages, window, Summariser(answer), stored=stored)
            result = await fit_context(scope, asked)
            check_acceptable(result.messages)
            assert result.messages[0] == SYSTEM
            assert result.messages[-1] == messages[-1]
            assert result.estimate == estimate_tokens(result.messages) <= estimate_tokens(messages)
            assert result.compressed == (result.messages != messages)
            assert result.compressed or number >= certain
            if stored:
                assert result.store_compacted == result.compressed
                assert [one.text for one in await load(scope, session_id)] == [one.text for one in result.messages]
