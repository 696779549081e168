"""``/api/sessions`` as clients see it."""

import json
import sqlite3
from urllib.parse import quote

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.store.session_lifecycle import delete_session
from hermes_trio.store.sessions import SessionRecord, TurnRecord, record_turn
from hermes_trio.testing import ProfileFiles, open_gateway

FIELDS = {
    "id", "source", "user_id", "model", "title", "started_at", "ended_at", "end_reason", "message_count",
    "tool_call_count", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
    "estimated_cost_usd", "actual_cost_usd", "api_call_count", "parent_session_id", "last_active", "preview",
    "has_system_prompt", "has_model_config",
}  # fmt: skip


class Api:
    """The sessions of one profile."""

    def __init__(self, gateway, client, prefix):
        self.gateway = gateway
        self._client = client
        self._base = f"http://gateway.test{prefix}/api/sessions"

    async def call(self, method, path="", body=None, **more):
        content = {} if body is None else {"json": body}
        return await self._client.request(method, self._base + path, **content, **more)

    async def make(self, session_id="s1", **more):
        answer = await self.call("POST", "", {"id": session_id, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()["session"]

    async def say(self, message, session_id="s1"):
        return await self.call("POST", f"/{quote(session_id, safe='')}/chat", {"message": message})


@pytest.fixture
async def opened(tmp_path, autojump_clock):
    """A gateway with the default profile, Ada and Bob."""
    async with open_gateway({"ada": "You are Ada.", "bob": "You are Bob."}, root=tmp_path) as gateway:
        yield gateway
        assert gateway.request_errors == []


@pytest.fixture
async def ada(opened):
    async with opened.client("ada") as client:
        yield Api(opened, client, "/p/ada")


@pytest.fixture
async def bob(opened):
    async with opened.client("bob") as client:
        yield Api(opened, client, "/p/bob")


def store(gateway, profile):
    return gateway.gateway.table[profile].runtime.scope


async def remember(gateway, session_id, profile="ada", messages=None, **session):
    said = messages or (StoredMessage("user", "hi", 1.0), StoredMessage("assistant", "hello", 2.0))
    record = SessionRecord(session_id, session.pop("source", "telegram"), 1.0, **session)
    await record_turn(store(gateway, profile), TurnRecord(record, said, None, 2.0))


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


# The list


async def test_the_list_is_of_full_session_objects_newest_first(ada, autojump_clock):
    assert (await ada.call("GET")).json() == {"object": "list", "data": [], "limit": 50, "offset": 0, "has_more": False}
    await ada.make("first", title="One")
    await trio.sleep(5)
    await ada.make("second")
    data = (await ada.call("GET")).json()["data"]
    assert [one["id"] for one in data] == ["second", "first"]
    assert set(data[0]) == FIELDS
    assert (data[1]["title"], data[1]["source"], data[1]["message_count"]) == ("One", "api_server", 0)


async def test_the_list_comes_in_parts(ada, autojump_clock):
    for number in range(5):
        await ada.make(f"s{number}")
        await trio.sleep(1)
    part = (await ada.call("GET", "?limit=2&offset=1")).json()
    assert [one["id"] for one in part["data"]] == ["s3", "s2"]
    assert (part["limit"], part["offset"], part["has_more"]) == (2, 1, True)
    assert (await ada.call("GET", "?limit=2&offset=3")).json()["has_more"] is False
    assert (await ada.call("GET", "?limit=5000")).json()["limit"] == 200


async def test_the_list_can_be_of_one_platform(opened, ada):
    await ada.make("mine")
    await remember(opened, "chat", source="telegram")
    assert [one["id"] for one in (await ada.call("GET", "?source=telegram")).json()["data"]] == ["chat"]
    assert (await ada.call("GET", "?source=discord")).json()["data"] == []
    assert len((await ada.call("GET", "?source=")).json()["data"]) == 2


async def test_sessions_of_child_agents_are_listed_when_asked_for_and_branches_always(opened, ada):
    await remember(opened, "parent")
    await remember(opened, "child", parent_session_id="parent")
    await ada.call("POST", "/parent/fork", {"id": "branch"})
    assert {one["id"] for one in (await ada.call("GET")).json()["data"]} == {"parent", "branch"}
    with_children = (await ada.call("GET", "?include_children=true")).json()["data"]
    assert {one["id"] for one in with_children} == {"parent", "branch", "child"}


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1e3", "limit=%D9%A3", "offset=-1", f"offset={2**63}",
     "offset=" + "9" * 5000, "include_children=perhaps"],
)  # fmt: skip
async def test_a_question_for_the_list_that_makes_no_sense_is_refused_with_its_name(ada, query):
    answer = await ada.call("GET", f"?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == query.partition("=")[0]


# Making


async def test_a_session_is_made_with_an_id_of_its_own(ada):
    answer = await ada.call("POST")
    assert answer.status_code == 201
    body = answer.json()
    assert body["object"] == "hermes.session"
    assert body["session"]["id"].startswith("api_")
    assert (await ada.call("GET", f"/{body['session']['id']}")).json() == body


async def test_an_id_that_is_taken_is_a_conflict(ada):
    await ada.make("s1")
    answer = await ada.call("POST", "", {"id": "s1"})
    assert error(answer) == (409, "session_exists")
    assert answer.json()["error"]["param"] == "id"


async def test_a_title_that_is_taken_is_a_conflict(ada):
    await ada.make("s1", title="Plans")
    await ada.make("s2")
    assert error(await ada.call("POST", "", {"title": " Plans "})) == (409, "title_taken")
    assert error(await ada.call("PATCH", "/s2", {"title": "Plans"})) == (409, "title_taken")
    assert error(await ada.call("POST", "/s1/fork", {"title": "Plans"})) == (409, "title_taken")
    assert len((await ada.call("GET")).json()["data"]) == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [({"id": ""}, "id"), ({"id": " "}, "id"), ({"id": "a\nb"}, "id"), ({"id": "x" * 257}, "id"), ({"id": 5}, "id"),
     ({"title": 5}, "title"), ({"title": "x" * 501}, "title"), ({"model": []}, "model"), ([], None), ("x", None)],
)  # fmt: skip
async def test_a_wrong_body_is_refused_with_the_place(ada, body, param):
    answer = await ada.call("POST", "", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000, b'{"id": "\\ud800"}'])
