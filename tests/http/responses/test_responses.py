"""Responses as a client sees them: one after the other, in conversations, whole and as streams."""

import json
import sqlite3
from contextlib import closing

import pytest
import trio
from openai.types.responses import Response
from trio.testing import wait_all_tasks_blocked

from hermes_trio.gateway.states import ProfileState
from hermes_trio.testing import ProfileFiles, open_gateway
from tests.gateway.scripted import until


@pytest.fixture
def opened(tmp_path):
    """A gateway with the default profile and Ada."""
    return open_gateway({"ada": "You are Ada."}, root=tmp_path)


async def respond(client, text, headers=None, **body):
    return await client.post("responses", json={"input": text, **body}, headers=headers or {})


async def answer(client, text, **body):
    """The response, which must be one that the SDK knows."""
    answered = await respond(client, text, **body)
    assert answered.status_code == 200, answered.text
    Response.model_validate(answered.json())
    return answered.json()


def text_of(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


async def say(client, text, **body):
    return text_of(await answer(client, text, **body))


def events_of(answered):
    frames = [frame for frame in answered.text.split("\n\n") if frame.startswith("event: ")]
    return [json.loads(frame.split("data: ", 1)[1]) for frame in frames]


def all_tasks():
    waiting = [trio.lowlevel.current_root_task()]
    while waiting:
        task = waiting.pop()
        yield task
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


def rows(gateway, file, sql, profile="ada"):
    with closing(sqlite3.connect(getattr(gateway.home.profile(profile), file))) as connection:
        return connection.execute(sql).fetchall()


async def test_a_response_has_the_documented_fields(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        response = await answer(client, "hello", metadata={"a": "b"}, instructions="Be brief.")
    assert response["id"].startswith("resp_")
    assert len(response["id"]) == len("resp_") + 28
    assert (response["object"], response["status"], response["model"]) == ("response", "completed", "ada")
    assert (response["metadata"], response["instructions"]) == ({"a": "b"}, "Be brief.")
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    assert "You said: hello" in text_of(response)


async def test_the_next_response_knows_what_was_said_before(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        first = await answer(client, "the word is plum")
        second = await answer(client, "!history", previous_response_id=first["id"])
        third = await say(client, "!history", previous_response_id=second["id"])
        again = await say(client, "!history", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    assert text_of(second) == again == "2 messages before this one, the first was: the word is plum"
    assert third == "4 messages before this one, the first was: the word is plum"


async def test_a_chain_of_responses_is_one_session_of_the_profile(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        first = await respond(client, "one")
        second = await respond(client, "two", previous_response_id=first.json()["id"])
        other = await respond(client, "three")
        session = first.headers["x-hermes-session-id"]
        assert second.headers["x-hermes-session-id"] == session != other.headers["x-hermes-session-id"]
        stored = rows(gateway, "state_db", "SELECT session_id, role, content FROM messages ORDER BY id")
        sources = rows(gateway, "state_db", "SELECT DISTINCT source FROM sessions")
    assert [row[1] for row in stored if row[0] == session] == ["user", "assistant", "user", "assistant"]
    assert sources == [("api_server",)]


async def test_instructions_carry_over_until_there_are_others(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        first = await answer(client, "hello", instructions="Speak like a pirate.")
        second = await answer(client, "!system text", previous_response_id=first["id"])
        assert second["instructions"] == "Speak like a pirate."
        assert text_of(second).endswith("Speak like a pirate.")
        third = await answer(client, "!system text", previous_response_id=second["id"], instructions="Whisper.")
        assert "pirate" not in text_of(third)
        assert text_of(third).endswith("Whisper.")
        assert (await answer(client, "x", previous_response_id=third["id"]))["instructions"] == "Whisper."


async def test_a_conversation_goes_on_by_its_name(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        first = await answer(client, "the word is plum", conversation="fruit")
        assert first["conversation"] == {"id": "fruit"}
        assert "2 messages before" in await say(client, "!history", conversation={"id": "fruit"})
        assert "0 messages before" in await say(client, "!history", conversation="other")


async def test_requests_of_one_conversation_are_answered_one_after_the_other(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(lambda n=number: answer(client, f"!sleep {3 - n} {n}", conversation="talk"))
                await wait_all_tasks_blocked()
        assert "6 messages before" in await say(client, "!history", conversation="talk")


async def test_what_is_not_to_be_kept_is_not(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        response = await answer(client, "hello", store=False)
        assert response["store"] is False
        assert not gateway.home.profile("ada").response_store_db.exists()
        assert (await client.get(f"responses/{response['id']}")).status_code == 404
        first = await answer(client, "one", conversation="talk")
        await answer(client, "unkept", conversation="talk", store=False)
        assert await say(client, "!history", conversation="talk") == "2 messages before this one, the first was: one"
        assert (await client.get(f"responses/{first['id']}")).status_code == 200


async def test_tools_that_were_used_are_part_of_the_output_and_of_what_follows(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        todo = '{"todos":[{"id":"1","content":"sow","status":"pending"}]}'
        first = await answer(client, f"!tool todo {todo}")
        assert [item["type"] for item in first["output"]] == ["function_call", "function_call_output", "message"]
        call, output, _ = first["output"]
        assert (call["name"], call["arguments"]) == ("todo", todo)
        assert output["call_id"] == call["call_id"]
        assert "sow" in output["output"][0]["text"]
        assert "4 messages before" in await say(client, "!history", previous_response_id=first["id"])
        kept = json.loads(rows(gateway, "response_store_db", "SELECT data FROM responses ORDER BY rowid")[0][0])
        assert [message["role"] for message in kept["conversation_history"]] == [
            "user",
            "assistant",
            "tool",
            "assistant",
        ]
        again = await answer(client, "!tool todo {}", previous_response_id=first["id"])
        assert "sow" in again["output"][1]["output"][0]["text"]


async def test_truncation_leaves_the_newest_hundred_messages(opened, autojump_clock):
    many = [{"role": ("user", "assistant")[number % 2], "content": f"n{number}"} for number in range(150)]
    ask = {"role": "user", "content": "!history"}
    async with opened as gateway, gateway.client("ada") as client:
        assert "150 messages before" in await say(client, [*many, ask])
        assert await say(client, [*many, ask], truncation="auto") == "100 messages before this one, the first was: n50"


async def test_a_stream_tells_the_same_and_is_kept(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        answered = await respond(client, "!tool todo {}", stream=True)
        assert answered.headers["content-type"] == "text/event-stream"
        assert answered.headers["x-hermes-session-id"]
        events = events_of(answered)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert events[0]["type"] == "response.created"
        assert events[-1]["type"] == "response.completed"
        assert (await client.get(f"responses/{events[0]['response']['id']}")).json() == events[-1]["response"]


async def test_a_model_that_fails_at_once_is_told_by_the_status(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        for stream in (False, True):
            answered = await respond(client, "!fail 401", stream=stream)
            assert (answered.status_code, answered.json()["error"]["code"]) == (502, "model_unauthorized")
        assert not gateway.home.profile("ada").response_store_db.exists()


async def test_a_model_that_breaks_off_ends_the_stream_with_a_failure_and_nothing_is_kept(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        *_, last = events_of(await respond(client, "!drop", stream=True))
        assert last["type"] == "response.failed"
        assert last["response"]["error"]["code"] == "model_interrupted"
        assert last["response"]["output"][-1]["status"] == "incomplete"
        assert (await client.get(f"responses/{last['response']['id']}")).status_code == 404


async def test_silence_is_filled_with_keepalive_comments(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        text = (await respond(client, "!sleep 70", stream=True)).text
    assert text.count(": keepalive\n\n") == 2
    assert text.index(": keepalive") < text.index("response.created")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_takes_its_turn_along_and_nothing_is_kept(opened, autojump_clock, stream):
    async with opened as gateway:
        with trio.move_on_after(1):
            async with gateway.client("ada") as client:
                await respond(client, "!tokens 100 100", stream=stream, conversation="talk")
        await wait_all_tasks_blocked()
        assert gateway.gateway.capacity.running() == 0
        assert gateway.request_errors == []
        assert not gateway.home.profile("ada").response_store_db.exists()
        async with gateway.client("ada") as client:
            assert "0 messages before" in await say(client, "!history", conversation="talk")


async def test_a_kept_response_is_read_and_forgotten(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        response = await answer(client, "hello")
        path = f"responses/{response['id']}"
        assert (await client.get(path)).json() == response
        assert (await client.delete(path)).json() == {"id": response["id"], "object": "response", "deleted": True}
        gone = [await client.get(path), await client.delete(path)]
        assert [answered.status_code for answered in gone] == [404, 404]
        assert gone[0].json()["error"]["code"] == "response_not_found"


async def test_a_response_that_nobody_knows_cannot_be_continued(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        for stream in (False, True):
            refused = await respond(client, "hello", previous_response_id="resp_nobody", stream=stream)
            assert refused.status_code == 404
            error = refused.json()["error"]
            assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
        assert not gateway.home.profile("ada").response_store_db.exists()


async def test_a_repeated_request_gets_the_same_response_whole_or_as_a_stream(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        headers = {"Idempotency-Key": "once"}
        first = await respond(client, "!tool todo {}", headers)
        again = await respond(client, "!tool todo {}", headers)
        assert again.json() == first.json()
        assert again.headers["x-hermes-session-id"] == first.headers["x-hermes-session-id"]
        streamed = await respond(client, "!tool todo {}", headers, stream=True)
        events = events_of(streamed)
        assert events[0]["response"]["id"] == first.json()["id"]
        assert events[-1]["response"] == first.json()
        assert streamed.headers["x-hermes-session-id"] == first.headers["x-hermes-session-id"]
        assert (await respond(client, "!say other", headers)).json()["id"] != first.json()["id"]
        assert rows(gateway, "state_db", "SELECT count(*) FROM messages WHERE role = 'user'") == [(2,)]


async def test_the_same_key_in_another_session_or_for_another_user_is_another_request(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        answers = [
            (await respond(client, "!say hello", {"Idempotency-Key": "once", name: value})).json()["id"]
            for name in ("X-Hermes-Session-Id", "X-Hermes-Session-Key", "X-Hermes-User-Id")
            for value in ("one", "two", "one")
        ]
        assert len(set(answers)) == 6


async def test_a_repeated_request_during_the_first_waits_for_it(opened, autojump_clock):
    heard = []

    async def ask(client) -> None:
        heard.append(events_of(await respond(client, "!sleep 70", {"Idempotency-Key": "once"}, stream=True)))

    async with opened as gateway, gateway.client("ada") as client, trio.open_nursery() as nursery:
        nursery.start_soon(ask, client)
        await wait_all_tasks_blocked()
        nursery.start_soon(ask, client)
    assert len({event["response"]["id"] for events in heard for event in events if "response" in event}) == 1


async def test_a_session_that_the_client_names_brings_its_history(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        headers = {"X-Hermes-Session-Id": "mine", "X-Hermes-Session-Key": "user-7"}
        await gateway.ask("ada", "the word is plum", session="mine")
        named = await respond(client, "!history", headers)
        assert text_of(named.json()) == "2 messages before this one, the first was: the word is plum"
        assert named.headers["x-hermes-session-id"] == "mine"
        assert named.headers["x-hermes-session-key"] == "user-7"
        assert "4 messages before" in await say(client, "!history", previous_response_id=named.json()["id"])


async def test_more_turns_than_a_profile_may_run_are_429(tmp_path, autojump_clock):
    files = ProfileFiles(soul="You are Ada.", config={"model": "builtin/echo", "max_concurrent_sessions": 1})
    async with (
        open_gateway({"ada": files}, root=tmp_path) as gateway,
        gateway.client("ada") as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(gateway.ask, "ada", "!sleep 5")
        await wait_all_tasks_blocked()
        for stream in (False, True):
            refused = await respond(client, "hello", stream=stream)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert refused.json()["error"]["code"] == "rate_limit_exceeded"


async def test_an_answer_that_a_restart_waits_for_is_kept_before_the_profile_closes(opened, autojump_clock):
    heard = []

    async def ask(client, number: int) -> None:
        # The history of a session that the client names is read between the turn and the keeping.
        answered = await respond(client, f"!sleep 5 {number}", {"X-Hermes-Session-Id": "mine"})
        assert answered.status_code == 200, answered.text
        heard.append(answered.json())

    async with opened as gateway, gateway.client("ada") as client:
        slot = gateway.slot("ada")
        for number in range(1, 5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, client, number)
                await wait_all_tasks_blocked()
                slot.restart_wanted.set()
            await until(lambda number=number: slot.generation > number and slot.state is ProfileState.RUNNING)
        assert gateway.request_errors == []
        ids = {row[0] for row in rows(gateway, "response_store_db", "SELECT response_id FROM responses")}
        assert ids == {one["id"] for one in heard}


async def test_what_was_kept_is_there_after_a_restart(tmp_path, autojump_clock):
    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway, gateway.client("ada") as client:
        await answer(client, "the word is plum", conversation="talk")
    async with open_gateway(None, root=tmp_path) as gateway, gateway.client("ada") as client:
        assert "plum" in await say(client, "!history", conversation="talk")


async def test_a_profile_that_keeps_no_response_opens_no_store(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        assert (await client.get("responses/resp_x")).status_code == 404
        await answer(client, "hello", store=False)
        names = [task.name for task in all_tasks()]
        assert "ada#1 responses" not in names
        await answer(client, "hello")
        assert "ada#1 responses" in [task.name for task in all_tasks()]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"{", 400, None),
        (b'{"input": 3}', 400, "input"),
        (b'{"input": "x", "conversation": "c", "previous_response_id": "r"}', 400, "previous_response_id"),
        (b'{"input": [{"role": "user", "content": [{"type": "input_file"}]}]}', 400, "input[0].content"),
    ],
)
async def test_a_bad_request_names_the_part(opened, autojump_clock, body, status, param):
    async with opened as gateway, gateway.client("ada") as client:
        refused = await client.post("responses", content=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (status, param)
