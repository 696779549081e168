"""What hooks hear of a turn, and what they may change in it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import trio

from hermes_trio.errors import ModelError
from hermes_trio.models.request import ASIDE_MARK, ChatMessage
from hermes_trio.tools.hooks import Hooks
from hermes_trio.turns.model_hooks import with_context
from hermes_trio.turns.turn import TurnRequest, run_turn
from tests.tools.hook_rig import hooks_config, put_script
from tests.tools.scripted_hooks import ScriptedHooks
from tests.turns.conftest import ignore

TOOLS = {"platform_toolsets": {"api_server": ["delegation", "todo"]}}
TODO = '!tool todo {"todos": [{"id": "1", "content": "dig", "status": "pending"}]}'


def listen(agent, **answers: dict[str, object]) -> ScriptedHooks:
    """Give a profile hooks for these events."""
    hooks = ScriptedHooks(**answers)
    agent.agent.workplace = replace(agent.agent.workplace, hooks=hooks)
    return hooks


def request(text: object, **more: object) -> TurnRequest:
    return TurnRequest("t", "s", text, user_id="grace", **more)


async def test_without_hooks_nothing_is_fired(open_agent, monkeypatch, autojump_clock):
    async def fire(*_args: object) -> None:
        raise AssertionError("nobody listens")

    monkeypatch.setattr(Hooks, "fire", fire)
    monkeypatch.setattr(Hooks, "tell", fire)
    async with open_agent(config=TOOLS) as agent:
        await agent.ask(f"!tool delegate_task {json.dumps({'goal': TODO})}")


async def test_what_hooks_say_before_is_read_with_the_message_but_not_stored(open_agent, autojump_clock):
    async with open_agent() as agent:
        hooks = listen(agent, pre_llm_call={"context": "It rains."})
        said = (await agent.ask("hello", user_id="grace")).text
        assert await agent.rows("SELECT content FROM messages WHERE role = 'user'") == [("hello",)]
    assert said == "Ada here. You said: hello\n\nIt rains."
    context = hooks.context("pre_llm_call")
    assert (context["user_message"], context["is_first_turn"], context["model"]) == ("hello", True, "echo")
    assert (context["session_id"], context["platform"], context["user_id"]) == ("s", "api_server", "grace")


async def test_what_hooks_say_counts_for_one_turn(open_agent, autojump_clock):
    async with open_agent() as agent:
        hooks = listen(agent, pre_llm_call={"context": "It rains."})
        await agent.ask("hello")
        listen(agent)
        assert (await agent.ask("and now?")).text == "Ada here. You said: and now?"
    assert hooks.events == ["pre_llm_call"]


def test_context_follows_the_question_and_not_what_was_said_into_the_work():
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    question, aside = ChatMessage("user", (image,)), ChatMessage("user", f"{ASIDE_MARK} faster")
    changed, same = with_context([question, aside], "It rains.")
    assert changed.content == (image, {"type": "text", "text": "It rains."})
    assert same is aside


async def test_a_hook_replaces_the_answer_before_anybody_sees_it(open_agent, reader, autojump_clock):
    async with open_agent() as agent:
        hooks = listen(agent, transform_llm_output={"text": "Better."}, post_llm_call={})
        result = await run_turn(agent.scope, agent.agent, request("hello"), reader)
        stored = await agent.rows("SELECT content FROM messages WHERE role = 'assistant'")
    assert (result.text, reader.text, stored) == ("Better.", "Better.", [("Better.",)])
    assert hooks.context("transform_llm_output")["response_text"] == "Ada here. You said: hello"
    assert hooks.context("post_llm_call")["assistant_response"] == "Better."


async def test_an_answer_stays_as_it_is_when_the_hook_says_nothing(open_agent, reader, autojump_clock):
    async with open_agent(config=TOOLS) as agent:
        listen(agent, transform_llm_output={})
        result = await run_turn(agent.scope, agent.agent, request(TODO), reader)
    assert reader.text == result.text
    assert "dig" in result.text


async def test_a_model_that_fails_shows_nothing_that_a_hook_could_have_changed(open_agent, reader, autojump_clock):
    async with open_agent() as agent:
        listen(agent, transform_llm_output={"text": "Better."})
        with pytest.raises(ModelError):
            await run_turn(agent.scope, agent.agent, request("!drop half an answer"), reader)
    assert reader.text == ""


async def test_hooks_hear_of_each_request_to_the_model(open_agent, autojump_clock):
    async with open_agent(config=TOOLS) as agent:
        hooks = listen(agent, pre_api_request={}, post_api_request={}, api_request_error={})
        await agent.ask(TODO)
    assert hooks.events == ["pre_api_request", "post_api_request"] * 2
    first, last = hooks.told[0][1], hooks.told[-1][1]
    assert (first["provider"], first["model"], first["api_call_count"], first["message_count"]) == (
        "builtin",
        "echo",
        1,
        2,
    )
    assert (last["api_call_count"], last["finish_reason"], last["assistant_tool_call_count"]) == (2, "stop", 0)
    assert last["usage"]["output_tokens"] > 0


async def test_hooks_hear_why_a_request_failed(open_agent, autojump_clock):
    async with open_agent() as agent:
        hooks = listen(agent, post_api_request={}, api_request_error={})
        with pytest.raises(ModelError) as caught:
            await agent.ask("!fail 401")
    assert hooks.events == ["api_request_error"]
    context = hooks.context("api_request_error")
    assert (context["error_code"], context["retryable"]) == (caught.value.code, False)


async def test_hooks_hear_once_that_a_session_begins_and_of_the_end_of_each_turn(open_agent, autojump_clock):
    async with open_agent() as agent:
        hooks = listen(agent, on_session_start={}, on_session_end={})
        await agent.ask("hello")
        await agent.ask("again")
    assert hooks.events == ["on_session_start", "on_session_end", "on_session_end"]
    assert hooks.told[0][1]["model"] == "echo"
    assert (hooks.told[1][1]["completed"], hooks.told[1][1]["interrupted"]) == (True, False)


async def test_hooks_hear_of_a_turn_that_failed(open_agent, autojump_clock):
    async with open_agent() as agent:
        hooks = listen(agent, on_session_end={})
        with pytest.raises(ModelError):
            await agent.ask("!fail 401")
    context = hooks.context("on_session_end")
    assert (context["completed"], context["interrupted"]) == (False, False)


async def test_hooks_of_an_interrupted_turn_have_two_seconds(open_agent, autojump_clock):
    class SlowHooks(ScriptedHooks):
        async def tell(self, event, context):
            self.told.append((event, context))
            await trio.sleep_forever()

    async with open_agent() as agent:
        hooks = SlowHooks(on_session_end={})
        agent.agent.workplace = replace(agent.agent.workplace, hooks=hooks)
        begun = trio.current_time()
        with trio.move_on_after(1):
            await run_turn(agent.scope, agent.agent, request("!hang"), ignore)
        took = trio.current_time() - begun
    context = hooks.context("on_session_end")
    assert (context["completed"], context["interrupted"]) == (False, True)
    assert took == pytest.approx(3)


async def test_hooks_hear_of_child_agents(open_agent, autojump_clock):
    async with open_agent(config=TOOLS) as agent:
        hooks = listen(agent, subagent_start={}, subagent_stop={})
        await agent.ask(f"!tool delegate_task {json.dumps({'goal': 'dig'})}")
    assert hooks.events == ["subagent_start", "subagent_stop"]
    context = hooks.context("subagent_stop")
    assert (context["child_goal"], context["child_role"], context["child_depth"]) == ("dig", "leaf", 1)
    assert (context["child_status"], context["child_summary"]) == ("completed", "Echo here. You said: dig")
    assert context["parent_session_id"] == "s"


@pytest.mark.parametrize(("goal", "status"), [("!fail 401", "failed"), ("!hang", "timeout")])
async def test_hooks_hear_how_a_child_agent_ended(open_agent, autojump_clock, goal, status):
    config = {**TOOLS, "delegation": {"child_timeout_seconds": 30}}
    async with open_agent(config=config) as agent:
        hooks = listen(agent, subagent_stop={})
        await agent.ask(f"!tool delegate_task {json.dumps({'goal': goal})}")
    context = hooks.context("subagent_stop")
    assert context["child_status"] == status
    assert (context["duration_ms"] >= 30_000) is (status == "timeout")


@pytest.mark.slow  # real processes
async def test_commands_of_the_settings_are_heard_in_a_turn(tmp_path, open_agent):
    add = put_script(tmp_path, "add.py", 'print(json.dumps({"context": "It rains."}))')
    change = put_script(
        tmp_path, "change.py", 'print(json.dumps({"text": json.load(sys.stdin)["extra"]["response_text"].upper()}))'
    )
    seen = put_script(tmp_path, "seen.py", 'open(__file__ + ".json", "w").write(sys.stdin.read())')
    config = hooks_config(
        ("pre_llm_call", str(add)), ("transform_llm_output", str(change)), ("on_session_end", str(seen))
    )
    async with open_agent(config=dict(config)) as agent:
        assert (await agent.ask("hello")).text == "ADA HERE. YOU SAID: HELLO\n\nIT RAINS."
    told = json.loads((tmp_path / "seen.py.json").read_text())
    assert (told["hook_event_name"], told["session_id"], told["extra"]["completed"]) == ("on_session_end", "s", True)
