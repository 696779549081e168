"""Children of a turn, and children of theirs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import trio

from hermes_trio.home.agent_config import DelegationConfig
from hermes_trio.tools.approval import ApprovalQuestion
from hermes_trio.tools.danger_names import HARDLINE_KEYS
from hermes_trio.tools.selection import make_selection
from hermes_trio.tools.tool import Tool
from hermes_trio.tools.tool_turn import DelegatedTask
from hermes_trio.turns import delegation as delegation_module
from hermes_trio.turns.budget import BudgetExceeded
from hermes_trio.turns.delegation import is_for_child

SCHEMA = {"type": "object"}
TODO = '!tool todo {"todos": [{"id": "1", "content": "dig"}]}'


def config(toolsets: tuple[str, ...] = ("delegation", "todo"), **delegation: object) -> dict[str, object]:
    return {"platform_toolsets": {"api_server": list(toolsets)}, "delegation": delegation}


def hand_over(goal: str, **more: object) -> str:
    """The message that lets an agent hand a task on."""
    return f"!tool delegate_task {json.dumps({'goal': goal, **more})}"


def hand_down(goal: str, generations: int) -> str:
    """The message that lets so many generations hand a task on; all but the last may."""
    for _ in range(generations):
        goal = hand_over(goal, role="orchestrator")
    return goal


async def test_children_have_no_children_unless_the_settings_say_so(open_agent, autojump_clock):
    async with open_agent(config=config()) as agent:
        said = (await agent.ask(hand_down(TODO, 2))).text
    assert "Unknown tool: delegate_task" in said
    assert "dig" not in said.split("Unknown tool")[1]


async def test_an_orchestrator_hands_parts_of_its_task_on(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=2)) as agent:
        said = (await agent.ask(hand_down(TODO, 2))).text
        spent = await agent.rows("SELECT task, api_call_count FROM session_model_usage ORDER BY task")
    assert "Unknown tool" not in said
    assert "pending" in said
    assert spent == [("", 2), ("delegation", 4)], "what grandchildren cost is the turn's as well"


async def test_no_generation_is_below_the_last_one(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=2)) as agent:
        assert "Unknown tool: delegate_task" in (await agent.ask(hand_down(TODO, 3))).text


async def test_a_leaf_hands_nothing_on(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=3)) as agent:
        said = (await agent.ask(hand_over(hand_over(TODO), role="leaf"))).text
    assert "Unknown tool: delegate_task" in said


async def test_orchestrators_can_be_switched_off(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=3, orchestrator_enabled=False)) as agent:
        assert "Unknown tool: delegate_task" in (await agent.ask(hand_down(TODO, 2))).text


async def test_a_depth_of_nothing_is_no_delegation(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=0)) as agent:
        assert "Unknown tool: delegate_task" in (await agent.ask(hand_over(TODO))).text


async def test_a_role_for_all_tasks_counts_where_a_task_has_none(open_agent, autojump_clock):
    tasks = [{"goal": hand_over(TODO)}, {"goal": hand_over(TODO), "role": "leaf"}]
    async with open_agent(config=config(max_spawn_depth=2)) as agent:
        text = f"!tool delegate_task {json.dumps({'tasks': tasks, 'role': 'orchestrator'})}"
        results = json.loads((await agent.ask(text)).text.removeprefix("The tools said: "))["results"]
    assert ["Unknown tool" in one["summary"] for one in results] == [False, True]


async def test_all_generations_end_with_the_turn(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=3)) as agent:
        with trio.move_on_after(5):
            await agent.ask(hand_down("!hang", 3))
        assert trio.current_time() < 6
        assert "interrupted" in (await agent.rows("SELECT content FROM messages WHERE role = 'tool'"))[0][0]


async def test_a_childs_time_is_that_of_its_children_too(open_agent, autojump_clock):
    async with open_agent(config=config(max_spawn_depth=2, child_timeout_seconds=30)) as agent:
        said = (await agent.ask(hand_down("!hang", 2))).text
    assert "given up after 30 s" in said
    assert trio.current_time() < 40


async def test_the_budget_is_that_of_the_turn(open_agent, autojump_clock):
    settings = {**config(max_spawn_depth=2), "budget": {"tokens": 1, "window": "day"}}
    async with open_agent(config=settings) as agent:
        with pytest.raises(BudgetExceeded):
            await agent.ask(hand_down(TODO, 2))
        spent = await agent.rows("SELECT task, api_call_count FROM session_model_usage")
    assert spent == [("", 1)]


# What they may do


def tool(name: str, toolset: str) -> Tool:
    async def run(scope, turn, arguments):
        return ""

    return Tool(name, "", SCHEMA, toolset, run)


TOOLS = make_selection(
    (tool("terminal", "terminal"), tool("todo", "todo"), tool("memory", "memory"), tool("mcp__maps__find", "maps"))
).tools


def names(task: DelegatedTask, **settings: bool) -> list[str]:
    return [one.name for one in TOOLS.values() if is_for_child(one, task, DelegationConfig(**settings), False)]


def test_a_child_with_fewer_toolsets_keeps_its_parents_mcp_tools():
    assert names(DelegatedTask("x")) == ["terminal", "todo", "mcp__maps__find"]
    assert names(DelegatedTask("x", toolsets=("todo",))) == ["todo", "mcp__maps__find"]
    assert names(DelegatedTask("x", toolsets=("todo",)), inherit_mcp_toolsets=False) == ["todo"]
    assert names(DelegatedTask("x", toolsets=("maps",)), inherit_mcp_toolsets=False) == ["mcp__maps__find"]


async def test_children_need_consent_unless_the_settings_trust_them(open_agent, autojump_clock, monkeypatch):
    asked = []
    make = delegation_module.make_tool_turn

    def remember(*args: object, **kwargs: bool):
        asked.append(make(*args, **kwargs))
        return asked[-1]

    monkeypatch.setattr(delegation_module, "make_tool_turn", remember)
    question = ApprovalQuestion("rm -rf build", ("rm_recursive",), "deletes a folder")
    for trusted in (False, True):
        settings = {**config(subagent_auto_approve=trusted), "approvals": {"mode": "manual"}}
        async with open_agent(name=f"ada{trusted}".lower(), config=settings) as agent:
            await agent.ask(hand_over("!say done"))
            assert (await asked[-1].approve(question)).allowed is trusted
            never = replace(question, pattern_keys=(*question.pattern_keys, min(HARDLINE_KEYS)))
            assert not (await asked[-1].approve(never)).allowed
