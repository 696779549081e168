"""What a generation of a profile's agent shares between its turns."""

from __future__ import annotations

import json

import pytest
import trio

from hermes_trio.turns.agent import open_agent as open_turn_agent
from hermes_trio.turns.place import Place
from hermes_trio.turns.turn import TurnRequest, run_turn
from tests.turns.conftest import ignore

BACKGROUND = '!tool terminal {"command": "echo hello; exit 3", "background": true, "notify_on_complete": true}'
CONFIG = {"platform_toolsets": {"telegram": ["terminal"]}, "approvals": {"mode": "off"}}


@pytest.mark.slow  # a real process
async def test_the_end_of_a_background_command_is_told_to_whoever_opened_the_agent(open_agent):
    notices, told = [], trio.Event()

    def notify(notice) -> None:
        notices.append(notice)
        told.set()

    async with open_agent(config=CONFIG) as profile, open_turn_agent(profile.scope, notify) as agent:
        chat = {"session_key": "agent:ada:telegram:dm:7", "place": Place("7", "dm")}
        request = TurnRequest("t", "s", BACKGROUND, source="telegram", **chat)
        result = await run_turn(profile.scope, agent, request, ignore)
        with trio.fail_after(10):
            await told.wait()
    reply = json.loads(result.text.removeprefix("The tools said: "))
    assert "nothing is reported" not in reply["hint"]
    (notice,) = notices
    assert (notice.entry.session_id, notice.exit_code, notice.output) == (reply["session_id"], 3, "hello\n")
    assert (notice.entry.task_id, notice.entry.session_key) == ("s", "agent:ada:telegram:dm:7")


@pytest.mark.slow  # a real process
async def test_who_asks_over_http_is_told_that_nothing_is_reported(open_agent):
    config = {**CONFIG, "platform_toolsets": {"api_server": ["terminal"]}}
    async with open_agent(config=config) as profile, open_turn_agent(profile.scope, lambda _: None) as agent:
        request = TurnRequest("t", "s", BACKGROUND, session_key="notes-of-ann")
        result = await run_turn(profile.scope, agent, request, ignore)
    assert "nothing is reported here" in result.text
