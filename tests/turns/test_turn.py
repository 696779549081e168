from __future__ import annotations

import sqlite3

import pytest
import trio

from hermes_trio.errors import HomeError, ModelError, ScopeClosed
from hermes_trio.home.config import ModelRoute
from hermes_trio.models.echo import EchoAttempt
from hermes_trio.models.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.turns.turn import TurnRequest, run_turn
from tests.rig import canary

HISTORY = (StoredMessage("user", "my name is Grace", 1.0), StoredMessage("assistant", "hello Grace", 2.0))


def script(monkeypatch, *batches) -> None:
    """Let the model answer with these batches of events; an exception is raised, a number is slept."""

    async def receive(self):
        self.step = getattr(self, "step", -1) + 1
        batch = batches[self.step]
        if isinstance(batch, Exception):
            raise batch
        if isinstance(batch, float):
            await trio.sleep(batch)
            return [TextDelta("late ")]
        return batch

    monkeypatch.setattr(EchoAttempt, "receive", receive)


async def test_the_answer_is_relayed_and_returned(open_agent, reader, autojump_clock):
    async with open_agent() as agent:
        request = TurnRequest(turn_id="t", session_id="s", user_message="hello")
        result = await run_turn(agent.scope, agent.agent, request, reader)
    assert result.text == reader.text == "Ada here. You said: hello"
    assert (result.finish_reason, result.model, result.session_id, result.completed) == ("stop", "echo", "s", True)
    assert result.usage.output_tokens == 5


async def test_text_arrives_while_the_model_still_speaks(open_agent, autojump_clock):
    times: list[float] = []

    async def emit(events) -> None:
        times.extend(trio.current_time() for event in events if isinstance(event, TextDelta))

    async with open_agent() as agent:
        await run_turn(
            agent.scope, agent.agent, TurnRequest(turn_id="t", session_id="s", user_message="!tokens 3 200"), emit
        )
    assert [later - times[0] for later in times] == pytest.approx([0.0, 0.2, 0.4])


async def test_reasoning_is_shown_and_stored_apart_from_the_text(open_agent, reader, autojump_clock):
    async with open_agent() as agent:
        request = TurnRequest(turn_id="t", session_id="s", user_message="!think deep thoughts")
        result = await run_turn(agent.scope, agent.agent, request, reader)
        stored = await agent.rows("SELECT content, reasoning FROM messages WHERE role = 'assistant'")
    assert reader.reasoning == "deep thoughts"
    assert stored == [(result.text, "deep thoughts")]