async def test_what_is_no_json_is_refused(ada, content):
    assert (await ada.call("POST", content=content)).status_code == 400


async def test_the_model_of_a_session_may_be_an_alias_that_then_answers_in_it(tmp_path, autojump_clock):
    config = {
        "model": {"default": "gone", "provider": "custom", "base_url": "http://127.0.0.1:9/v1"},
        "platforms": {"api_server": {"extra": {"model_routes": {"quick": {"model": "echo", "provider": "builtin"}}}}},
    }
    files = ProfileFiles("You are Ada.", config)
    async with open_gateway({"ada": files}, root=tmp_path) as gateway, gateway.client("ada") as client:
        api = Api(gateway, client, "/p/ada")
        assert (await api.make("s1", model="quick"))["model"] == "quick"
        for _ in range(2):
            assert (await api.say("hello")).status_code == 200
        await api.call("POST", "/s1/fork", {"id": "s2"})
        assert (await api.say("hello", "s2")).status_code == 200


# One session


async def test_a_session_tells_what_was_said_in_it(ada):
    await ada.make("s1")
    await ada.say("hello there")
    session = (await ada.call("GET", "/s1")).json()["session"]
    assert (session["message_count"], session["preview"], session["model"]) == (2, "hello there", "echo")
    assert session["has_system_prompt"] is True
    assert session["api_call_count"] == 1
    assert session["input_tokens"] > 0


async def test_changing_gives_a_title_and_takes_it_away(ada):
    await ada.make("s1")
    assert (await ada.call("PATCH", "/s1", {"title": " Plans "})).json()["session"]["title"] == "Plans"
    assert (await ada.call("PATCH", "/s1", {"title": "Plans"})).json()["session"]["title"] == "Plans"
    assert (await ada.call("PATCH", "/s1", {})).json()["session"]["title"] == "Plans"
    assert (await ada.call("PATCH", "/s1", {"title": None})).json()["session"]["title"] is None


