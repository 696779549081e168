from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.tools.hooks import Block, HookError, load_hooks, open_hooks
from tests.rig import canary
from tests.tools.hook_rig import BASE, accept, hooks_config, log_of, make_home, open_scopes, put_script

if TYPE_CHECKING:
    from hermes_trio.home.paths import HomePaths

pytestmark = pytest.mark.slow

PLACE = "os.path.dirname(__file__)"
BLOCK = """print(json.dumps({"decision": "block", "reason": "no " + json.load(sys.stdin)["tool_name"]}))"""
SAVE = f"""open(os.path.join({PLACE}, "seen"), "w").write(sys.stdin.read())"""


async def before(home: HomePaths, tool: str = "terminal", **options: str) -> Block | None:
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        return await hooks.before_tool(tool, {"command": "ls"}, **options)


async def load_error(home: HomePaths) -> HookError:
    async with open_scopes(home, "ada") as (scope,):
        with pytest.raises(HookError) as caught:
            await load_hooks(scope, BASE)
    assert (caught.value.code, caught.value.profile) == ("hook_invalid", "ada")
    return caught.value


def home_with(
    tmp_path: Path, code: str, event: str = "pre_tool_call", env: dict[str, str] | None = None, **options: object
) -> HomePaths:
    script = put_script(tmp_path / "scripts", "hook.py", code)
    return make_home(tmp_path / "home", {"ada": hooks_config((event, str(script)), **options)}, env)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (BLOCK, "no terminal"),
        ('print(\'{"action": "block", "message": "because"}\')', "because"),
        ('print(\'{"decision": "block"}\')', "a hook of this profile blocks it"),
        ('sys.stderr.write("not\\n today"); sys.exit(2)', "not today"),
        ('print(\'{"decision": "block", "reason": "anyway"}\'); sys.exit(1)', "anyway"),
    ],
)
async def test_a_hook_may_block_a_tool(tmp_path: Path, code: str, reason: str) -> None:
    assert await before(home_with(tmp_path, code)) == Block(reason)


@pytest.mark.parametrize(
    "code", ["pass", "print('{}')", "print('hello')", "print('{broken')", "print('[1]')", "sys.exit(1)"]
)
async def test_a_hook_that_says_nothing_of_the_kind_does_not_block(tmp_path: Path, code: str) -> None:
    assert await before(home_with(tmp_path, code)) is None


async def test_a_hook_is_told_what_is_about_to_happen(tmp_path: Path) -> None:
    await before(home_with(tmp_path, SAVE), session_id="s1", cwd=str(tmp_path))
    assert json.loads((tmp_path / "scripts" / "seen").read_text()) == {
        "hook_event_name": "pre_tool_call",
        "tool_name": "terminal",
        "tool_input": {"command": "ls"},
        "session_id": "s1",
        "cwd": str(tmp_path),
        "extra": {},
    }


async def test_a_hook_is_told_what_has_happened(tmp_path: Path) -> None:
    home = home_with(tmp_path, SAVE, "post_tool_call")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        await hooks.after_tool("terminal", {"command": "ls"}, "the result")
    seen = json.loads((tmp_path / "scripts" / "seen").read_text())
    assert (seen["hook_event_name"], seen["extra"]) == ("post_tool_call", {"result": "the result"})


async def test_a_hook_may_add_to_what_the_model_reads(tmp_path: Path) -> None:
    code = "print(json.dumps({'context': 'it is ' + json.load(sys.stdin)['extra']['x']}))"
    home = home_with(tmp_path, code, "pre_llm_call")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        assert (await hooks.fire("pre_llm_call", {"x": "late"})).context == ("it is late",)


@pytest.mark.parametrize(
    ("matcher", "tool", "blocked"),
    [
        ("terminal|patch", "patch", True),
        ("terminal|patch", "terminal2", False),
        ("mcp__.*", "mcp__a__b", True),
        ("", "x", True),
    ],
)
async def test_a_matcher_chooses_tools_by_their_whole_name(
    tmp_path: Path, matcher: str, tool: str, *, blocked: bool
) -> None:
    assert (await before(home_with(tmp_path, BLOCK, matcher=matcher), tool) is not None) == blocked


async def test_the_first_hook_that_blocks_ends_the_round(tmp_path: Path) -> None:
    first, second = put_script(tmp_path, "first.py", BLOCK), put_script(tmp_path, "second.py", SAVE)
    config = hooks_config(("pre_tool_call", str(first)), ("pre_tool_call", str(second)))
    assert await before(make_home(tmp_path / "home", {"ada": config})) is not None
    assert not (tmp_path / "seen").exists()


