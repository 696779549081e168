"""No command writes outside of its profile's home."""

from __future__ import annotations

import pytest

from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.turns.commands.registry import COMMANDS

ARGUMENTS = {
    "title": ["", "A title"],
    "undo": ["", "2"],
    "model": ["", "echo --provider builtin", "builtin/echo --global", "default", "builtin/echo --once"],
    "reasoning": ["", "high", "low --global", "hide"],
    "personality": ["", "pirate", "none"],
    "footer": ["", "on"],
    "platform": ["", "pause telegram", "resume telegram"],
    "restart": ["", "gateway"],
    "resume": ["", "1"],
    "queue": ["text"],
    "steer": ["text"],
    "background": ["text"],
}
CONFIG = {
    "agent": {"personalities": {"pirate": "Talk like a pirate."}},
    "display": {"tool_progress_command": True},
}


def tree(root, without):
    """What lies below a folder, a part of it left out: times and sizes by path."""
    found = {}
    for path in sorted(root.rglob("*")):
        if not path.is_relative_to(without):
            status = path.lstat()
            found[path] = (status.st_mtime_ns if path.is_file() else 0, status.st_size if path.is_file() else 0)
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
async def test_no_command_writes_outside_of_its_profiles_home(tmp_path, open_chat, command):
    write_home(tmp_path, {"default": ProfileFiles(config={}), "bob": ProfileFiles(config={}, env={"A": "1"})})
    async with open_chat(name="ada", config=CONFIG) as chat:
        chat.conversation.answer = "Always"
        await chat.say("hello")
        before = tree(tmp_path, chat.scope.home.root)
        for arguments in ARGUMENTS.get(command.name, [""]):
            await chat.give(f"/{command.name} {arguments}")
        assert tree(tmp_path, chat.scope.home.root) == before
    assert any(path.is_relative_to(tmp_path / "profiles" / "bob") for path in before)
