"""The tool ``execute_code``: Python in a process of its own."""

from __future__ import annotations

import pytest

from hermes_trio.tools import execute_code
from hermes_trio.tools.approval import ApprovalAnswer
from hermes_trio.tools.tool import ToolError
from tests.tools.terminal_rig import open_profile


async def test_it_returns_what_was_printed(tmp_path):
    async with open_profile(tmp_path) as bob:
        reply = await bob.call("execute_code", code="import os\nprint('ü', 6 * 7)\nprint(os.getcwd())")
    assert reply.pop("duration_seconds") >= 0
    assert reply == {
        "status": "success",
        "output": f"ü 42\n{tmp_path}/profiles/bob\n",
        "exit_code": 0,
        "tool_calls_made": 0,
        "stdout_truncated": False,
    }


async def test_an_error_is_told_apart_from_the_output(tmp_path):
    async with open_profile(tmp_path) as bob:
        reply = await bob.call("execute_code", code="print('before')\n1 / 0")
    assert (reply["status"], reply["exit_code"], reply["output"]) == ("error", 1, "before\n")
    assert "line 2" in reply["error"]
    assert reply["error"].endswith("ZeroDivisionError: division by zero\n")


async def test_it_is_asked_about_each_time(tmp_path):
    async with open_profile(tmp_path) as bob:
        await bob.call("execute_code", code="print(1)")
        (question,) = bob.questions
        assert (question.command, question.pattern_keys, question.shell) == ("print(1)", ("execute_code",), False)
        bob.answer = ApprovalAnswer(allowed=False, reason="Not run: the user said no.")
        with pytest.raises(ToolError, match="the user said no"):
            await bob.call("execute_code", code="open('x', 'w')")
        assert not (bob.home / "x").exists()


async def test_it_is_stopped_after_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(execute_code, "RUN_SECONDS", 0.15)
    async with open_profile(tmp_path) as bob:
        reply = await bob.call("execute_code", code="print('up')\nwhile True: pass")
    assert (reply["status"], reply["exit_code"], reply["output"]) == ("timeout", 124, "up\n")


async def test_much_output_is_cut_and_said(tmp_path):
    async with open_profile(tmp_path, tool_output={"max_bytes": 2000}) as bob:
        reply = await bob.call("execute_code", code="for i in range(100000): print(i)")
    assert reply["stdout_truncated"]
    assert reply["output"].endswith("99999\n")
    assert len(reply["output"]) < 2000


async def test_project_code_can_use_the_workspace_and_strict_code_cannot(tmp_path):
    code = "import helper\nprint(helper.NAME)"
    for mode, status in (("project", "success"), ("strict", "error")):
        async with open_profile(tmp_path, code_execution={"mode": mode}) as bob:
            (bob.home / "helper.py").write_text("NAME = 'bob'")
            assert (await bob.call("execute_code", code=code))["status"] == status