# what goes wrong


async def test_a_failing_hook_is_logged_and_blocks_nothing(tmp_path: Path) -> None:
    home = home_with(tmp_path, "raise RuntimeError('oops')")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        assert await hooks.before_tool("terminal", {}) is None
    assert "hook pre_tool_call (hook.py) failed: exit status 1" in log_of(scope)


@pytest.mark.parametrize("code", ["sys.exit(1)", "time.sleep(30)", "os.kill(os.getpid(), 9)"])
async def test_a_hook_that_must_not_fail_blocks_when_it_does(tmp_path: Path, code: str) -> None:
    blocked = await before(home_with(tmp_path, code, fail_closed=True, timeout=0.3))
    assert blocked == Block("the hook that guards this tool failed")


async def test_a_hook_that_takes_too_long_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    write = f"open(os.path.join({PLACE}, 'pids'), 'w').write(f'{{os.getpid()}} {{child}}')"
    home = home_with(tmp_path, f"child = os.fork()\nif child: {write}\ntime.sleep(60)", timeout=1)
    began = time.monotonic()
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        assert await hooks.before_tool("terminal", {}) is None
    assert time.monotonic() - began < 10
    assert "took longer than 1 s" in log_of(scope)
    assert not any(map(is_alive, (tmp_path / "scripts" / "pids").read_text().split()))


async def test_a_cancelled_turn_ends_its_hook(tmp_path: Path) -> None:
    write = f"open(os.path.join({PLACE}, 'pids'), 'w').write(str(os.getpid()))"
    home = home_with(tmp_path, f"{write}; time.sleep(60)")
    pids = tmp_path / "scripts" / "pids"
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks, trio.open_nursery() as nursery:
        nursery.start_soon(hooks.before_tool, "terminal", {})
        with trio.fail_after(10):
            while not (pids.exists() and pids.read_text()):
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert not is_alive(pids.read_text())


