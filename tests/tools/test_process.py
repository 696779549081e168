"""The tool ``process``: looks after background commands."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.io.process_table import session_members
from hermes_trio.testing.home import ProfileFiles
from hermes_trio.tools.approval import ApprovalAnswer
from hermes_trio.tools.tool import ToolError
from tests.tools.terminal_rig import open_profile, open_profiles


async def finished(bob, process_id: str) -> dict[str, object]:
    return await bob.call("process", action="wait", session_id=process_id, timeout=10)


async def wait_for_output(bob, process_id: str, text: str) -> None:
    with trio.fail_after(5):
        while text not in bob.processes.find(process_id).output.text():
            await trio.sleep(0.005)


async def test_a_background_command_is_named_and_goes_on(tmp_path):
    async with open_profile(tmp_path) as bob:
        reply = await bob.call("terminal", command="sleep 300", background=True)
        assert reply["session_id"].startswith("proc_")
        assert len(reply["session_id"]) == len("proc_") + 12
        assert reply["session_id"] in reply["hint"]
        state = await bob.call("process", action="poll", session_id=reply["session_id"])
        assert state == {
            "session_id": reply["session_id"],
            "status": "running",
            "exit_code": None,
            "pid": reply["pid"],
            "output": "",
        }


async def test_its_end_can_be_waited_for(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("echo done; exit 4")
        state = await finished(bob, process_id)
    assert (state["status"], state["exit_code"], state["output"], state["timed_out"]) == ("exited", 4, "done\n", False)


async def test_waiting_ends_after_its_time_and_the_command_goes_on(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("sleep 300")
        state = await bob.call("process", action="wait", session_id=process_id, timeout=0)
        assert (state["status"], state["timed_out"]) == ("running", True)


async def test_a_poll_shows_what_came_since_the_last_one(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("echo one; read x; echo two; sleep 300")
        await wait_for_output(bob, process_id, "one")
        assert (await bob.call("process", action="poll", session_id=process_id))["output"] == "one\n"
        await bob.call("process", action="submit", session_id=process_id)
        await wait_for_output(bob, process_id, "two")
        assert (await bob.call("process", action="poll", session_id=process_id))["output"] == "two\n"


async def test_the_log_is_read_page_by_page(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("seq 1000")
        await finished(bob, process_id)
        page = await bob.call("process", action="log", session_id=process_id, offset=10, limit=2)
        assert (page["output"], page["total_lines"], page["showing"]) == ("11\n12", 1000, "10-12")
        last = await bob.call("process", action="log", session_id=process_id)
        assert last["output"].splitlines()[0] == "801"
        assert last["output"].endswith("\n1000")


async def test_what_is_written_is_read(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("cat")
        assert (await bob.call("process", action="write", session_id=process_id, data="a"))["bytes_written"] == 1
        assert (await bob.call("process", action="submit", session_id=process_id, data="b"))["bytes_written"] == 2
        await bob.call("process", action="close", session_id=process_id)
        assert (await finished(bob, process_id))["output"] == "ab\n"
        with pytest.raises(ToolError, match="input is closed"):
            await bob.call("process", action="write", session_id=process_id, data="c")


async def test_what_is_typed_into_a_shell_must_be_allowed_too(tmp_path, monkeypatch):
    async def check(scope, turn, command, folder):
        return ApprovalAnswer(allowed="rm" not in command, reason="Not run: no.")

    monkeypatch.setattr("hermes_trio.tools.terminal.check_command", check)
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("bash")
        with pytest.raises(ToolError, match="Not run: no"):
            await bob.call("process", action="submit", session_id=process_id, data="rm -rf ~")


async def test_a_killed_command_is_gone_with_all_it_started(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("sleep 300 & echo up; wait")
        await wait_for_output(bob, process_id, "up")
        state = await bob.call("process", action="kill", session_id=process_id)
        assert (state["status"], state["exit_code"]) == ("killed", 143)
        assert session_members(state["pid"]) == set()
        again = await bob.call("process", action="kill", session_id=process_id)
        assert again["status"] == "already_exited"


async def test_the_list_shows_all_of_the_profile(tmp_path):
    async with open_profile(tmp_path) as bob:
        ids = [await bob.background(f"echo {number}") for number in range(3)]
        for process_id in ids:
            await finished(bob, process_id)
        bob.scope.clock.advance(5)
        listed = (await bob.call("process", action="list"))["processes"]
    assert [entry["session_id"] for entry in listed] == ids
    assert listed[1] == {
        "session_id": ids[1],
        "status": "exited",
        "exit_code": 0,
        "pid": listed[1]["pid"],
        "command": "echo 1",
        "cwd": str(tmp_path / "profiles" / "bob"),
        "uptime_seconds": 5,
        "output_preview": "1\n",
    }


async def test_no_other_profile_can_see_or_touch_it(tmp_path):
    async with open_profiles(tmp_path, {"ada": ProfileFiles(), "bob": ProfileFiles()}) as profiles:
        process_id = await profiles["ada"].background("sleep 300")
        assert await profiles["bob"].call("process", action="list") == {"processes": []}
        for action in ("poll", "log", "wait", "kill", "write", "submit", "close"):
            with pytest.raises(ToolError, match="no such process"):
                await profiles["bob"].call("process", action=action, session_id=process_id, data="x")
        state = await profiles["ada"].call("process", action="poll", session_id=process_id)
        assert state["status"] == "running"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"action": "poll"}, "needs the session_id"), ({"action": "kill", "session_id": "proc_0"}, "no such process")],
)
async def test_a_process_that_is_not_there_is_said(tmp_path, arguments, said):
    async with open_profile(tmp_path) as bob:
        with pytest.raises(ToolError, match=said):
            await bob.call("process", **arguments)
