"""Two profiles with a server of the same name, each through its own connection with its own token, over the API."""

import json
import sys

import pytest
from openai import OpenAI

from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.testing.home import test_key as key_of
from tests.e2e.process import running
from tests.rig import canary

SERVER = '''
import os
from mcp.server.mcpserver import MCPServer

server = MCPServer("accounts")


@server.tool()
def whose() -> str:
    """Whose account this is."""
    token = os.environ["ACCOUNT_TOKEN"]
    return f"{token} is {token[::-1]} from behind"


server.run()
'''


@pytest.mark.slow
def test_each_profile_reaches_its_own_server_with_its_own_token(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = {"command": sys.executable, "args": [str(script)], "env": {"ACCOUNT_TOKEN": "${ACCOUNT_TOKEN}"}}
    config = {"model": "builtin/echo", "mcp_servers": {"accounts": server}, "mcp_discovery_timeout": 20}
    names = ("ada", "bob")
    write_home(
        tmp_path / "home",
        {name: ProfileFiles(name, config, env={"ACCOUNT_TOKEN": canary(name, "ACCOUNT")}) for name in names},
    )
    with running(tmp_path / "home") as gateway:
        gateway.ready(*names)
        for name, other in zip(names, reversed(names), strict=True):
            client = OpenAI(base_url=gateway.url(name), api_key=key_of(name), max_retries=0)
            question = [{"role": "user", "content": "!tool mcp__accounts__whose {}"}]
            answer = client.chat.completions.create(model="m", messages=question).choices[0].message.content
            assert f"[redacted] is {canary(name, 'ACCOUNT')[::-1]} from behind" in json.dumps(answer)
            assert canary(name, "ACCOUNT") not in answer
            assert canary(other, "ACCOUNT")[::-1] not in answer
        assert gateway.stop() == 0