def is_alive(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # dead, and not yet reaped by the machine's first process


async def test_endless_output_is_cut(tmp_path: Path) -> None:
    assert await before(home_with(tmp_path, "sys.stdout.write('x' * 5_000_000)")) is None


async def test_a_hook_that_reads_nothing_may_still_answer(tmp_path: Path) -> None:
    home = home_with(tmp_path, 'os.close(0); print(\'{"decision": "block", "reason": "r"}\')')
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        assert await hooks.before_tool("terminal", {"content": "x" * 1_000_000}) == Block("r")


# isolation


async def test_a_hook_of_one_profile_never_runs_for_another(tmp_path: Path) -> None:
    gate = str(put_script(tmp_path, "gate.py", BLOCK))
    configs = {"ada": {"model": "builtin/echo"}, "bob": hooks_config(("pre_tool_call", gate))}
    home = make_home(tmp_path / "home", configs)
    async with (
        open_scopes(home, "ada", "bob") as (ada, bob),
        open_hooks(ada, BASE) as hers,
        open_hooks(bob, BASE) as his,
    ):
        assert await hers.before_tool("write_file", {}) is None
        assert await his.before_tool("write_file", {}) == Block("no write_file")


async def test_a_hook_sees_nothing_of_other_profiles_and_the_launcher(tmp_path: Path) -> None:
    code = f"open(os.path.join({PLACE}, 'seen'), 'w').write(json.dumps(dict(os.environ)))"
    home = home_with(tmp_path, code, env={"OPENAI_API_KEY": canary("ada", "KEY"), "CITY": "Oslo"})
    await before(home)
    seen = json.loads((tmp_path / "scripts" / "seen").read_text())
    assert (seen["HERMES_HOME"], seen["CITY"]) == (str(home.profile("ada").root), "Oslo")
    assert "CANARY" not in json.dumps(seen)


async def test_a_hook_runs_in_the_turns_folder_or_else_in_the_profiles(tmp_path: Path) -> None:
    home = home_with(tmp_path, f"open(os.path.join({PLACE}, 'seen'), 'a').write(os.getcwd() + '\\n')")
    place = tmp_path / "work"
    place.mkdir()
    await before(home, cwd=str(place))
    await before(home, cwd=str(tmp_path / "gone"))
    assert (tmp_path / "scripts" / "seen").read_text().split() == [str(place), str(home.profile("ada").root)]


# loading


def unaccepted(tmp_path: Path) -> tuple[HomePaths, str]:
    script = str(put_script(tmp_path, "hook.py", BLOCK))
    config = dict(hooks_config(("pre_tool_call", script)))
    del config["hooks_auto_accept"]
    return make_home(tmp_path / "home", {"ada": config}), script


async def test_a_command_that_nobody_accepted_fails_the_profiles_start(tmp_path: Path) -> None:
    home, script = unaccepted(tmp_path)
    error = await load_error(home)
    assert "has not been accepted" in str(error)
    assert script in str(error.mend)
    assert "shell-hooks-allowlist.json" in str(error.mend)


async def test_a_command_that_was_accepted_runs(tmp_path: Path) -> None:
    home, script = unaccepted(tmp_path)
    accept(home, "ada", ("pre_tool_call", script))
    assert await before(home) is not None


async def test_a_command_that_was_accepted_for_another_event_or_profile_was_not(tmp_path: Path) -> None:
    home, script = unaccepted(tmp_path)
    accept(home, "ada", ("post_tool_call", script))
    accept(home, "default", ("pre_tool_call", script))
    await load_error(home)


async def test_a_variable_of_the_profile_accepts_all(tmp_path: Path) -> None:
    home, _ = unaccepted(tmp_path)
    env = home.profile("ada").env
    env.write_text(env.read_text() + "HERMES_ACCEPT_HOOKS=1\n")
    assert await before(home) is not None


@pytest.mark.parametrize(
    ("event", "command", "options", "said"),
    [
        ("pre_tool_cal", "true", {}, "perhaps 'pre_tool_call'"),
        ("pre_tool_call", "no-such-program-anywhere", {}, "the program 'no-such-program-anywhere' is not there"),
        ("pre_tool_call", "/no/such/file", {}, "is not there"),
        ("pre_tool_call", "./config.yaml", {}, "cannot be run"),
        ("pre_tool_call", "echo 'open", {}, "cannot be split into words"),
        ("pre_tool_call", "true", {"matcher": "("}, "no regular expression"),
        ("pre_llm_call", "true", {"matcher": "x"}, "a matcher makes sense at"),
    ],
)
async def test_a_hook_that_cannot_work_fails_the_profiles_start(
    tmp_path: Path, event: str, command: str, options: dict[str, object], said: str
) -> None:
    error = await load_error(make_home(tmp_path, {"ada": hooks_config((event, command), **options)}))
    assert said in str(error)
    assert f"hooks.{event}" in str(error)


async def test_a_broken_list_of_accepted_hooks_fails_the_profiles_start(tmp_path: Path) -> None:
    home, _ = unaccepted(tmp_path)
    (home.profile("ada").root / "shell-hooks-allowlist.json").write_text("{")
    assert "not valid JSON" in str(await load_error(home))


@pytest.mark.parametrize("command", ["true", "sh -c 'exit 0'", "~/hook.py x", "scripts/hook.py"])
async def test_a_program_is_found_on_the_path_at_home_and_in_the_profile(tmp_path: Path, command: str) -> None:
    home = make_home(tmp_path, {"ada": hooks_config(("pre_tool_call", command))})
    root = home.profile("ada").root
    put_script(root / "home", "hook.py", "pass")
    put_script(root / "scripts", "hook.py", "pass")
    assert await before(home) is None


async def test_a_hook_may_replace_what_it_is_shown(tmp_path: Path) -> None:
    code = 'print(json.dumps({"text": json.load(sys.stdin)["extra"]["output"].upper()}))'
    event = "transform_terminal_output"
    home = home_with(tmp_path, code, event)
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        assert (await hooks.tell(event, {"tool_name": "terminal", "output": "one"})).text == "ONE"


@pytest.mark.parametrize("code", ["sys.exit(1)", "print('two')", "print('{\"text\": 2}')", "time.sleep(30)"])
async def test_a_hook_that_fails_replaces_nothing(tmp_path: Path, code: str) -> None:
    event = "transform_terminal_output"
    home = home_with(tmp_path, code, event, timeout=1)
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        assert (await hooks.tell(event, {"output": "one"})).text is None


async def test_a_hook_of_the_gateway_is_asked_and_heard(tmp_path: Path) -> None:
    code = 'print(json.dumps({"action": "rewrite", "text": json.load(sys.stdin)["extra"]["text"] + "!"}))'
    event = "pre_gateway_dispatch"
    home = home_with(tmp_path, code, event)
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope, BASE) as hooks:
        (answer,) = (await hooks.tell(event, {"text": "hi"})).answers
    assert answer == {"action": "rewrite", "text": "hi!"}
