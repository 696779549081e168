"""A profile as a real agent, over the API: tools, memory, consistent history, and nothing of another profile."""

import contextlib
import json
import os
import random
import sqlite3
from pathlib import Path

import httpx
import pytest
import trio

from hermes_trio.testing import ProfileFiles, open_gateway, write_home
from tests.rig import canary

pytestmark = pytest.mark.slow  # real processes

NOTES = """Create notes.txt, count its words and remember the result.
!tool write_file {"path": "notes.txt", "content": "one two three\\nfour"}
!tool terminal {"command": "wc -w notes.txt"}
!tool memory {"target": "memory", "action": "add", "content": "notes.txt has 4 words"}"""


def call(tool: str, **arguments: object) -> str:
    return f"!tool {tool} {json.dumps(arguments)}"


def results(answer: str) -> list[dict]:
    """The tools' JSON replies, as the scripted model quotes them."""
    return [json.loads(line) for line in answer.removeprefix("The tools said: ").splitlines()]


def rows(gateway, profile: str, sql: str) -> list[tuple]:
    connection = sqlite3.connect(gateway.home.profile(profile).state_db)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_an_agent_writes_counts_and_remembers(tmp_path):
    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway:
        written, counted, remembered = results(await gateway.ask("ada", NOTES, session="s"))
        home = gateway.home.profile("ada")
        assert Path(written["resolved_path"]).read_text() == "one two three\nfour"
        assert counted["output"].split()[0] == "4"
        assert remembered["success"] is True
        assert "notes.txt has 4 words" in home.memory_md.read_text()
        later = await gateway.ask("ada", "!system text", session="another")
        assert "notes.txt has 4 words" in later


async def test_the_history_has_a_result_for_every_call(tmp_path):
    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway:
        await gateway.ask("ada", NOTES, session="s")
    kept = rows(gateway, "ada", "SELECT role, tool_name, tool_calls FROM messages ORDER BY id")
    assert [role for role, _, _ in kept] == ["user", *["assistant", "tool"] * 3, "assistant"]
    assert [name for role, name, _ in kept if role == "tool"] == ["write_file", "terminal", "memory"]
    assert json.loads(kept[1][2])[0]["function"]["name"] == "write_file"
    ((calls, tools),) = rows(gateway, "ada", "SELECT api_call_count, tool_call_count FROM sessions")
    assert (calls, tools) == (4, 3)


async def test_two_agents_at_work_see_nothing_of_each_other(tmp_path):
    files = {
        name: ProfileFiles(
            soul=f"You are {name.title()}.",
            env={"SERVICE_PASSWORD": canary(name, "PASSWORD"), "GREETING": f"hello-{name}"},
        )
        for name in ("ada", "bob")
    }
    environ = {"PATH": os.environ["PATH"], "LAUNCHER_SECRET": canary("launcher", "SECRET")}
    answers: dict[str, str] = {}
    async with open_gateway(files, root=tmp_path, environ=environ) as gateway:

        async def work(name: str, other: str) -> None:
            theirs = gateway.home.profile(other)
            answers[name] = await gateway.ask(
                name,
                "\n".join(
                    [
                        call("terminal", command="env; pwd; sleep 0.2"),
                        call("write_file", path="mine.txt", content=f"of {name}"),
                        call("read_file", path=str(theirs.soul)),
                        call("read_file", path=str(theirs.env)),
                        call("search_files", pattern="You are", path=str(theirs.root)),
                    ]
                ),
            )

        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, "ada", "bob")
            nursery.start_soon(work, "bob", "ada")
    for name, other in (("ada", "bob"), ("bob", "ada")):
        terminal, _, soul, env, search = results(answers[name])
        assert f"GREETING=hello-{name}" in terminal["output"]
        assert "CANARY" not in answers[name]
        assert other not in terminal["output"].lower()
        assert "error" in soul
        assert "error" in env
        assert not search.get("matches")