async def test_a_session_goes_on_where_the_turn_before_left_it(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("my name is Grace")
        again = await agent.ask("!history")
    assert again.text == "2 messages before this one, the first was: my name is Grace"


async def test_a_history_given_by_the_caller_replaces_the_stored_one(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("something else")
        result = await agent.ask("!history", history=HISTORY)
    assert result.text == "2 messages before this one, the first was: my name is Grace"


async def test_a_given_history_needs_no_look_into_the_store(open_agent, autojump_clock, monkeypatch):
    async with open_agent() as agent:

        async def read(self, job):
            raise AssertionError("read")

        monkeypatch.setattr(type(agent.scope.db), "read", read)
        assert (await agent.ask("hello", history=())).text


async def test_a_turn_stores_session_messages_and_usage_together(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("hello", history=HISTORY, session_key="key", user_id="u1")
        messages = await agent.rows("SELECT role, content, finish_reason, timestamp FROM messages ORDER BY id")
        session = await agent.rows(
            "SELECT id, source, user_id, session_key, model, title, message_count, output_tokens, api_call_count "
            "FROM sessions"
        )
        usage = await agent.rows(
            "SELECT model, billing_provider, api_call_count, output_tokens FROM session_model_usage"
        )
    now = agent.scope.clock.now()
    assert messages == [
        ("user", "my name is Grace", None, 1.0),
        ("assistant", "hello Grace", None, 2.0),
        ("user", "hello", None, now),
        ("assistant", "Ada here. You said: hello", "stop", now),
    ]
    assert session == [("s", "api_server", "u1", "key", "echo", None, 4, 5, 1)]
    assert usage == [("echo", "builtin", 1, 5)]


async def test_pictures_reach_the_store_as_parts(open_agent, autojump_clock):
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    async with open_agent() as agent:
        await agent.ask(parts)
        stored = await agent.rows("SELECT content FROM messages WHERE role = 'user'")
        answer = await agent.ask("!history")
    assert stored[0][0].startswith('\x00json:[{"type":"text"')
    assert answer.text.endswith("the first was: what is it?")


@pytest.mark.parametrize("text", ["!fail 400", "!drop some words that never", "!fail 500"])
async def test_a_failed_turn_leaves_no_trace_in_the_history(open_agent, autojump_clock, text):
    async with open_agent() as agent:
        with pytest.raises(ModelError):
            await agent.ask(text)
        assert (await agent.ask("!history")).text == "0 messages before this one"


async def test_a_cancelled_turn_leaves_no_trace_in_the_history(open_agent, autojump_clock):
    async with open_agent() as agent:
        for seconds in (0.0, 0.5, 1.0, 1.5):
            with trio.move_on_after(seconds) as cancelled:
                await agent.ask("!tokens 4 500")
            assert cancelled.cancelled_caught
        assert (await agent.ask("!history")).text == "0 messages before this one"
    assert sum("turn cancelled" in line for line in agent.log_lines()) >= 3


async def test_a_failure_before_any_text_is_told_apart_from_one_after_it(open_agent, autojump_clock):
    async with open_agent() as agent:
        with pytest.raises(ModelError) as before:
            await agent.ask("!fail 400")
        with pytest.raises(ModelError) as after:
            await agent.ask("!drop several words and then nothing")
    assert (before.value.partial, after.value.partial) == (False, True)


async def test_a_model_that_asks_for_a_tool_it_does_not_have_is_told_so(open_agent, autojump_clock):
    async with open_agent() as agent:
        result = await agent.ask("!tool rm {}")
        kept = await agent.rows("SELECT role, content FROM messages ORDER BY id")
    assert result.text == 'The tools said: {"error":"Unknown tool: rm"}'
    assert [role for role, _ in kept] == ["user", "assistant", "tool", "assistant"]


async def test_a_model_that_never_stops_using_tools_is_stopped(open_agent, autojump_clock, monkeypatch):
    asked: set[EchoAttempt] = set()

    async def receive(self):
        if self in asked:
            return None
        asked.add(self)
        return [ToolCallDelta(0, "c1", "rm", "{}"), Finish("tool_calls")]

    monkeypatch.setattr(EchoAttempt, "receive", receive)
    async with open_agent(config={"agent": {"max_turns": 3}}) as agent:
        with pytest.raises(ModelError, match="after 3 rounds") as caught:
            await agent.ask("hello")
        assert len(await agent.rows("SELECT * FROM messages")) == 7
    assert caught.value.code == "model_bad_response"


async def test_an_interrupted_step_has_a_result_for_every_call(open_agent, autojump_clock):
    async with open_agent(config={"platform_toolsets": {"api_server": ["delegation"]}}) as agent:
        with trio.move_on_after(5):
            await agent.ask('!tool delegate_task {"goal": "!hang"}\n!also rm {}')
        kept = await agent.rows("SELECT role, tool_name, content FROM messages ORDER BY id")
        assert [(role, name) for role, name, _ in kept] == [
            ("user", None),
            ("assistant", None),
            ("tool", "delegate_task"),
            ("tool", "rm"),
        ]
        assert "interrupted" in kept[2][2]
        assert "Unknown tool" in kept[3][2]
        assert (await agent.ask("!history")).text.startswith("4 messages")


async def test_reasoning_of_an_attempt_that_failed_is_not_stored(open_agent, autojump_clock, monkeypatch):
    lost = ModelError("gone", code="model_unreachable", retryable=True)
    answers = iter(
        [[ReasoningDelta("first try")], lost, [ReasoningDelta("second try"), TextDelta("done"), Finish("stop")]]
    )

    async def receive(self):
        answer = next(answers, None)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(EchoAttempt, "receive", receive)
    async with open_agent() as agent:
        await agent.ask("hello")
        assert await agent.rows("SELECT reasoning FROM messages WHERE reasoning IS NOT NULL") == [("second try",)]


async def test_usage_told_several_times_counts_once(open_agent, autojump_clock, monkeypatch):
    script(monkeypatch, [TextDelta("a"), Usage(5, 1)], [TextDelta("b"), Usage(5, 2), Finish("length")], None)
    async with open_agent() as agent:
        result = await agent.ask("hello")
    assert (result.usage, result.finish_reason) == (Usage(5, 2), "length")


async def test_a_turn_in_which_nothing_happens_is_given_up(open_agent, autojump_clock, monkeypatch):
    script(monkeypatch, [TextDelta("well")], 100_000.0)
    async with open_agent(config={"agent": {"gateway_timeout": 60}}) as agent:
        begun = trio.current_time()
        with pytest.raises(ModelError, match="gateway_timeout") as caught:
            await agent.ask("hello")
        assert 60 <= trio.current_time() - begun <= 62
        assert (caught.value.code, caught.value.partial) == ("model_timeout", True)
        assert (await agent.rows("SELECT count(*) FROM messages")) == [(0,)]


async def test_a_long_turn_in_which_something_happens_is_not_given_up(open_agent, autojump_clock):
    async with open_agent(config={"agent": {"gateway_timeout": 1}}) as agent:
        begun = trio.current_time()
        assert (await agent.ask("!tokens 20 200")).text.endswith("20 ")
        assert trio.current_time() - begun > 3


async def test_no_inactivity_limit_is_a_limit_of_zero(open_agent, autojump_clock):
    async with open_agent(config={"agent": {"gateway_timeout": 0}}) as agent:
        assert (await agent.ask("!sleep 100")).text


async def test_a_slow_reader_slows_the_model_and_loses_nothing(open_agent, autojump_clock):
    seen: list[str] = []

    async def emit(events) -> None:
        await trio.sleep(5)
        seen.extend(event.text for event in events if isinstance(event, TextDelta))

    async with open_agent(config={"agent": {"gateway_timeout": 20}}) as agent:
        request = TurnRequest(turn_id="t", session_id="s", user_message="!tokens 200")
        result = await run_turn(agent.scope, agent.agent, request, emit)
    assert "".join(seen) == result.text


async def test_a_route_chooses_another_model(open_agent, autojump_clock):
    config = {"model": {"default": "nothing", "provider": "nowhere"}}
    async with open_agent(config=config) as agent:
        with pytest.raises(ModelError) as caught:
            await agent.ask("hello")
        assert (caught.value.code, caught.value.profile) == ("provider_unknown", "ada")
        assert (await agent.ask("hello", route=ModelRoute("fast", "builtin/echo", "builtin"))).model == "echo"


async def test_what_tools_ask_models_is_counted_apart_from_the_turn_itself(open_agent, autojump_clock):
    config = {
        "platform_toolsets": {"api_server": ["delegation", "terminal"]},
        "auxiliary": {"approval": {"model": "builtin/echo"}},
        "approvals": {"mode": "smart"},
    }
    async with open_agent(config=config) as agent:
        await agent.ask('!tool delegate_task {"goal": "!tokens 50"}\n!tool terminal {"command": "rm -rf build"}')
        usage = await agent.rows("SELECT task, api_call_count, output_tokens FROM session_model_usage ORDER BY task")
        session = await agent.rows("SELECT api_call_count, output_tokens FROM sessions")
    assert [(task, calls) for task, calls, _ in usage] == [("", 3), ("approval", 1), ("delegation", 1)]
    assert usage[2] == ("delegation", 1, 50)
    assert session == [usage[0][1:]]


async def test_the_effort_of_the_request_counts_before_that_of_the_settings(open_agent, autojump_clock, monkeypatch):
    efforts: list[str] = []
    begin = EchoAttempt.__init__

    def note(self, target, request):
        efforts.append(request.reasoning_effort)
        begin(self, target, request)

    monkeypatch.setattr(EchoAttempt, "__init__", note)
    config = {"agent": {"reasoning_effort": "high"}, "platform_toolsets": {"api_server": ["delegation"]}}
    async with open_agent(config=config) as agent:
        await agent.ask("hello")
        await agent.ask('!tool delegate_task {"goal": "!say done"}', reasoning_effort="low")
    assert efforts == ["high", "low", "low", "low"]


async def test_a_closed_scope_refuses_turns(open_agent, autojump_clock):
    async with open_agent() as agent:
        pass
    with pytest.raises(ScopeClosed):
        await agent.ask("hello")


async def test_turns_of_many_sessions_at_once_keep_their_histories_apart(open_agent, autojump_clock):
    async with open_agent() as agent:

        async def talk(name: str) -> None:
            await agent.ask(f"I am {name}", session_id=name)
            answer = await agent.ask("!history", session_id=name)
            assert answer.text.endswith(f"2 messages before this one, the first was: I am {name}")

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(talk, f"user-{number}")


async def test_a_history_with_unfinished_tool_calls_can_be_continued(open_agent, autojump_clock):
    history = (
        StoredMessage("user", "do it", 1.0),
        StoredMessage("assistant", None, 2.0, tool_calls=(ToolCall("c1", "terminal", "{}"),)),
    )
    async with open_agent() as agent:
        assert (await agent.ask("!history", history=history)).text.startswith("1 messages")


async def test_the_log_tells_of_a_turn_in_the_form_of_hermes(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("hello\nyou", user_id="u1")
        await trio.sleep(1)
        inbound, ready = agent.log_lines("gateway.log")
    assert inbound.endswith(
        r"INFO [s] gateway.turn: inbound message: platform=api_server user=u1 chat=s msg='hello\nyou' "
        "profile=ada#1 turn=4f1c"
    )
    assert ready.endswith(
        "INFO [s] gateway.turn: response ready: platform=api_server user=u1 chat=s time=0.0s api_calls=1 "
        "response=29 chars profile=ada#1 turn=4f1c"
    )


async def test_the_log_shows_no_more_than_the_beginning_of_a_message_and_no_secret(open_agent, autojump_clock):
    secret = canary("ada", "SOME_TOKEN")
    async with open_agent(env={"SOME_TOKEN": secret}) as agent:
        await agent.ask("x" * 70 + secret + "y" * 500)
        await trio.sleep(1)
        inbound = agent.log_lines()[0]
    message = inbound.split("msg='")[1].split("'")[0]
    assert len(message) == 80
    assert "CANARY" not in inbound


async def test_a_failed_turn_is_a_warning_with_its_code(open_agent, autojump_clock):
    async with open_agent() as agent:
        with pytest.raises(ModelError):
            await agent.ask("!fail 400")
        await trio.sleep(1)
        assert any("turn failed" in line and "code=model_" in line for line in agent.log_lines("errors.log"))


async def test_nothing_is_written_when_the_store_fails(open_agent, autojump_clock, monkeypatch):
    async with open_agent() as agent:

        def broken(*args):
            raise sqlite3.OperationalError("disk I/O error")

        await agent.ask("before")
        monkeypatch.setattr("hermes_trio.store.sessions.insert_messages", broken)
        with pytest.raises(Exception, match="disk"):
            await agent.ask("during")
        monkeypatch.undo()
        assert (await agent.ask("!history")).text.startswith("2 messages")


async def test_a_prompt_file_that_cannot_be_read_is_told_with_profile_and_path(open_agent, autojump_clock):
    async with open_agent() as agent:
        agent.scope.home.soul.unlink()
        agent.scope.home.soul.mkdir()
        with pytest.raises(HomeError) as caught:
            await agent.ask("hello")
    assert caught.value.profile == "ada"
    assert "SOUL.md" in str(caught.value)
