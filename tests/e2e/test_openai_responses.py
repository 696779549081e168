"""The official OpenAI SDK makes, continues and reads responses of a real gateway process."""

import signal
import sqlite3
from contextlib import closing

import openai
import pytest
import trio
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseOutputMessage
from pydantic import BaseModel

from hermes_trio.testing.home import test_key as key_of
from hermes_trio.testing.home import write_home
from tests.e2e.process import running
from tests.e2e.test_openai_sdk import sdk


class Plum(BaseModel):
    """What the model is to answer with."""

    colour: str


def respond(client, text, **options) -> Response:
    return client.responses.create(model="hermes-agent", input=text, **options)


def test_each_profile_answers_in_its_own_persona(gateway):
    assert respond(sdk(gateway, "ada"), "hello").output_text == "Ada here. You said: hello"
    assert respond(sdk(gateway, "bob"), "hello").output_text == "Bob here. You said: hello"


def test_the_object_is_what_the_sdk_declares(gateway):
    response = respond(sdk(gateway, "ada"), "!tool todo {}", metadata={"a": "b"})
    known = Response.model_validate(response.to_dict())
    assert [type(item) for item in known.output][::2] == [ResponseFunctionToolCall, ResponseOutputMessage]
    assert known.output[1].type == "function_call_output"
    assert known.output[1].output[0].text.startswith('{"todos"')
    assert known.usage.total_tokens > 0
    assert known.metadata == {"a": "b"}


def test_a_response_is_continued(gateway):
    client = sdk(gateway, "ada")
    first = respond(client, "the word is plum", instructions="Be brief.")
    second = respond(client, "!history", previous_response_id=first.id)
    assert second.output_text == "2 messages before this one, the first was: the word is plum"
    assert (second.instructions, second.previous_response_id) == ("Be brief.", first.id)


def test_a_client_may_keep_the_history_itself(gateway):
    client = sdk(gateway, "ada")
    talk = [{"role": "user", "content": "!tool todo {}"}]
    first = client.responses.create(model="m", input=talk, store=False)
    talk += [item.to_dict() for item in first.output]
    talk.append({"role": "user", "content": "!history"})
    second = client.responses.create(model="m", input=talk, store=False)
    assert second.output_text == "4 messages before this one, the first was: !tool todo {}"


def test_a_conversation_goes_on(gateway):
    client = sdk(gateway, "ada")
    respond(client, "the word is plum", conversation="sdk")
    assert "plum" in respond(client, "!history", conversation={"id": "sdk"}).output_text
    assert respond(client, "hi", conversation="sdk").conversation.id == "sdk"
    assert "plum" not in respond(sdk(gateway, "bob"), "!history", conversation="sdk").output_text


def test_a_stream_is_read_event_by_event(gateway):
    events = list(respond(sdk(gateway, "ada"), "!tool todo {}", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == text


def test_the_stream_helper_puts_the_response_together(gateway):
    client = sdk(gateway, "ada")
    with client.responses.stream(model="m", input="!tool todo {}") as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert snapshots[-1] == final.output_text
    assert client.responses.retrieve(final.id).output_text == final.output_text


def test_an_answer_is_parsed_into_a_type(gateway):
    client = sdk(gateway, "ada")
    ask = {"model": "m", "input": '!say {"colour": "blue"}', "text_format": Plum}
    assert client.responses.parse(**ask).output_parsed == Plum(colour="blue")
    with client.responses.stream(**ask) as stream:
        assert stream.get_final_response().output_parsed == Plum(colour="blue")


# The SDK leaves its own generators unfinished after the end mark of a stream.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_async_sdk_runs_on_trio(gateway):
    async def main() -> list[str]:
        async with AsyncOpenAI(base_url=gateway.url("ada"), api_key=key_of("ada"), max_retries=0) as client:
            whole = await client.responses.create(model="m", input="hello")
            async with client.responses.stream(model="m", input="!history", previous_response_id=whole.id) as stream:
                streamed = await stream.get_final_response()
            read = await client.responses.retrieve(streamed.id)
            await client.responses.delete(streamed.id)
            with pytest.raises(openai.NotFoundError):
                await client.responses.retrieve(streamed.id)
            return [whole.output_text, streamed.output_text, read.output_text]

    whole, streamed, read = trio.run(main)
    assert whole == "Ada here. You said: hello"
    assert streamed == read == "2 messages before this one, the first was: hello"


def test_a_response_that_is_deleted_is_gone(gateway):
    client = sdk(gateway, "ada")
    made = respond(client, "hello")
    assert client.responses.retrieve(made.id) == made
    assert client.responses.delete(made.id) is None
    for use in (client.responses.retrieve, client.responses.delete):
        with pytest.raises(openai.NotFoundError) as caught:
            use(made.id)
        assert caught.value.code == "response_not_found"


def test_the_response_of_another_profile_is_an_unknown_one(gateway):
    of_ada = respond(sdk(gateway, "ada"), "hello").id
    with pytest.raises(openai.NotFoundError):
        sdk(gateway, "bob").responses.retrieve(of_ada)
    with pytest.raises(openai.NotFoundError) as caught:
        respond(sdk(gateway, "bob"), "hello", previous_response_id=of_ada)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


def test_a_failing_model_is_told_honestly(gateway):
    client = sdk(gateway, "ada")
    with pytest.raises(openai.InternalServerError) as caught:
        respond(client, "!fail 500")
    assert (caught.value.status_code, caught.value.code) == (502, "model_overloaded")
    *_, last = respond(client, "!drop", stream=True)
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert last.response.error.code == "model_interrupted"


def test_a_bad_request_names_the_part(gateway):
    with pytest.raises(openai.BadRequestError) as caught:
        respond(sdk(gateway, "ada"), "x", previous_response_id="resp_1", conversation="c")
    assert caught.value.param == "previous_response_id"


def test_a_killed_gateway_has_lost_no_response_that_it_gave(tmp_path):
    root = tmp_path / "home"
    write_home(root, {"ada": "You are Ada."})
    with running(root) as process:
        made = [respond(sdk(process.ready("ada"), "ada"), f"n{number}", conversation="talk") for number in range(5)]
        process.stop(signal.SIGKILL)
    with running(root) as process:
        client = sdk(process.ready("ada"), "ada")
        assert [client.responses.retrieve(one.id).output_text for one in made] == [one.output_text for one in made]
        assert "10 messages before" in respond(client, "!history", conversation="talk").output_text
    with closing(sqlite3.connect(root / "profiles" / "ada" / "response_store.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
