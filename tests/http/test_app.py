"""What a client sees of the API: routes, prefixes, keys, headers, errors."""

import json
import shutil

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.testing import test_key as key_of

HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def opened(tmp_path):
    """A gateway with the default profile, Ada and Bob."""
    return open_gateway({"ada": "You are Ada.", "bob": "You are Bob."}, root=tmp_path)


async def get(gateway, path: str, **headers: str):
    async with gateway.client() as client:
        return await client.get(f"http://gateway.test{path}", headers=headers)


async def test_health_needs_no_key_and_says_nothing_of_profiles(opened, autojump_clock):
    async with opened as gateway:
        for path in ("/health", "/v1/health", "/p/ada/health"):
            answer = await get(gateway, path, Authorization="")
            assert answer.status_code == 200
            assert answer.json()["status"] == "ok"


async def test_every_answer_tells_browsers_to_keep_away(opened, autojump_clock):
    async with opened as gateway:
        for path in ("/health", "/v1/models", "/nothing"):
            headers = (await get(gateway, path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "path", ["/p/nobody/v1/models", "/p/nobody/health", "/p/nobody/x", "/p/", "/p/..%2fada/v1/models"]
)
async def test_an_unknown_prefix_is_404_whatever_follows(opened, autojump_clock, path):
    async with opened as gateway:
        answer = await get(gateway, path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "unknown_profile"


async def test_unknown_routes_are_plain_404_and_wrong_methods_405(opened, autojump_clock):
    async with opened as gateway:
        missing = await get(gateway, "/p/ada/v1/nothing", Authorization=f"Bearer {key_of('ada')}")
        assert (missing.status_code, missing.text) == (404, "404: Not Found")
        wrong = await get(gateway, "/v1/chat/completions")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
        client = gateway.client()
        reading = await client.delete("models")
        assert (reading.status_code, reading.headers["allow"]) == (405, "GET, HEAD")
        await client.aclose()


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "key_missing"),
        ("Bearer", "key_missing"),
        ("Basic abc", "key_missing"),
        ("Bearer wrong-key-0123456789", "key_mismatch"),
        (f"Bearer {key_of('bob')}", "key_mismatch"),
        (f"Bearer {key_of('default')}", "key_mismatch"),
        (f"Bearer {key_of('ada')}x", "key_mismatch"),
        ("Bearer \u00fc\u00fc\u00fc", "key_mismatch"),
    ],
)
async def test_a_request_without_the_profiles_own_key_is_refused(opened, autojump_clock, header, code):
    async with opened as gateway:
        async with gateway.client() as client:
            raw = {"Authorization": header.encode("latin-1")}
            answer = await client.get("http://gateway.test/p/ada/v1/models", headers=raw)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == code
        assert key_of("ada") not in answer.text


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "key_missing"),
        ("short", "key_too_short"),
        ("changeme-changeme-changeme", "key_missing"),
        ("${API_SERVER_KEY}", "key_missing"),
    ],
)
async def test_a_profile_without_a_usable_key_lets_nobody_in(tmp_path, autojump_clock, key, code):
    async with open_gateway({"ada": ProfileFiles(env={"API_SERVER_KEY": key})}, root=tmp_path) as gateway:
        answer = await get(gateway, "/p/ada/v1/models", Authorization=f"Bearer {key or 'none'}")
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == code