EVERY_TOOL = {
    "write_file": {"path": "a.py", "content": "print('hello wombat')\n"},
    "read_file": {"path": "a.py"},
    "patch": {"mode": "replace", "path": "a.py", "old_string": "hello", "new_string": "good day"},
    "search_files": {"pattern": "wombat", "path": "."},
    "terminal": {"command": "python3 --version || true", "background": False},
    "process": {"action": "list"},
    "execute_code": {"code": "print(6 * 7)"},
    "memory": {"target": "user", "action": "add", "content": "likes wombats"},
    "todo": {"todos": [{"id": "1", "content": "look", "status": "pending"}]},
    "skill_manage": {
        "action": "create",
        "name": "greet",
        "content": "---\nname: greet\ndescription: Greets.\n---\nSay hi.",
    },
    "skills_list": {},
    "skill_view": {"name": "greet"},
    "session_search": {"query": "wombat"},
    "delegate_task": {"goal": "!say done"},
}


async def test_every_tool_works_over_the_api(tmp_path):
    config = {"model": "builtin/echo", "approvals": {"mode": "off"}}
    failed: dict[str, str] = {}
    async with open_gateway({"ada": ProfileFiles("You are Ada.", config)}, root=tmp_path) as gateway:
        runtime = gateway.slot("ada").runtime
        offered = set(runtime.agent.select_tools(runtime.scope, "api_server").tools)
        for name, arguments in EVERY_TOOL.items():
            answer = await gateway.ask("ada", call(name, **arguments), session=f"about a wombat and {name}")
            (reply,) = results(answer.split("\n")[0])
            if reply.get("error"):
                failed[name] = answer
    assert failed == {}
    # Those that ask somebody else: a page of the web, a model that sees, a person.
    assert offered - set(EVERY_TOOL) <= {"web_extract", "vision_analyze", "clarify"}


async def test_a_dangerous_command_is_not_run_where_nobody_can_allow_it(tmp_path):
    config = {"model": "builtin/echo", "approvals": {"mode": "manual"}}
    async with open_gateway({"ada": ProfileFiles("You are Ada.", config)}, root=tmp_path) as gateway:
        treasure = gateway.home.profile("ada").root / "treasure"
        treasure.mkdir()
        (reply,) = results(await gateway.ask("ada", call("terminal", command=f"rm -rf {treasure}")))
        assert "consent" in reply["error"]
        assert treasure.is_dir()


async def test_calls_of_one_step_run_side_by_side(tmp_path):
    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway:
        begun = trio.current_time()
        script = call("terminal", command="sleep 0.4") + "\n!also terminal " + json.dumps({"command": "sleep 0.4"})
        assert len(results(await gateway.ask("ada", script))) == 2
        assert trio.current_time() - begun < 0.75


async def test_children_work_side_by_side_and_report(tmp_path):
    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway:
        tasks = [{"goal": "!say one"}, {"goal": call("terminal", command="echo two")}]
        (reply,) = results(await gateway.ask("ada", call("delegate_task", tasks=tasks)))
    assert reply["results"][0]["summary"] == "one"
    assert "two" in reply["results"][1]["summary"]


async def test_a_budget_stops_its_profile_and_no_other(tmp_path):
    config = {"model": "builtin/echo", "budget": {"turns": 2}}
    async with open_gateway(
        {"ada": ProfileFiles("You are Ada.", config), "bob": "You are Bob."}, root=tmp_path
    ) as gateway:
        for _ in range(2):
            await gateway.ask("ada", "hello")
        async with gateway.client("ada") as client:
            refused = await client.post("chat/completions", json={"messages": [{"role": "user", "content": "hello"}]})
        assert refused.status_code == 402
        assert refused.json()["error"]["code"] == "budget_exceeded"
        assert "Bob" in await gateway.ask("bob", "hello")
    async with open_gateway(root=tmp_path) as gateway, gateway.client("ada") as client:
        refused = await client.post("chat/completions", json={"messages": [{"role": "user", "content": "hello"}]})
        assert refused.status_code == 402
        gateway.clock.advance(86_401)
        assert "Ada" in await gateway.ask("ada", "hello")


