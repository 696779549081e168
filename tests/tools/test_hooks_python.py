from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.tools.hooks import Block, HookError, load_hooks, open_hooks
from tests.tools.hook_rig import log_of, make_home, open_scopes, put_handler

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.home.paths import HomePaths

PLAIN = {"model": "builtin/echo"}
NOTE = """
def handle(event_type, context):
    return {"context": f"{event_type} {context.get('message')}"}
"""
GATE = "def handle(e, c):\n    return {'action': 'block', 'message': 'not ' + c['tool_input']['command']}"


@pytest.fixture
def home(tmp_path: Path) -> HomePaths:
    return make_home(tmp_path, {"ada": PLAIN, "bob": PLAIN})


async def fire(home: HomePaths, event: str, context: dict[str, object], name: str = "ada"):
    async with open_scopes(home, name) as (scope,), open_hooks(scope) as hooks:
        return await hooks.fire(event, context)


async def load_error(home: HomePaths) -> HookError:
    async with open_scopes(home, "ada") as (scope,):
        with pytest.raises(HookError) as caught:
            await load_hooks(scope)
    assert (caught.value.code, caught.value.profile) == ("hook_invalid", "ada")
    return caught.value


async def test_a_handler_hears_of_its_event(home: HomePaths) -> None:
    put_handler(home, "ada", "note", NOTE)
    outcome = await fire(home, "agent:start", {"message": "hi"})
    assert outcome.answers == ({"context": "agent:start hi"},)
    assert outcome.context == ("agent:start hi",)


async def test_a_handler_does_not_hear_of_other_events(home: HomePaths) -> None:
    put_handler(home, "ada", "note", NOTE)
    assert (await fire(home, "agent:end", {})).answers == ()


async def test_a_handler_may_hear_of_all_events_of_a_kind(home: HomePaths) -> None:
    put_handler(home, "ada", "note", NOTE, "events: ['agent:*', 'command:*']\n")
    assert (await fire(home, "agent:end", {"message": 1})).context == ("agent:end 1",)
    assert (await fire(home, "command:new", {"message": 2})).context == ("command:new 2",)
    assert (await fire(home, "session:start", {})).answers == ()


async def test_handlers_are_called_in_the_order_of_their_folders(home: HomePaths) -> None:
    for folder in ("b", "c", "a"):
        put_handler(home, "ada", folder, f"def handle(event, context): return {{'context': '{folder}'}}")
    assert (await fire(home, "agent:start", {})).context == ("a", "b", "c")


async def test_a_handler_gets_a_copy_of_the_context(home: HomePaths) -> None:
    put_handler(home, "ada", "a", "def handle(event, context): context.clear()")
    context: dict[str, object] = {"message": "hi"}
    await fire(home, "agent:start", context)
    assert context == {"message": "hi"}


async def test_a_plain_handler_runs_in_a_worker_thread(home: HomePaths) -> None:
    code = "import threading\ndef handle(e, c): return {'name': threading.current_thread().name}"
    put_handler(home, "ada", "a", code)
    outcome = await fire(home, "agent:start", {})
    assert outcome.answers[0]["name"] != threading.current_thread().name


@pytest.mark.slow
@pytest.mark.parametrize("library", ["asyncio", "trio"])
async def test_an_asynchronous_handler_runs_on_the_library_it_is_written_for(home: HomePaths, library: str) -> None:
    body = f"    await {library}.sleep(0.01)\n    return {{'context': 'slept'}}\n"
    put_handler(home, "ada", "a", f"import {library}\nasync def handle(e, c):\n{body}")
    assert (await fire(home, "agent:start", {})).context == ("slept",)


@pytest.mark.parametrize("plain", ["", "async "])
@pytest.mark.parametrize(
    "end", ["sys.exit(3)", "raise KeyboardInterrupt", "raise BaseExceptionGroup('', [SystemExit()])"]
)
async def test_a_handler_that_wants_to_end_the_process_only_fails(home: HomePaths, plain: str, end: str) -> None:
    put_handler(home, "ada", "a", f"import sys\n{plain}def handle(event_type, context):\n    {end}\n")
    put_handler(home, "ada", "b", NOTE)
    assert (await fire(home, "agent:start", {"message": "hi"})).context == ("agent:start hi",)


async def test_a_failing_handler_is_logged_and_the_next_is_called(home: HomePaths) -> None:
    put_handler(home, "ada", "a", "def handle(event, context): raise KeyError('oops')")
    put_handler(home, "ada", "b", NOTE)
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        assert (await hooks.fire("agent:start", {"message": "x"})).context == ("agent:start x",)
    assert "hook a failed at agent:start: KeyError: 'oops'" in log_of(scope)