async def test_the_answer_names_its_session_and_echoes_the_key_of_the_user(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        plain = await client.post("chat/completions", json=HELLO)
        assert plain.headers["x-hermes-session-id"].startswith("api-")
        assert "x-hermes-session-key" not in plain.headers
        again = await client.post("chat/completions", json=HELLO)
        assert again.headers["x-hermes-session-id"] == plain.headers["x-hermes-session-id"]
        headers = {"X-Hermes-Session-Id": "mine", "X-Hermes-Session-Key": "user-7"}
        named = await client.post("chat/completions", json=HELLO, headers=headers)
        assert named.headers["x-hermes-session-id"] == "mine"
        assert named.headers["x-hermes-session-key"] == "user-7"


async def test_a_session_id_that_is_too_long_is_refused(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        answer = await client.post("chat/completions", json=HELLO, headers={"X-Hermes-Session-Id": "x" * 257})
        assert answer.status_code == 400


async def test_a_stream_has_the_documented_frame(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        answer = await client.post("chat/completions", json={**HELLO, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "x-frame-options" not in answer.headers
    events = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant"}
    assert chunks[-1]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert set(chunks[-1]["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_silence_is_filled_with_keepalive_comments(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        body = {"messages": [{"role": "user", "content": "!sleep 70"}], "stream": True}
        text = (await client.post("chat/completions", json=body)).text
    assert text.count(": keepalive\n\n") == 2
    assert text.index('"role":"assistant"') < text.index(": keepalive")
    assert text.endswith("data: [DONE]\n\n")


async def test_a_model_that_fails_at_once_is_told_by_the_status_even_of_a_stream(opened, autojump_clock):
    async with opened as gateway, gateway.client("ada") as client:
        body = {"messages": [{"role": "user", "content": "!fail 401"}], "stream": True}
        answer = await client.post("chat/completions", json=body)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "model_unauthorized"


async def test_more_turns_than_a_profile_may_run_are_429_and_the_others_go_on(tmp_path, autojump_clock):
    files = ProfileFiles(soul="You are Ada.", config={"model": "builtin/echo", "max_concurrent_sessions": 2})
    async with open_gateway({"ada": files, "bob": "You are Bob."}, root=tmp_path) as gateway:
        async with trio.open_nursery() as nursery:
            for number in range(2):
                nursery.start_soon(gateway.ask, "ada", f"!sleep 5 {number}")
            await wait_all_tasks_blocked()
            async with gateway.client("ada") as client:
                refused = await client.post("chat/completions", json=HELLO)
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["error"]["type"] == "rate_limit_error"
            assert "max_concurrent_sessions" in refused.json()["error"]["message"]
            assert "Bob" in await gateway.ask("bob", "hello")
        assert gateway.gateway.capacity.running() == 0


async def test_a_draining_gateway_says_so_and_ends_what_runs(opened, autojump_clock):
    heard = []

    async def ask(gateway) -> None:
        heard.append(await gateway.ask("ada", "!sleep 5"))

    async with opened as gateway:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, gateway)
            await wait_all_tasks_blocked()
            nursery.start_soon(gateway.gateway.drain)
            await wait_all_tasks_blocked()
            answer = await get(gateway, "/v1/models")
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "gateway_draining"
            assert answer.headers["retry-after"] == "1"
        assert len(heard) == 1


async def test_detailed_health_shows_one_profile_to_its_owner(opened, autojump_clock):
    async with opened as gateway:
        answer = await get(gateway, "/p/ada/health/detailed", Authorization=f"Bearer {key_of('ada')}")
        body = answer.json()
        assert body["profile"] == "ada"
        assert body["readiness"]["checks"]["model"] == {"status": "ok", "provider": "builtin", "model": "echo"}
        assert body["gateway_drainable"] is True
        assert (await get(gateway, "/p/ada/health/detailed")).status_code == 401


async def test_a_model_alias_is_listed_and_selects_its_model(tmp_path, autojump_clock):
    config = {
        "model": {"default": "gone", "provider": "custom", "base_url": "http://127.0.0.1:9/v1"},
        "platforms": {"api_server": {"extra": {"model_routes": {"quick": {"model": "echo", "provider": "builtin"}}}}},
    }
    async with open_gateway({"ada": ProfileFiles("You are Ada.", config)}, root=tmp_path) as gateway:
        async with gateway.client("ada") as client:
            assert [one["id"] for one in (await client.get("models")).json()["data"]] == ["ada", "quick"]
            answer = await client.post("chat/completions", json={**HELLO, "model": "quick"})
        assert "Ada" in answer.json()["choices"][0]["message"]["content"]
        assert answer.json()["model"] == "quick"


async def test_a_key_of_any_alphabet_opens_its_profile(tmp_path, autojump_clock):
    key = "schl\u00fcssel-\u4f1a\u8bdd-0123456789"
    async with open_gateway({"ada": ProfileFiles(env={"API_SERVER_KEY": key})}, root=tmp_path) as gateway:
        async with gateway.client("ada") as client:
            answer = await client.get("models", headers={b"Authorization": b"Bearer " + key.encode()})
        assert answer.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_takes_its_turn_along_and_is_no_error(opened, autojump_clock, stream):
    async with opened as gateway:
        with trio.move_on_after(1):
            async with gateway.client("ada") as client:
                body = {"messages": [{"role": "user", "content": "!sleep 10"}], "stream": stream}
                await client.post("chat/completions", json=body)
        await wait_all_tasks_blocked()
        assert gateway.gateway.capacity.running() == 0
        assert gateway.request_errors == []


async def test_detailed_health_of_a_home_that_is_gone_says_so(opened, tmp_path, autojump_clock):
    async with opened as gateway:
        shutil.rmtree(tmp_path / "profiles" / "ada")
        answer = await get(gateway, "/p/ada/health/detailed", Authorization=f"Bearer {key_of('ada')}")
        assert answer.status_code == 200
        assert answer.json()["status"] == "degraded"
        assert answer.json()["readiness"]["checks"]["disk"]["status"] == "error"
