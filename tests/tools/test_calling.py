"""One tool call: whatever happens, the model gets a result it can act on."""

import json
from types import SimpleNamespace

import pytest
import trio

from hermes_trio.home.agent_config import SecurityConfig, ToolOutputConfig
from hermes_trio.home.secrets import Secrets
from hermes_trio.tools.calling import ToolRequest, call_tool
from hermes_trio.tools.selection import make_selection
from hermes_trio.tools.tool import Tool, ToolError
from tests.rig import canary

SECRET = canary("ada", "GITHUB_TOKEN")
SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1},
        "data": {"type": "string"},
    },
    "required": ["path"],
}


class Hooks:
    """Hooks that remember what they were told, and block what they are told to."""

    def __init__(self, block: str = "") -> None:
        self.block = block
        self.text: str | None = None
        self.transformed: list[dict[str, object]] = []
        self.after: list[tuple[str, str]] = []

    async def before_tool(self, name, arguments, *, session_id):
        return SimpleNamespace(reason="not here") if name == self.block else None

    async def after_tool(self, name, arguments, result, *, session_id):
        self.after.append((name, result))

    def listens(self, event):
        return event == "transform_tool_result" and self.text is not None

    async def tell(self, event, context):
        self.transformed.append(context)
        return SimpleNamespace(text=self.text)


class Rig:
    """A scope and a turn with nothing but what a call needs."""

    def __init__(
        self, run, *, block: str = "", seconds: float | None = 10.0, redact_secrets: bool = True, **limits: int
    ) -> None:
        self.log: list[str] = []
        log = SimpleNamespace(error=self.log.append)
        self.scope = SimpleNamespace(
            name="ada",
            log=SimpleNamespace(bind=lambda **_: log),
            config=SimpleNamespace(
                tool_output=ToolOutputConfig(**limits), security=SecurityConfig(redact_secrets=redact_secrets)
            ),
            secrets=Secrets({"GITHUB_TOKEN": SECRET}),
            files=SimpleNamespace(derive=lambda _name, _parts, build: build()),
        )
        self.hooks = Hooks(block)
        self.turn = SimpleNamespace(session_id="s", turn_id="t", workplace=SimpleNamespace(hooks=self.hooks))
        self.selection = make_selection([Tool("read", "Reads.", SCHEMA, "file", run, seconds=seconds)])

    async def call(self, arguments: str = '{"path": "a"}', name: str = "read"):
        return await call_tool(self.scope, self.turn, self.selection, ToolRequest("c1", name, arguments))


async def echo(scope, turn, arguments):
    return {"profile": scope.name, **arguments}


async def test_a_mapping_becomes_json():
    result = await Rig(echo).call('{"path": "a", "limit": 2}')
    assert json.loads(result.text) == {"profile": "ada", "path": "a", "limit": 2}
    assert not result.failed
    assert result.call_id == "c1"


async def test_text_stays_text():
    async def run(scope, turn, arguments):
        return "plain"

    assert (await Rig(run).call()).text == "plain"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "path"),
        ("{}", "the arguments must contain ['path']"),
        ('{"path": 3}', "path must be string"),
        ('{"path": "a", "data": 3}', "read: data must be string"),
        ('{"path": "a", "limit": 0}', "limit must be bigger than or equal to 1"),
        ("", "path"),
    ],
)
async def test_wrong_arguments_are_explained(arguments, said):
    result = await Rig(echo).call(arguments)
    assert result.failed
    assert said in json.loads(result.text)["error"]


async def test_an_unknown_tool_is_named():
    result = await Rig(echo).call(name="write")
    assert json.loads(result.text)["error"] == "Unknown tool: write"


async def test_a_tools_own_error_is_told_as_it_is():
    async def run(scope, turn, arguments):
        raise ToolError("no such file")

    result = await Rig(run).call()
    assert json.loads(result.text) == {"error": "no such file"}
    assert result.failed


async def test_a_defect_is_a_result_and_a_line_in_the_log():
    async def run(scope, turn, arguments):
        raise ZeroDivisionError("oops")

    rig = Rig(run)
    assert json.loads((await rig.call()).text) == {"error": "ZeroDivisionError: oops"}
    assert rig.log == ["tool read failed: ZeroDivisionError: oops"]


async def test_an_error_that_a_nursery_wrapped_is_told_as_it_is():
    async def fail():
        raise ToolError("no such file")

    async def run(scope, turn, arguments):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)

    assert json.loads((await Rig(run).call()).text) == {"error": "no such file"}