@pytest.mark.slow
@pytest.mark.parametrize("waits", ["time.sleep(c['seconds'])", "threading.Event().wait(c['seconds'])"])
async def test_a_handler_that_takes_too_long_is_left_behind(home: HomePaths, waits: str) -> None:
    code = f"import time, threading\ndef handle(e, c):\n    {waits}\n"
    put_handler(home, "ada", "a", code, "events: [agent:start]\ntimeout: 0.05\n")
    put_handler(home, "ada", "b", NOTE)
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        with trio.fail_after(5):
            outcome = await hooks.fire("agent:start", {"message": "x", "seconds": 0.5})
        assert outcome.context == ("agent:start x",)
    assert "took longer than 0.05 s" in log_of(scope)


@pytest.mark.slow
async def test_handlers_that_hang_hold_up_nothing_but_handlers(home: HomePaths) -> None:
    code = "import time\ndef handle(e, c): time.sleep(1)"
    put_handler(home, "ada", "a", code, "events: [agent:start]\ntimeout: 0.05\n")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(hooks.fire, "agent:start", {})
        with trio.fail_after(0.9):
            assert await scope.run_blocking(str, 1) == "1"


async def test_a_handler_may_block_a_tool(home: HomePaths) -> None:
    put_handler(home, "ada", "a", GATE, "events: [pre_tool_call]\n")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        assert await hooks.before_tool("terminal", {"command": "ls"}) == Block("not ls")


async def test_where_nobody_listens_nothing_happens(home: HomePaths) -> None:
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        assert not hooks.listens("pre_tool_call")
        assert await hooks.before_tool("terminal", {}) is None
        await hooks.after_tool("terminal", {}, "x")
        assert (await hooks.fire("agent:start", {})).answers == ()


# isolation


async def test_a_hook_of_one_profile_never_runs_for_another(home: HomePaths) -> None:
    put_handler(home, "bob", "note", NOTE)
    put_handler(home, "bob", "gate", "def handle(e, c): return {'action': 'block'}", "events: [pre_tool_call]\n")
    async with open_scopes(home, "ada", "bob") as (ada, bob), open_hooks(ada) as hers, open_hooks(bob) as his:
        assert (await hers.fire("agent:start", {})).answers == ()
        assert await hers.before_tool("terminal", {}) is None
        assert (await his.fire("agent:start", {"message": "x"})).context == ("agent:start x",)
        assert await his.before_tool("terminal", {}) is not None


async def test_the_default_profiles_hooks_are_its_own(tmp_path: Path) -> None:
    home = make_home(tmp_path, {"default": PLAIN, "ada": PLAIN})
    put_handler(home, "default", "note", NOTE)
    assert (await fire(home, "agent:start", {}, "ada")).answers == ()
    assert len((await fire(home, "agent:start", {}, "default")).answers) == 1


async def test_handlers_of_the_same_name_do_not_share_their_state(home: HomePaths) -> None:
    code = "calls = []\ndef handle(e, c):\n    calls.append(c['who'])\n    return {'context': ','.join(calls)}"
    for name in ("ada", "bob"):
        put_handler(home, name, "count", code)
    async with open_scopes(home, "ada", "bob") as (ada, bob), open_hooks(ada) as hers, open_hooks(bob) as his:
        assert (await hers.fire("agent:start", {"who": "a"})).context == ("a",)
        assert (await his.fire("agent:start", {"who": "b"})).context == ("b",)
        assert (await hers.fire("agent:start", {"who": "c"})).context == ("a,c",)


async def test_modules_are_gone_with_their_generation_and_leave_nothing_in_the_folder(home: HomePaths) -> None:
    code = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n"
    )
    place = put_handler(home, "ada", "count", code + "def handle(e, c): return {'x': A().x}")
    before = set(sys.modules)
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        assert (await hooks.fire("agent:start", {})).answers == ({"x": 1},)
        assert "handler" not in sys.modules
        new = {name for name in set(sys.modules) - before if "hook_" in name and "count" in name}
        assert all(name.startswith("hermes_trio_hook_ada_1_") for name in new)
        assert len(new) == 1
    assert not new & set(sys.modules)
    assert sorted(path.name for path in place.iterdir()) == ["HOOK.yaml", "handler.py"]


# loading


async def test_a_folder_without_a_manifest_is_none_of_our_business(home: HomePaths) -> None:
    (home.profile("ada").hooks / "notes").mkdir(parents=True)
    (home.profile("ada").hooks / "README.md").write_text("x")
    assert (await fire(home, "agent:start", {})).answers == ()


async def test_a_hook_without_events_is_skipped_and_said_so(home: HomePaths) -> None:
    put_handler(home, "ada", "a", "raise RuntimeError", "name: a\n")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope):
        pass
    assert "names no events" in log_of(scope)