async def test_a_session_ends_once_and_goes_on_when_something_is_said(ada, autojump_clock):
    await ada.make("s1")
    ended = (await ada.call("PATCH", "/s1", {"end_reason": "done"})).json()["session"]
    assert (ended["end_reason"], ended["ended_at"] > 0) == ("done", True)
    await trio.sleep(5)
    again = (await ada.call("PATCH", "/s1", {"end_reason": "other"})).json()["session"]
    assert (again["end_reason"], again["ended_at"]) == ("done", ended["ended_at"])
    await ada.say("hello")
    assert (await ada.call("GET", "/s1")).json()["session"]["ended_at"] is None


async def test_messages_come_with_all_that_is_known_of_them(opened, ada):
    parts = ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}})
    said = (
        StoredMessage("user", parts, 1.0),
        StoredMessage("assistant", None, 2.0, tool_calls=(ToolCall("c1", "terminal", "{}"),), reasoning="hm"),
        StoredMessage("tool", "files", 3.0, tool_call_id="c1", tool_name="terminal"),
        StoredMessage("assistant", "done", 4.0, finish_reason="stop"),
    )
    await remember(opened, "s1", messages=said)
    with sqlite3.connect(opened.home.profile("ada").state_db) as connection:
        connection.execute("UPDATE messages SET reasoning_content = 'own words' WHERE role = 'assistant'")
        connection.execute(
            "INSERT INTO messages(session_id, role, content, timestamp, active) VALUES ('s1','user','undone',5,0)"
        )
    body = (await ada.call("GET", "/s1/messages")).json()
    assert (body["object"], body["session_id"]) == ("list", "s1")
    assert [one["content"] for one in body["data"]] == [list(parts), None, "files", "done"]
    assert body["data"][1]["tool_calls"] == [
        {"id": "c1", "call_id": "c1", "response_item_id": None, "type": "function",
         "function": {"name": "terminal", "arguments": "{}"}}
    ]  # fmt: skip
    assert (body["data"][1]["reasoning"], body["data"][1]["reasoning_content"]) == ("hm", "own words")
    assert (body["data"][2]["tool_call_id"], body["data"][2]["tool_name"]) == ("c1", "terminal")
    assert set(body["data"][0]) == {
        "id", "session_id", "role", "content", "tool_call_id", "tool_calls", "tool_name", "timestamp", "token_count",
        "finish_reason", "reasoning", "reasoning_content",
    }  # fmt: skip


async def test_text_that_is_no_utf8_does_not_hide_a_session(opened, ada):
    await remember(opened, "s1")
    with sqlite3.connect(opened.home.profile("ada").state_db) as connection:
        connection.execute("UPDATE messages SET content = CAST(x'ff41' AS TEXT)")
    assert (await ada.call("GET")).json()["data"][0]["preview"] == "\ufffdA"
    assert (await ada.call("GET", "/s1/messages")).json()["data"][0]["content"] == "\ufffdA"


# Copies


async def test_a_fork_has_what_was_said_a_numbered_title_and_its_parent(ada):
    await ada.make("s1", title="Plans")
    await ada.say("hello")
    answer = await ada.call("POST", "/s1/fork")
    assert answer.status_code == 201
    fork = answer.json()["session"]
    assert (fork["title"], fork["parent_session_id"], fork["message_count"]) == ("Plans #2", "s1", 2)
    messages = (await ada.call("GET", f"/{fork['id']}/messages")).json()["data"]
    assert [one["role"] for one in messages] == ["user", "assistant"]
    await ada.say("more", fork["id"])
    assert (await ada.call("GET", "/s1")).json()["session"]["message_count"] == 2


async def test_a_fork_of_a_chat_belongs_to_no_chat(opened, ada):
    await remember(opened, "s1", session_key="agent:ada:telegram:dm:42", chat_id="42", chat_type="dm")
    fork = (await ada.call("POST", "/s1/fork", {"id": "copy", "title": "Copy"})).json()["session"]
    assert (fork["source"], fork["title"]) == ("api_server", "Copy")
    with sqlite3.connect(opened.home.profile("ada").state_db) as connection:
        assert connection.execute("SELECT session_key, chat_id FROM sessions WHERE id = 'copy'").fetchall() == [
            (None, None)
        ]


async def test_a_fork_to_an_id_that_is_taken_is_a_conflict(ada):
    await ada.make("s1")
    assert error(await ada.call("POST", "/s1/fork", {"id": "s1"})) == (409, "session_exists")


