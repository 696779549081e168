"""A run belongs to the profile that made it; to all others it is as unknown as one that never was."""

import pytest
import trio

from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.testing import test_key as key_of
from tests.http.runs.rig import ASKING, DELETE, Runs

REQUESTS = {
    "view": ("GET", "", None),
    "head": ("HEAD", "", None),
    "events": ("GET", "/events", None),
    "approval": ("POST", "/approval", {"choice": "once", "all": True}),
    "answer": ("POST", "/answer", {"answer": "yes"}),
    "stop": ("POST", "/stop", None),
    "nonsense": ("POST", "/approval", {"choice": 7}),
}
UNKNOWN = "run_" + "0" * 32


async def told(client, prefix: str, key: str, run_id: str, request: str) -> tuple:
    """All that a client is told: status, headers, body."""
    method, verb, body = REQUESTS[request]
    url = f"http://gateway.test{prefix}/v1/runs/{run_id}{verb}"
    answer = await client.request(method, url, json=body, headers={"Authorization": f"Bearer {key}"})
    return answer.status_code, sorted(answer.headers.items()), answer.content


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("offered", [False, True])
async def test_a_foreign_run_cannot_be_told_from_one_that_never_was(tmp_path, autojump_clock, request_name, offered):
    extra = {"platforms": {"api_server": {"extra": {"profiles": ["bob"]}}}} if offered else {}
    files = {
        "default": ProfileFiles("You are Dee.", {"model": "builtin/echo", **extra}),
        "ada": ProfileFiles("You are Ada.", ASKING),
        "bob": "You are Bob.",
    }
    async with open_gateway(files, root=tmp_path) as gateway, gateway.client("ada") as client:
        runs = Runs(client)
        run_id = await runs.start(DELETE)
        await runs.until(run_id, "waiting_for_approval")
        for prefix, key, status in (
            ("/p/bob", key_of("bob"), 404),  # b's own key, b's own address
            ("", key_of("default"), 404),  # the operator's, which does not offer a
            ("/p/default", key_of("default"), 404),
            ("", key_of("bob"), 401),
            ("/p/ada", key_of("bob"), 401),
            ("/p/ada", key_of("default"), 401),
        ):
            foreign = await told(client, prefix, key, run_id, request_name)
            assert foreign == await told(client, prefix, key, UNKNOWN, request_name)
            assert foreign[0] == status
            assert run_id.encode() not in foreign[2]
        assert (await runs.view(run_id))["status"] == "waiting_for_approval"
        await runs.post(run_id, "approval", choice="deny")
        assert (await runs.end(run_id))["status"] == "completed"
        assert (await runs.events(run_id))[0]["seq"] == 1
    log = "".join(path.read_text() for path in gateway.home.profile("bob").root.rglob("*.log"))
    refused = sorted({line for line in log.splitlines() if "refused a request about a run" in line})
    assert [run_id in line or UNKNOWN in line for line in refused] == [True, True]
    others = "".join(path.read_text() for path in gateway.home.profile("ada").root.rglob("*.log"))
    assert "refused a request about a run" not in others


@pytest.mark.slow
async def test_an_own_run_is_found_under_every_address_that_is_its_owners(tmp_path):
    config = {"model": "builtin/echo", "platforms": {"api_server": {"extra": {"profiles": "all"}}}}
    files = {"default": ProfileFiles("You are Dee.", config), "ada": ProfileFiles("You are Ada.", ASKING)}
    async with open_gateway(files, root=tmp_path) as gateway, gateway.client("ada") as client:
        runs = Runs(client)
        for prefix, key in (("/p/ada", key_of("ada")), ("", key_of("default"))):
            run_id = await runs.start(DELETE)
            await runs.until(run_id, "waiting_for_approval")
            assert (await told(client, prefix, key, run_id, "view"))[0] == 200
            assert (await told(client, prefix, key, run_id, "head"))[0] == 200
            assert (await told(client, prefix, key, run_id, "approval"))[0] == 200
            assert (await told(client, prefix, key, run_id, "answer"))[0] == 409
            assert (await told(client, prefix, key, run_id, "stop"))[0] == 200
            assert (await told(client, prefix, key, run_id, "events"))[0] == 200


async def test_an_own_run_of_the_default_profile_is_found_without_a_prefix(tmp_path, autojump_clock):
    async with open_gateway({"default": "You are Dee."}, root=tmp_path) as gateway, gateway.client() as client:
        runs = Runs(client)
        run_id = await runs.start("hello")
        assert (await runs.end(run_id))["status"] == "completed"


async def test_ids_cannot_be_guessed(tmp_path, autojump_clock):
    async with open_gateway({"default": "You are Dee."}, root=tmp_path) as gateway, gateway.client() as client:
        runs = Runs(client)
        ids = [await runs.start("hello") for _ in range(5)]
        await trio.sleep(1)
        assert len({run_id[:12] for run_id in ids}) == 5