async def test_an_event_nobody_knows_is_said_so_when_others_are_known(home: HomePaths) -> None:
    put_handler(home, "ada", "a", NOTE, "events: [agent:start, agent:begin]\n")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        assert hooks.listens("agent:start")
    assert "no event 'agent:begin'" in log_of(scope)


@pytest.mark.parametrize(
    ("code", "manifest", "said"),
    [
        ("def handle(:\n", "events: [agent:start]\n", "handler.py:1: cannot be imported: SyntaxError"),
        ("\n1 / 0\n", "events: [agent:start]\n", "handler.py:2: cannot be imported: ZeroDivisionError"),
        ("import no_such_module\n", "events: [agent:start]\n", "No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", "events: [agent:start]\n", "SystemExit: 3"),
        ("raise KeyboardInterrupt\n", "events: [agent:start]\n", "cannot be imported: KeyboardInterrupt"),
        ("x = 1\n", "events: [agent:start]\n", "has no function handle"),
        ("handle = 1\n", "events: [agent:start]\n", "has no function handle"),
        (NOTE, "events: [agent:starts]\n", "there is no event 'agent:starts'"),
        (NOTE, "events: {a: b}\n", "HOOK.yaml:1 events"),
        (NOTE, "events: [agent:start]\ntimeout: 500\n", "HOOK.yaml:2 timeout"),
        (NOTE, "events: [\n", "not valid YAML"),
        (NOTE, "- a\n", "not a mapping"),
    ],
)
async def test_a_hook_that_cannot_be_loaded_fails_the_profiles_start(
    home: HomePaths, code: str, manifest: str, said: str
) -> None:
    put_handler(home, "ada", "a_good_one", NOTE)
    put_handler(home, "ada", "broken", code, manifest)
    before = set(sys.modules)
    error = await load_error(home)
    assert said in str(error)
    assert str(home.profile("ada").hooks / "broken") in str(error)
    assert not [name for name in set(sys.modules) - before if name.startswith("hermes_trio_hook_")]


async def test_a_manifest_without_a_handler_fails_the_profiles_start(home: HomePaths) -> None:
    (put_handler(home, "ada", "a", NOTE) / "handler.py").unlink()
    assert "handler.py: there is no such file" in str(await load_error(home))


async def test_another_profile_starts_all_the_same(home: HomePaths) -> None:
    put_handler(home, "ada", "broken", "1 / 0")
    put_handler(home, "bob", "note", NOTE)
    assert len((await fire(home, "agent:start", {}, "bob")).answers) == 1


async def test_a_text_is_what_takes_the_place_of_what_the_hook_was_shown(home: HomePaths) -> None:
    put_handler(home, "ada", "a", "def handle(e, c): return c['output'].upper()", "events: [transform_tool_result]\n")
    assert (await fire(home, "transform_tool_result", {"output": "hi"})).text == "HI"


async def test_the_first_text_counts_even_an_empty_one(home: HomePaths) -> None:
    for folder, text in (("a", None), ("b", ""), ("c", "late")):
        put_handler(home, "ada", folder, f"def handle(e, c): return {text!r}", "events: [transform_llm_output]\n")
    assert (await fire(home, "transform_llm_output", {})).text == ""


async def test_before_a_model_is_asked_a_text_is_context(home: HomePaths) -> None:
    put_handler(home, "ada", "a", "def handle(e, c): return 'it rains'", "events: [pre_llm_call]\n")
    assert (await fire(home, "pre_llm_call", {})).context == ("it rains",)


async def test_hooks_are_not_told_the_profiles_secrets(tmp_path: Path) -> None:
    secret = "CANARY-ada-9f8e7d6c5b4a"
    home = make_home(tmp_path, {"ada": {**PLAIN, "security": {"redact_secrets": False}}}, {"GITHUB_TOKEN": secret})
    put_handler(home, "ada", "a", "def handle(e, c): return {'seen': repr(c)}", "events: [post_llm_call]\n")
    async with open_scopes(home, "ada") as (scope,), open_hooks(scope) as hooks:
        outcome = await hooks.tell("post_llm_call", {"said": f"it is {secret}", "tools": [{"result": secret}], "n": 1})
    assert outcome.answers[0]["seen"] == repr({"said": "it is [redacted]", "tools": [{"result": "[redacted]"}], "n": 1})


async def test_a_hook_that_will_never_run_is_named(home: HomePaths) -> None:
    put_handler(home, "ada", "a", NOTE, "events: [pre_verify]\n")
    async with open_scopes(home, "ada") as (scope,):
        (await load_hooks(scope)).close()
    assert "a hook for pre_verify, which never happens here" in log_of(scope)
