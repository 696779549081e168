"""What a turn makes of the place its message came from."""

from __future__ import annotations

import json

import pytest
import trio

from hermes_trio.models.events import Usage
from hermes_trio.turns.events import UsageReported
from hermes_trio.turns.place import Place
from hermes_trio.turns.turn import TurnRequest, run_turn
from hermes_trio.turns.turn_hooks import tell_session_end, tell_session_reset

PLACE = Place(
    chat_id="-100",
    chat_type="group",
    thread_id="7",
    chat_name="Family",
    user_name="Grace",
    message_id="m1",
    transport_profile="concierge",
)
COLUMNS = "SELECT chat_id, chat_type, thread_id, display_name, profile_name FROM sessions"
HOOK = """
import json, pathlib
def handle(event, context):
    with open(pathlib.Path(__file__).with_name("heard"), "a") as file:
        file.write(json.dumps([event, context]) + "\\n")
"""
EVENTS = "[agent:start, agent:step, agent:end, session:start, session:end, session:reset]"


# Handlers run in threads, which the jumping clock would not wait for: tests with hooks take their time.


def write_hook(tmp_path) -> None:
    folder = tmp_path / "profiles" / "ada" / "hooks" / "listener"
    folder.mkdir(parents=True)
    (folder / "HOOK.yaml").write_text(f"events: {EVENTS}\n")
    (folder / "handler.py").write_text(HOOK)


def heard(agent) -> dict[str, dict[str, object]]:
    lines = (agent.home / "hooks" / "listener" / "heard").read_text().splitlines()
    return dict(json.loads(line) for line in lines)


async def test_a_session_is_stored_with_its_place(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("hello", place=PLACE, source="telegram")
        assert await agent.rows(COLUMNS) == [("-100", "group", "7", "Family", None)]


async def test_a_session_that_has_no_place_gets_one_and_keeps_it(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("hello")
        assert await agent.rows(COLUMNS) == [(None, None, None, None, None)]
        for place in (PLACE, Place(chat_id="5", chat_type="dm"), None):
            await agent.ask("hello", place=place)
        assert await agent.rows(COLUMNS) == [("-100", "group", "7", "Family", None)]


async def test_hooks_are_told_of_the_place(open_agent, tmp_path):
    write_hook(tmp_path)
    async with open_agent() as agent:
        await agent.ask("hello", place=PLACE, source="telegram", user_id="u1")
        told = heard(agent)
    for event in ("agent:start", "agent:end"):
        place = {key: told[event][key] for key in ("platform", "user_id", "chat_id", "thread_id", "chat_type")}
        assert place == {
            "platform": "telegram",
            "user_id": "u1",
            "chat_id": "-100",
            "thread_id": "7",
            "chat_type": "group",
        }


async def test_hooks_are_told_of_each_round_of_tools(open_agent, tmp_path):
    write_hook(tmp_path)
    async with open_agent(config={"platform_toolsets": {"api_server": ["todo", "delegation"]}}) as agent:
        await agent.ask('!tool delegate_task {"goal": "!tool todo {}"}\n!tool todo {}\n!also rm {}', user_id="u1")
        lines = (agent.home / "hooks" / "listener" / "heard").read_text().splitlines()
        steps = [context for event, context in map(json.loads, lines) if event == "agent:step"]
    assert [(step["iteration"], step["tool_names"]) for step in steps] == [(1, ["delegate_task"]), (2, ["todo", "rm"])]
    assert steps[1]["tools"][1] == {"name": "rm", "result": '{"error":"Unknown tool: rm"}'}
    assert (steps[0]["platform"], steps[0]["user_id"], steps[0]["session_id"]) == ("api_server", "u1", "s")


@pytest.mark.parametrize(("tell", "event"), [(tell_session_end, "session:end"), (tell_session_reset, "session:reset")])
async def test_hooks_are_told_of_the_end_of_a_session(open_agent, tmp_path, tell, event):
    write_hook(tmp_path)
    async with open_agent() as agent:
        await tell(agent.agent.workplace.hooks, platform="telegram", user_id="u1", session_key="k")
        assert heard(agent) == {event: {"platform": "telegram", "user_id": "u1", "session_key": "k"}}


@pytest.mark.slow  # a real process
async def test_commands_are_told_of_the_place(open_agent):
    config = {"platform_toolsets": {"telegram": ["terminal"]}, "approvals": {"mode": "off"}}
    call = '!tool terminal {"command": "env | grep HERMES_SESSION | sort"}'
    async with open_agent(config=config) as agent:
        answer = await agent.ask(call, source="telegram", place=PLACE, session_key="k", user_id="u1")
        output = json.loads(answer.text.removeprefix("The tools said: "))["output"]
    assert dict(line.removeprefix("HERMES_SESSION_").split("=") for line in output.split()) == {
        "PROFILE": "ada",
        "PLATFORM": "telegram",
        "SOURCE": "telegram",
        "ID": "s",
        "KEY": "k",
        "USER_ID": "u1",
        "USER_NAME": "Grace",
        "CHAT_ID": "-100",
        "CHAT_NAME": "Family",
        "THREAD_ID": "7",
        "MESSAGE_ID": "m1",
    }


async def test_what_is_known_of_the_place_stands_before_the_memory_and_stays(open_agent, autojump_clock):
    async with open_agent() as agent:
        (agent.home / "memories").mkdir()
        (agent.home / "memories" / "MEMORY.md").write_text("likes tea")
        await trio.sleep(2)
        prompt = await agent.prompt(context_text="You are in a Telegram group.\n")
        before, after = prompt.split("\n\nYou are in a Telegram group.\n\n")
        assert before.startswith("You are Ada.")
        assert "likes tea" in after
        assert "likes tea" not in before
        assert await agent.prompt(context_text="You are elsewhere.") == prompt
        assert "Telegram" not in await agent.prompt(session_id="another")


async def test_the_log_says_where_a_message_came_from(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("hello", place=PLACE, source="telegram")
        await trio.sleep(1)
        assert "chat=s place=-100/7 transport=concierge msg='hello'" in agent.log_lines("gateway.log")[0]


async def test_the_usage_of_each_model_call_is_an_event(open_agent, reader, autojump_clock):
    async with open_agent(config={"platform_toolsets": {"api_server": ["todo"]}}) as agent:
        request = TurnRequest("t", "s", "!tool todo {}")
        result = await run_turn(agent.scope, agent.agent, request, reader)
    reports = [event for event in reader.events if isinstance(event, UsageReported)]
    assert [report.model for report in reports] == ["echo", "echo"]
    total = Usage(sum(one.usage.input_tokens for one in reports), sum(one.usage.output_tokens for one in reports))
    assert total == result.usage