@pytest.mark.parametrize("reply", ["name \udcff", {"found": [{"path": "name \udcff"}]}, ToolError("name \udcff")])
async def test_a_file_name_that_is_no_text_is_no_end_of_the_turn(reply):
    async def run(scope, turn, arguments):
        if isinstance(reply, ToolError):
            raise reply
        return reply

    assert "name ?" in (await Rig(run).call()).text


async def test_a_reply_that_is_no_json_is_the_tools_defect():
    async def run(scope, turn, arguments):
        return {"value": object()}

    result = await Rig(run).call()
    assert result.failed
    assert "unsupported" in result.text


@pytest.mark.parametrize(
    "reply", [f"token={SECRET};", {"lines": [{"text": f"token={SECRET};"}]}, ToolError(f"token={SECRET};")]
)
async def test_the_profiles_secrets_are_kept_from_the_model_and_from_hooks(reply):
    async def run(scope, turn, arguments):
        if isinstance(reply, ToolError):
            raise reply
        return reply

    rig = Rig(run)
    text = (await rig.call()).text
    assert "token=[redacted];" in text
    assert SECRET not in f"{text} {rig.hooks.after}"


async def test_a_secret_in_json_is_found_in_its_escaped_form():
    async def run(scope, turn, arguments):
        return json.dumps({"key": 'with "quotes" and \\'})

    rig = Rig(run)
    rig.scope.secrets = Secrets({"API_KEY": 'with "quotes" and \\'})
    assert (await rig.call()).text == '{"key": "[redacted]"}'


async def test_examples_of_tokens_are_no_secrets():
    async def run(scope, turn, arguments):
        return "postgres://user:password@localhost/db"

    assert (await Rig(run).call()).text == "postgres://user:password@localhost/db"


@pytest.mark.parametrize("word", ["password", "Changeme", "postgres"])
async def test_a_password_that_is_a_word_does_not_garble_all_texts(word):
    async def run(scope, turn, arguments):
        return f"a text with {word} in it"

    rig = Rig(run)
    rig.scope.secrets = Secrets({"DB_PASSWORD": word, "API_KEY": "s3cret-value"})
    assert (await rig.call()).text == f"a text with {word} in it"


async def test_the_user_may_let_secrets_through():
    async def run(scope, turn, arguments):
        return f"token={SECRET};"

    assert (await Rig(run, redact_secrets=False).call()).text == f"token={SECRET};"


async def test_a_tool_that_takes_too_long_is_stopped(autojump_clock):
    async def run(scope, turn, arguments):
        await trio.sleep_forever()

    begun = trio.current_time()
    result = await Rig(run, seconds=7).call()
    assert trio.current_time() - begun == pytest.approx(7)
    assert "longer than 7 s" in json.loads(result.text)["error"]


async def test_a_cancellation_passes_through(autojump_clock):
    async def run(scope, turn, arguments):
        await trio.sleep_forever()

    with trio.move_on_after(1) as scope:
        await Rig(run).call()
    assert scope.cancelled_caught


async def test_a_hook_can_block_a_call_and_hears_of_the_others():
    blocked = await Rig(echo, block="read").call()
    assert blocked.failed
    assert "not here" in blocked.text
    rig = Rig(echo)
    result = await rig.call()
    assert rig.hooks.after == [("read", result.text)]


async def test_long_results_are_capped():
    async def run(scope, turn, arguments):
        return "\n".join(str(number) for number in range(1000))

    text = (await Rig(run, max_lines=10).call()).text
    assert text.startswith("0\n1\n")
    assert text.endswith("998\n999")
    assert "990 lines left out" in text


def test_an_odd_schema_is_offered_unchecked():
    selection = make_selection([Tool("odd", "", {"type": "no such type"}, "mcp", echo)])
    assert "odd" in selection.tools
    assert selection.check("odd") is None


@pytest.mark.parametrize("error", [ToolError("no such file"), ZeroDivisionError("oops")])
async def test_hooks_are_told_of_a_call_that_failed(error):
    async def run(scope, turn, arguments):
        raise error

    rig = Rig(run)
    result = await rig.call()
    assert rig.hooks.after == [("read", result.text)]


async def test_a_hook_replaces_a_result_after_the_observers_have_seen_it():
    rig = Rig(echo)
    rig.hooks.text = f"shorter {SECRET}"
    result = await rig.call()
    assert result.text == "shorter [redacted]", "what hooks say is capped and blackened like any result"
    ((name, seen),) = rig.hooks.after
    (context,) = rig.hooks.transformed
    assert (context["tool_name"], context["tool_input"], context["result"]) == (name, {"path": "a"}, seen)


async def test_hooks_are_told_nothing_of_a_call_that_was_not_made():
    rig = Rig(echo, block="read")
    for result in (await rig.call(), await rig.call("{}"), await rig.call(name="write")):
        assert result.failed
    assert rig.hooks.after == []