async def test_money_is_counted_at_the_users_prices(tmp_path):
    prices = {"echo": {"input": 1_000_000, "output": 0}}
    config = {
        "model": "builtin/echo",
        "budget": {"usd": 1.5, "prices": prices},
        "platform_toolsets": {"api_server": []},
    }
    async with open_gateway({"ada": ProfileFiles("Ada", config)}, root=tmp_path) as gateway:
        await gateway.ask("ada", "one two three")
        with pytest.raises(httpx.HTTPStatusError, match="402"):
            await gateway.ask("ada", "hello")
    ((usd,),) = rows(gateway, "ada", "SELECT usd FROM trio_spending")
    assert usd > 1.5


async def test_hooks_of_a_profile_hear_of_its_turns_and_of_no_others(tmp_path):
    home = write_home(tmp_path, {"ada": "You are Ada.", "bob": "You are Bob."})
    hook = home.profile("ada").root / "hooks" / "diary"
    hook.mkdir(parents=True)
    (hook / "HOOK.yaml").write_text("name: diary\nevents: ['gateway:startup', 'session:start', 'agent:*']\n")
    (hook / "handler.py").write_text(
        "from pathlib import Path\n"
        "DIARY = Path(__file__).with_name('diary.txt')\n"
        "async def handle(event, context):\n"
        "    line = f\"{event} {context.get('message', '')} {context.get('response', '')}\\n\"\n"
        "    with DIARY.open('a') as diary:\n"
        "        diary.write(line)\n"
    )
    async with open_gateway(root=tmp_path) as gateway:
        await gateway.ask("bob", "bob's secret")
        await gateway.ask("ada", "!say hi")
    assert (hook / "diary.txt").read_text().splitlines() == [
        "gateway:startup  ",
        "session:start  ",
        "agent:start !say hi ",
        "agent:end !say hi hi",
    ]


def child_processes() -> list[str]:
    """Processes that this one has started and that still exist."""
    mine = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == os.getpid():
                mine.append(name)
    return mine


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_whenever_a_turn_is_cancelled_its_history_is_consistent_and_nothing_is_left(tmp_path):
    script = "\n".join(
        [
            call("terminal", command="sleep 0.02; echo one"),
            "!also terminal " + json.dumps({"command": "sleep 0.03 & sleep 0.05"}),
            call("write_file", path="a.txt", content="x"),
            call("terminal", command="sleep 5"),
        ]
    )
    dice = random.Random(7)
    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway:
        await gateway.ask("ada", call("terminal", command="true"))
        files = open_files()
        for number in range(200):
            with trio.move_on_after(dice.uniform(0, 0.1)):
                await gateway.ask("ada", script, session=f"s{number}")
        with trio.fail_after(10):
            while gateway.gateway.capacity.running():
                await trio.sleep(0.01)
        assert "The tools said" in await gateway.ask("ada", call("terminal", command="echo still here"))
        assert open_files() <= files + 2
    assert child_processes() == []
    for (session,) in rows(gateway, "ada", "SELECT id FROM sessions"):
        check_history(
            rows(
                gateway,
                "ada",
                f"SELECT role, tool_calls, tool_call_id FROM messages WHERE session_id = '{session}' ORDER BY id",
            )
        )


def check_history(messages: list[tuple]) -> None:
    """Every tool call is followed by its result, and nothing else is."""
    open_calls: list[str] = []
    for role, tool_calls, tool_call_id in messages:
        if role == "tool":
            assert tool_call_id in open_calls
            open_calls.remove(tool_call_id)
            continue
        assert open_calls == []
        open_calls = [one["id"] for one in json.loads(tool_calls or "[]")]
    assert open_calls == []
