"""Which web pages may call the API (CORS, Fetch standard)."""

import json

import pytest

from hermes_trio.testing import ProfileFiles, open_gateway

PAGE = "https://ui.example"
OTHER = "https://evil.example"
HELLO = {"messages": [{"role": "user", "content": "hello"}]}
EXPOSED = "X-Hermes-Session-Id, X-Hermes-Session-Key, Retry-After"


@pytest.fixture
def opened(tmp_path):
    """A gateway whose default profile allows the origins that are given."""

    def open_with(origins):
        settings = {"api_server": {"extra": {"cors_origins": origins}}} if origins else {}
        config = {"model": "builtin/echo", "platforms": settings}
        return open_gateway({"default": ProfileFiles(config=config), "ada": "You are Ada."}, root=tmp_path)

    return open_with


async def test_a_page_of_a_configured_origin_may_call_and_read(opened, autojump_clock):
    async with opened([PAGE]) as gateway, gateway.client() as client:
        answer = await client.get("models", headers={"Origin": PAGE})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-expose-headers"] == EXPOSED
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origins", [[], [PAGE]])
@pytest.mark.parametrize("path", ["/v1/models", "/health", "/p/ada/v1/models", "/p/nobody/x", "/nothing"])
async def test_a_page_of_another_origin_gets_nothing(opened, autojump_clock, origins, path):
    async with opened(origins) as gateway, gateway.client() as client:
        for method in ("GET", "OPTIONS"):
            answer = await client.request(method, f"http://gateway.test{path}", headers={"Origin": OTHER})
            assert (answer.status_code, answer.content) == (403, b"")
            assert "access-control-allow-origin" not in answer.headers


async def test_an_error_can_be_read_by_the_page_too(opened, autojump_clock):
    async with opened([PAGE]) as gateway, gateway.client(key="wrong") as client:
        answer = await client.get("models", headers={"Origin": PAGE})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == PAGE


async def test_a_refusal_of_the_connection_itself_can_be_read_by_the_page_too(opened, autojump_clock):
    async with opened([PAGE]) as gateway, gateway.client() as client:
        for origin, told in ((PAGE, PAGE), (OTHER, None)):
            answer = await client.post("responses", content=b"x" * 10_000_001, headers={"Origin": origin})
            assert answer.status_code == 413
            assert answer.headers.get("access-control-allow-origin") == told
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_stream_can_be_read_by_the_page_and_names_its_session(opened, autojump_clock):
    async with opened([PAGE]) as gateway, gateway.client() as client:
        answer = await client.post("chat/completions", json={**HELLO, "stream": True}, headers={"Origin": PAGE})
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "X-Hermes-Session-Id" in answer.headers["access-control-expose-headers"]
        assert answer.headers["x-hermes-session-id"].startswith("api-")


async def test_requests_without_an_origin_are_no_business_of_these_rules(opened, autojump_clock):
    async with opened([PAGE]) as gateway, gateway.client() as client:
        answer = await client.get("models")
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("origins", "allowed"), [("*", "*"), ([PAGE], PAGE), (f"https://x.example, {PAGE}", PAGE)])
async def test_a_preflight_names_all_methods_and_headers_of_the_api(opened, autojump_clock, origins, allowed):
    async with opened(origins) as gateway, gateway.client("ada", key="none") as client:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": "PATCH"}
        answer = await client.options("http://gateway.test/p/ada/api/sessions/s1", headers=asked)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["access-control-allow-origin"] == allowed
        assert answer.headers["access-control-allow-methods"] == "GET, POST, PATCH, DELETE, OPTIONS"
        headers = answer.headers["access-control-allow-headers"].split(", ")
        assert {"Authorization", "Content-Type", "Idempotency-Key", "X-Hermes-Session-Id"} <= set(headers)
        assert answer.headers["access-control-max-age"] == "600"


async def test_without_configured_origins_there_is_no_preflight(opened, autojump_clock):
    async with opened([]) as gateway, gateway.client() as client:
        answer = await client.options("models")
        assert (answer.status_code, answer.content) == (403, b"")


async def test_the_origins_of_the_default_profile_count_for_all(tmp_path, autojump_clock):
    settings = {"platforms": {"api_server": {"extra": {"cors_origins": [PAGE]}}}, "model": "builtin/echo"}
    files = ProfileFiles(config=settings)
    async with open_gateway({"ada": files}, root=tmp_path) as gateway, gateway.client("ada") as client:
        assert (await client.get("models", headers={"Origin": PAGE})).status_code == 403
        assert (await client.get("capabilities")).json()["features"]["cors"] is False


async def test_every_declared_method_is_among_those_that_a_page_may_use(opened, autojump_clock):
    async with opened([PAGE]) as gateway, gateway.client() as client:
        allowed = (await client.options("models", headers={"Origin": PAGE})).headers["access-control-allow-methods"]
        endpoints = json.loads((await client.get("capabilities")).content)["endpoints"].values()
        assert {one["method"] for one in endpoints} <= set(allowed.split(", "))
