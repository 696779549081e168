"""OpenAI's SDK for JavaScript talks to a real gateway process, whose operator may choose profiles by ``model``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.testing.home import test_key as key_of
from tests.e2e.npm import install_package
from tests.e2e.process import GatewayProcess, running

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent / "openai_npm"
OFFERING = {"model": "builtin/echo", "platforms": {"api_server": {"extra": {"profiles": ["ada", "bob"]}}}}


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the SDK installed."""
    return install_package(FOLDER, "openai")


@pytest.fixture(scope="module")
def offering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway whose profiles may be chosen as models."""
    root: Path = tmp_path_factory.mktemp("npm") / "home"
    files = {"default": ProfileFiles("You are Hermes.", OFFERING), "ada": "You are Ada.", "bob": "You are Bob."}
    write_home(root, files)
    with running(root) as process:
        yield process.ready("default", "ada", "bob")


@pytest.fixture
def talk(node, offering):
    """Takes a step of ``talk.mjs`` and returns what the SDK understood."""

    def take(step: str, profile: str = "default"):
        command = [node, str(FOLDER / "talk.mjs"), step, offering.url(profile), key_of(profile)]
        env = {"PATH": os.environ["PATH"], "HOME": str(offering.root.parent)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return take


def test_the_models_are_the_profiles(talk):
    assert talk("models") == ["hermes-agent", "ada", "bob"]
    assert talk("models", "ada") == ["ada"]


def test_chat_completions(talk):
    answer = talk("chat", "ada")
    assert answer["text"] == "Ada here. You said: hello"
    assert answer["tokens"] > 0
    assert answer["model"] == "ada"


def test_chat_completions_as_a_stream(talk):
    answer = talk("chatStream", "ada")
    assert len(answer["pieces"]) > 1
    assert "".join(answer["pieces"]) == answer["text"]
    assert answer["reason"] == "stop"


@pytest.mark.parametrize("profile", ["ada", "default"])
def test_responses_continue_each_other(talk, profile):
    heard = talk("responses", profile)
    assert heard["first"]["output_text"] == "Ada here. You said: the word is plum"
    assert heard["second"]["output_text"] == "2 messages before this one, the first was: the word is plum"
    assert heard["second"]["instructions"] == "Be brief."
    assert heard["second"]["metadata"] == {"a": "b"}
    assert heard["third"]["output_text"] == "Ada"
    assert heard["third"]["conversation"] == {"id": "talk"}


def test_responses_as_a_stream(talk):
    heard = talk("responsesStream")
    assert heard["events"][0] == "response.created"
    assert heard["events"][-1] == "response.completed"
    types = [item["type"] for item in heard["final"]["output"]]
    assert types == ["function_call", "function_call_output", "message"]
    assert heard["plain"][0] == "response.created"
    assert "".join(heard["plain"][4:-4]) == "Ada here. You said: hello"


def test_kept_responses_are_read_and_deleted(talk):
    heard = talk("kept")
    assert heard["made"] == heard["read"] == "Ada here. You said: hello"
    assert (heard["gone"]["name"], heard["gone"]["code"]) == ("NotFoundError", "response_not_found")


def test_errors_are_those_that_the_sdk_has_classes_for(talk):
    heard = talk("errors")
    assert heard["key"] == {"name": "AuthenticationError", "status": 401, "code": "key_mismatch", "param": None}
    assert heard["model"]["code"] == "model_not_found"
    assert heard["previous"] == {
        "name": "NotFoundError",
        "status": 404,
        "code": "previous_response_not_found",
        "param": "previous_response_id",
    }
    assert (heard["body"]["name"], heard["body"]["param"]) == ("BadRequestError", "input[0].type")
    assert (heard["failed"]["name"], heard["failed"]["status"]) == ("InternalServerError", 502)
    assert heard["dropped"] == {"type": "response.failed", "code": "model_interrupted"}


def test_the_model_chooses_the_profile(talk):
    assert talk("profiles") == {"ada": "Ada", "bob": "Bob", "hermes-agent": "Hermes"}