# Deleting


async def test_a_deleted_session_is_gone_with_all_that_was_said(opened, ada):
    await ada.make("s1")
    await ada.say("a secret")
    await ada.call("POST", "/s1/fork", {"id": "s2"})
    answer = await ada.call("DELETE", "/s1")
    assert (answer.status_code, answer.json()) == (
        200,
        {"object": "hermes.session.deleted", "id": "s1", "deleted": True},
    )
    for method, path in (("GET", "/s1"), ("GET", "/s1/messages"), ("DELETE", "/s1"), ("POST", "/s1/fork")):
        assert error(await ada.call(method, path)) == (404, "session_not_found")
    assert (await ada.call("GET", "/s2")).json()["session"]["parent_session_id"] is None
    await ada.call("DELETE", "/s2")
    with sqlite3.connect(opened.home.profile("ada").state_db) as connection:
        for table in ("sessions", "messages", "session_model_usage"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        found = connection.execute("SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'secret'")
        assert found.fetchone() == (0,)


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PATCH", {"end_reason": "done", "title": "T"})])
@pytest.mark.parametrize("how", ["chat", "history"])
async def test_a_session_in_which_a_turn_runs_cannot_be_ended_or_deleted(
    opened, ada, method, body, how, autojump_clock
):
    session_id = "s1"
    async with trio.open_nursery() as nursery:
        if how == "chat":
            await ada.make("s1")
            nursery.start_soon(ada.say, "!sleep 5")
        else:
            await opened.ask("ada", "!sleep 5")
            session_id = (await ada.call("GET")).json()["data"][0]["id"]
            nursery.start_soon(opened.ask, "ada", "!sleep 5")
        await wait_all_tasks_blocked()
        assert error(await ada.call(method, f"/{session_id}", body)) == (409, "session_busy")
        assert (await ada.call("GET", f"/{session_id}")).json()["session"]["title"] is None
        assert (await ada.call("PATCH", f"/{session_id}", {"title": "New"})).status_code == 200
    assert (await ada.call(method, f"/{session_id}", body)).status_code == 200


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
async def test_a_message_that_waited_while_its_session_was_deleted_brings_nothing_back(opened, ada, path):
    await ada.make()
    answers = []

    async def ask() -> None:
        answers.append(await ada.call("POST", f"/s1{path}", {"message": "hello"}))

    runtime = opened.gateway.table["ada"].runtime
    async with trio.open_nursery() as nursery, runtime.hold_session("s1"):
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        await delete_session(runtime.scope, "s1")
    assert error(answers[0]) == error(await ada.call("GET", "/s1")) == (404, "session_not_found")


async def test_what_the_agent_had_to_do_is_deleted_with_its_session(opened, ada):
    await ada.make("s1")
    workplace = opened.gateway.table["ada"].runtime.agent.workplace
    first = workplace.todo_lists.find("s1", ())
    await ada.call("DELETE", "/s1")
    assert workplace.todo_lists.find("s1", ()) is not first


# Ids


@pytest.mark.parametrize("session_id", ["a:b:c", "a/b", "50%", "%2F", "ü会话", "a b", "messages", "?x#y", "..", "-"])
async def test_an_id_may_hold_anything_printable(ada, session_id):
    await ada.make(session_id)
    path = f"/{quote(session_id, safe='')}".replace("..", "%2E%2E")
    assert (await ada.call("GET", path)).json()["session"]["id"] == session_id
    answer = await ada.say("hello", session_id) if session_id != ".." else None
    assert answer is None or answer.json()["session_id"] == session_id
    assert (await ada.call("DELETE", path)).json()["id"] == session_id


OPERATIONS = [
    ("GET", "", None),
    ("PATCH", "", {"title": "x"}),
    ("PATCH", "", {"end_reason": "x"}),
    ("DELETE", "", None),
    ("GET", "/messages", None),
    ("POST", "/fork", {}),
    ("POST", "/chat", {"message": "hello"}),
    ("POST", "/chat/stream", {"message": "hello"}),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_a_foreign_session_is_told_in_the_same_words_as_an_unknown_one(opened, ada, bob, method, path, body):
    await ada.make("s1")
    await ada.say("hello")
    foreign = await bob.call(method, f"/s1{path}", body)
    unknown = await bob.call(method, f"/nothing{path}", body)
    assert error(foreign) == error(unknown) == (404, "session_not_found")
    assert foreign.content == unknown.content
    assert (await ada.call("GET", "/s1")).json()["session"]["message_count"] == 2
    assert opened.gateway.capacity.running() == 0


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_a_row_of_another_profile_in_the_same_file_is_unknown(opened, ada, method, path, body):
    await remember(opened, "foreign")
    with sqlite3.connect(opened.home.profile("ada").state_db) as connection:
        connection.execute("UPDATE sessions SET profile_name = 'bob'")
    assert error(await ada.call(method, f"/foreign{path}", body)) == (404, "session_not_found")
    assert (await ada.call("GET")).json()["data"] == []


async def test_the_operator_reaches_the_sessions_of_profiles_that_may_be_chosen(tmp_path, autojump_clock):
    config = {"model": "builtin/echo", "platforms": {"api_server": {"extra": {"profiles": ["ada"]}}}}
    profiles = {"default": ProfileFiles(config=config), "ada": "You are Ada.", "bob": "You are Bob."}
    async with open_gateway(profiles, root=tmp_path) as gateway, gateway.client() as client:
        operator = Api(gateway, client, "")
        assert (await operator.make("hers", model="ada"))["id"] == "hers"
        await remember(gateway, "his", "bob")
        assert "Ada" in (await operator.say("hello", "hers")).json()["message"]["content"]
        assert (await operator.call("GET")).json()["data"] == []
        assert error(await operator.call("GET", "/his")) == (404, "session_not_found")
        assert error(await operator.call("POST", "", {"model": "bob"})) == (403, "model_not_allowed")
        assert (await operator.call("DELETE", "/hers")).status_code == 200


# Sessions that the multiplexer of Hermes kept in the root home


async def keep_in_root(gateway, session_id):
    await remember(gateway, session_id, "default", session_key="agent:ada:telegram:dm:42")
    with sqlite3.connect(gateway.home.profile("default").state_db) as connection:
        connection.execute("UPDATE sessions SET profile_name = 'ada'")


async def test_a_session_in_the_root_home_is_taken_over_when_it_is_named(opened, ada, bob):
    await keep_in_root(opened, "old")
    assert error(await bob.call("GET", "/old")) == (404, "session_not_found")
    assert error(await ada.call("POST", "", {"id": "old"})) == (409, "session_exists")
    assert len((await ada.call("GET", "/old/messages")).json()["data"]) == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["chat/completions", "responses"])
async def test_a_session_of_another_profile_in_the_same_file_cannot_be_gone_on_with(opened, path, stream):
    await keep_in_root(opened, "old")
    body = {"messages": [{"role": "user", "content": "x"}], "input": "x", "stream": stream}
    async with opened.client() as client:
        refused = await client.post(path, json=body, headers={"X-Hermes-Session-Id": "old"})
    assert error(refused) == (404, "session_not_found")
    assert "profile 'default': the profile has no such session" in refused.json()["error"]["message"]
    with sqlite3.connect(opened.home.profile("default").state_db) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)


