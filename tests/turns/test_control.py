"""What the owner of a turn sees of it while it runs, and says into it."""

from __future__ import annotations

import trio

from hermes_trio.store.exchanges import exchange_starts
from hermes_trio.store.sessions import load_conversation
from hermes_trio.turns.compression_text import latest_request
from hermes_trio.turns.control import MOST_CHARACTERS, MOST_STEERED, TurnControl
from hermes_trio.turns.events import ToolStarted, UsageReported
from hermes_trio.turns.history import to_chat_messages
from hermes_trio.turns.turn import TurnRequest, run_turn

DELEGATE = {"platform_toolsets": {"api_server": ["delegation", "todo"]}}
CHILD = '!tool delegate_task {"goal": "!sleep 30"}'


class Owner:
    """Runs one turn and does something at the first event of a kind."""

    def __init__(self, agent, text: str, kind: type, action) -> None:
        self.agent = agent
        self.control = TurnControl()
        self.request = TurnRequest("t", "s", text, control=self.control)
        self._kind = kind
        self._action = action

    async def emit(self, events) -> None:
        if any(isinstance(event, self._kind) for event in events) and self._action is not None:
            action, self._action = self._action, None
            action(self.control)

    async def run(self):
        return await run_turn(self.agent.scope, self.agent.agent, self.request, self.emit)


async def test_what_is_said_into_a_turn_is_read_after_the_next_tools_results(open_agent, autojump_clock):
    async with open_agent(config=DELEGATE) as agent:
        owner = Owner(agent, "!tool todo {}\n!also todo {}", ToolStarted, lambda control: control.steer("in French"))
        result = await owner.run()
        rows = await agent.rows("SELECT role, content FROM messages ORDER BY id")
    assert [role for role, _ in rows] == ["user", "assistant", "tool", "tool", "user", "assistant"]
    assert rows[4][1].endswith("while you were working]\nin French")
    assert not any("French" in text for role, text in rows[:4] if text)
    assert "in French" in result.text
    assert (owner.control.taken(), owner.control.leftover()) == (("in French",), ())


async def test_what_the_model_no_longer_reads_is_left_over(open_agent, autojump_clock):
    async with open_agent() as agent:
        owner = Owner(agent, "hello", UsageReported, lambda control: control.steer("and Bob"))
        result = await owner.run()
        assert await agent.rows("SELECT count(*) FROM messages") == [(2,)]
    assert "Bob" not in result.text
    assert (owner.control.taken(), owner.control.leftover()) == ((), ("and Bob",))


async def test_what_was_said_before_the_turn_began_is_read_as_well(open_agent, autojump_clock):
    async with open_agent(config=DELEGATE) as agent:
        owner = Owner(agent, "!tool todo {}", ToolStarted, None)
        assert owner.control.steer("early")
        assert "early" in (await owner.run()).text


async def test_a_turn_that_has_ended_takes_no_more(open_agent, autojump_clock):
    async with open_agent() as agent:
        owner = Owner(agent, "hello", ToolStarted, None)
        await owner.run()
        assert owner.control.steer("too late") is False
        failing = Owner(agent, "!hang", ToolStarted, None)
        with trio.move_on_after(1):
            await failing.run()
        assert failing.control.steer("too late") is False


async def test_no_more_is_taken_than_a_turn_can_hold(autojump_clock):
    control = TurnControl()
    assert [control.steer("x") for _ in range(MOST_STEERED + 1)] == [True] * MOST_STEERED + [False]
    assert TurnControl().steer("x" * (MOST_CHARACTERS + 1)) is False


async def test_an_interrupted_round_takes_nothing(open_agent, autojump_clock):
    async with open_agent(config=DELEGATE) as agent:
        owner = Owner(agent, CHILD, ToolStarted, lambda control: control.steer("stop that"))
        with trio.move_on_after(5):
            await owner.run()
        ((text,),) = await agent.rows("SELECT content FROM messages WHERE role = 'tool'")
    assert "interrupted" in text
    assert owner.control.leftover() == ("stop that",)


async def test_the_owner_sees_which_tool_runs_and_how_often_the_model_answered(open_agent, autojump_clock):
    seen = []
    async with open_agent(config=DELEGATE) as agent:
        owner = Owner(agent, f"!tool todo {{}}\n{CHILD}", ToolStarted, None)

        async def look() -> None:
            seen.append((owner.control.current_tool, owner.control.api_calls))
            await trio.sleep(10)
            seen.append((owner.control.current_tool, owner.control.api_calls))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            await owner.run()
        seen.append((owner.control.current_tool, owner.control.api_calls))
    assert seen == [("", 0), ("delegate_task", 2), ("", 3)]


async def test_silence_is_no_activity_and_a_working_tool_is(open_agent, autojump_clock):
    idle = {}
    async with open_agent(config=DELEGATE) as agent:
        for text in ("!sleep 30", CHILD):
            owner = Owner(agent, text, ToolStarted, None)

            async def look(owner=owner, text=text) -> None:
                await trio.sleep(28)
                idle[text] = trio.current_time() - owner.control.last_activity

            async with trio.open_nursery() as nursery:
                nursery.start_soon(look)
                await owner.run()
    assert 27 < idle["!sleep 30"] <= 28
    assert idle[CHILD] <= 5


async def test_a_control_that_no_turn_has_seen_knows_when_it_was_made(autojump_clock):
    control, made = TurnControl(), trio.current_time()
    await trio.sleep(5)
    assert (control.last_activity, control.current_tool, control.api_calls) == (made, "", 0)


async def test_what_was_said_into_a_turn_is_no_request_of_its_own(open_agent, autojump_clock):
    async with open_agent(config=DELEGATE) as agent:
        await Owner(agent, "!tool todo {}", ToolStarted, lambda control: control.steer("in French")).run()
        rows = (await load_conversation(agent.scope, "s")).messages
        later = (await agent.ask("hello")).text
    assert exchange_starts(rows) == [0]
    assert latest_request(to_chat_messages(rows)).startswith("!tool todo {}\n\n[A message of the user")
    assert later == "Ada here. You said: hello"
