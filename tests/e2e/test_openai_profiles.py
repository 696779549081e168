"""The official OpenAI SDK chooses profiles by ``model``, with the operator's key and one address."""

from __future__ import annotations

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.testing.home import test_key as key_of
from tests.e2e.process import running

OFFERING = {"model": "builtin/echo", "platforms": {"api_server": {"extra": {"profiles": ["ada"]}}}}
WHO = [{"role": "user", "content": "!persona"}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    root = tmp_path_factory.mktemp("offering") / "home"
    default = ProfileFiles("You are Hermes.", OFFERING)
    write_home(root, {"default": default, "ada": "You are Ada.", "bob": "You are Bob."})
    with running(root) as process:
        yield process.ready("default", "ada", "bob")


@pytest.fixture
def client(gateway):
    with OpenAI(base_url=gateway.url(), api_key=key_of("default"), max_retries=0) as client:
        yield client


def test_the_menu_of_models_has_the_profiles_that_are_offered(client):
    assert [model.id for model in client.models.list()] == ["hermes-agent", "ada"]


def test_a_completion_a_stream_and_a_response_come_from_the_chosen_profile(client):
    whole = client.chat.completions.create(model="ada", messages=WHO)
    assert (whole.choices[0].message.content, whole.model) == ("Ada", "ada")
    chunks = client.chat.completions.create(model="ada", messages=WHO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Ada"
    response = client.responses.create(model="ada", input="!persona")
    assert response.output_text == "Ada"
    assert client.responses.retrieve(response.id).output_text == "Ada"
    assert client.chat.completions.create(model="hermes-agent", messages=WHO).choices[0].message.content == "Hermes"


async def test_the_asynchronous_client_chooses_likewise(gateway):
    async with AsyncOpenAI(base_url=gateway.url(), api_key=key_of("default"), max_retries=0) as client:
        answer = await client.chat.completions.create(model="ada", messages=WHO)
        assert answer.choices[0].message.content == "Ada"
        assert (await client.responses.create(model="ada", input="!persona")).output_text == "Ada"


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("bob", openai.PermissionDeniedError, "model_not_allowed"),
        ("gpt-4o", openai.NotFoundError, "model_not_found"),
    ],
)
def test_what_may_not_be_chosen_is_the_error_that_the_sdk_has_for_it(client, model, error, code):
    with pytest.raises(error) as refused:
        client.chat.completions.create(model=model, messages=WHO)
    assert refused.value.code == code
    with pytest.raises(error):
        client.responses.create(model=model, input="!persona")
