"""A to-do list lasts as long as its session."""

from __future__ import annotations

import json

from hermes_trio.store.messages import StoredMessage

CONFIG = {"platform_toolsets": {"api_server": ["todo", "delegation"]}}
WRITE = '!tool todo {"todos": [{"id": "1", "content": "dig"}]}'
SHOW = "!tool todo {}"


async def listed(agent, text: str = SHOW, **changes: object) -> list[str]:
    """What is on the list that a turn sees."""
    said = (await agent.ask(text, **changes)).text.removeprefix("The tools said: ")
    return [item["content"] for item in json.loads(said)["todos"]]


async def test_the_next_turn_of_a_session_has_its_list(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        assert await listed(agent, WRITE) == ["dig"]
        assert await listed(agent) == ["dig"]
        assert await listed(agent, session_id="other") == []


async def test_the_list_comes_back_after_a_restart(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        await agent.ask(WRITE)
    async with open_agent(config=CONFIG) as agent:
        assert await listed(agent) == ["dig"]


async def test_a_child_has_a_list_of_its_own(open_agent, autojump_clock):
    child = json.dumps({"goal": '!tool todo {"todos": [{"id": "9", "content": "fly"}]}'})
    async with open_agent(config=CONFIG) as agent:
        await agent.ask(f"{WRITE}\n!tool delegate_task {child}")
        assert await listed(agent) == ["dig"]


async def test_a_caller_who_brings_the_history_along_has_the_list_in_it(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        await agent.ask(WRITE)
        assert await listed(agent, history=()) == []
        reply = '{"todos": [{"id": "1", "content": "swim", "status": "pending"}]}'
        told = StoredMessage("tool", reply, 0.0, tool_call_id="c", tool_name="todo")
        assert await listed(agent, history=(told,)) == ["swim"]