async def test_a_session_that_was_deleted_does_not_come_back_from_the_root_home(opened, ada):
    await keep_in_root(opened, "old")
    assert (await ada.call("DELETE", "/old")).status_code == 200
    assert error(await ada.call("GET", "/old")) == (404, "session_not_found")
    headers = {"X-Hermes-Session-Id": "old"}
    async with opened.client("ada") as client:
        await client.post("chat/completions", json={"messages": [{"role": "user", "content": "x"}]}, headers=headers)
    assert len((await ada.call("GET", "/old/messages")).json()["data"]) == 2


# Chat


async def test_a_chat_goes_on_with_what_was_said(ada):
    await ada.make("s1")
    first = await ada.say("my name is Eve")
    assert first.headers["x-hermes-session-id"] == "s1"
    body = first.json()
    assert (body["object"], body["session_id"], body["message"]["role"]) == (
        "hermes.session.chat.completion",
        "s1",
        "assistant",
    )
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"] > 0
    await ada.say("again")
    messages = (await ada.call("GET", "/s1/messages")).json()["data"]
    assert [one["content"] for one in messages if one["role"] == "user"] == ["my name is Eve", "again"]


async def test_a_message_may_have_images(ada):
    await ada.make("s1")
    parts = [{"type": "text", "text": "look"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]
    assert (await ada.say(parts)).status_code == 200
    kept = (await ada.call("GET", "/s1/messages")).json()["data"][0]["content"]
    assert [part["type"] for part in kept] == ["text", "image_url"]


@pytest.mark.parametrize(
    ("message", "param"),
    [("", "message"), ([], "message"), (None, "message"), (5, "message"), ({"content": "x"}, "message"),
     ([{"type": "text", "text": ""}], "message"), ([{"type": "file"}], "message[0].type"),
     ([{"type": "image_url", "image_url": "file:///etc/passwd"}], "message[0].image_url")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
async def test_a_message_that_says_nothing_is_refused(ada, path, message, param):
    await ada.make("s1")
    answer = await ada.call("POST", f"/s1{path}", {"message": message})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def events_of(answer):
    """Name and payload of each event."""
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def stream(api, message):
    await api.make("s1")
    answer = await api.call("POST", "/s1/chat/stream", {"message": message})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    return events_of(answer)


async def test_a_stream_tells_what_happens_in_numbered_events(ada):
    events = await stream(ada, "hello")
    names = [name for name, _ in events]
    assert names[:2] == ["run.started", "message.started"]
    assert names[-3:] == ["assistant.completed", "run.completed", "done"]
    assert set(names[2:-3]) == {"assistant.delta"}
    payloads = [payload for _, payload in events]
    assert [one["seq"] for one in payloads] == list(range(len(events)))
    assert {one["session_id"] for one in payloads} == {"s1"}
    assert len({one["run_id"] for one in payloads}) == 1
    assert all(isinstance(one["ts"], float) for one in payloads)
    assert payloads[0]["user_message"] == {"role": "user", "content": "hello"}
    message_id = payloads[1]["message"]["id"]
    text = "".join(one["delta"] for name, one in events if name == "assistant.delta")
    assert payloads[-3] | {"message_id": message_id, "content": text} == payloads[-3]
    assert payloads[-2]["messages"][-1] == {"role": "assistant", "content": text}
    assert payloads[-2]["usage"]["total_tokens"] > 0


async def test_a_stream_tells_of_tools(ada):
    events = await stream(ada, '!tool todo {"todos": []}')
    started = next(payload for name, payload in events if name == "tool.started")
    assert (started["tool_name"], started["args"], started["preview"]) == ("todo", {"todos": []}, '{"todos": []}')
    finished = [name for name, payload in events if name in ("tool.completed", "tool.failed")]
    assert finished == ["tool.completed"]
    failed = events_of(await ada.call("POST", "/s1/chat/stream", {"message": "!tool read_file {}"}))
    assert "tool.failed" in [name for name, _ in failed]


async def test_a_failure_after_the_beginning_is_an_event(ada):
    events = await stream(ada, "!drop half an answer")
    assert [name for name, _ in events][-2:] == ["error", "done"]
    assert events[-2][1]["error"]["code"] == "model_interrupted"


async def test_a_failure_before_the_beginning_has_its_own_status(ada):
    await ada.make("s1")
    for path in ("/chat", "/chat/stream"):
        assert error(await ada.call("POST", f"/s1{path}", {"message": "!fail 401"})) == (502, "model_unauthorized")


async def test_turns_of_one_session_run_one_after_the_other(ada, autojump_clock):
    await ada.make("s1")
    async with trio.open_nursery() as nursery:
        for text in ("!sleep 3 one", "two"):
            nursery.start_soon(ada.say, text)
            await wait_all_tasks_blocked()
    messages = (await ada.call("GET", "/s1/messages")).json()["data"]
    assert [one["role"] for one in messages] == ["user", "assistant"] * 2
    assert [one["content"] for one in messages][::2] == ["!sleep 3 one", "two"]


async def test_a_client_that_goes_away_takes_its_turn_along(opened, ada, autojump_clock):
    await ada.make("s1")
    with trio.move_on_after(1):
        await ada.say("!sleep 60")
    await wait_all_tasks_blocked()
    assert opened.gateway.capacity.running() == 0
