"""A response belongs to the profile that made it: nobody else reads, continues or deletes it."""

import pytest

from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.testing import test_key as key_of

OFFERING = {"model": "builtin/echo", "platforms": {"api_server": {"extra": {"profiles": ["ada", "bob"]}}}}


@pytest.fixture
def opened(tmp_path):
    """A gateway whose operator may choose Ada and Bob, but not Eve."""
    names = {"ada": "You are Ada.", "bob": "You are Bob.", "eve": "You are Eve."}
    files = {"default": ProfileFiles("You are Hermes.", OFFERING), **names}
    return open_gateway(files, root=tmp_path)


async def respond(gateway, profile, text, **body):
    async with gateway.client(profile) as client:
        return await client.post("responses", json={"input": text, **body})


async def ask(gateway, method, path, key):
    async with gateway.client(key=key_of(key)) as client:
        answered = await client.request(method, f"http://gateway.test{path}")
    return answered.status_code, answered.content, [pair for pair in answered.headers.items() if pair[0] != "date"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_foreign_response_is_the_same_as_an_unknown_one(opened, autojump_clock, method):
    async with opened as gateway:
        await respond(gateway, "bob", "hello")
        of_ada = (await respond(gateway, "ada", "hello")).json()["id"]
        foreign = await ask(gateway, method, f"/p/bob/v1/responses/{of_ada}", "bob")
        unknown = await ask(gateway, method, f"/p/bob/v1/responses/resp_{'0' * 28}", "bob")
        assert foreign == unknown
        assert foreign[0] == 404
        assert (await ask(gateway, "GET", f"/p/ada/v1/responses/{of_ada}", "ada"))[0] == 200


async def test_a_foreign_response_cannot_be_continued(opened, autojump_clock):
    async with opened as gateway:
        of_ada = (await respond(gateway, "ada", "the word is plum")).json()["id"]
        foreign = await respond(gateway, "bob", "!history", previous_response_id=of_ada)
        unknown = await respond(gateway, "bob", "!history", previous_response_id="resp_0")
        assert foreign.status_code == 404
        assert foreign.content == unknown.content


async def test_conversations_of_the_same_name_are_different_ones_in_each_profile(opened, autojump_clock):
    async with opened as gateway:
        await respond(gateway, "ada", "the word is plum", conversation="talk")
        of_bob = await respond(gateway, "bob", "!history", conversation="talk")
        assert "0 messages before" in of_bob.text


async def test_a_repeated_request_to_another_profile_is_answered_by_that_one(opened, autojump_clock):
    async with opened as gateway:
        heard = []
        for name in ("ada", "bob"):
            async with gateway.client(name) as client:
                headers = {"Idempotency-Key": "same"}
                heard.append((await client.post("responses", json={"input": "!persona"}, headers=headers)).text)
        assert "Ada" in heard[0]
        assert "Bob" in heard[1]


async def test_the_operator_chooses_the_profile_by_model_and_finds_its_responses(opened, autojump_clock):
    async with opened as gateway:
        first = (await respond(gateway, "default", "the word is plum", model="ada")).json()
        assert "Ada" in str(first["output"])
        second = await respond(gateway, "default", "!history", model="ada", previous_response_id=first["id"])
        assert "2 messages before" in second.text
        of_bob = (await respond(gateway, "default", "hello", model="bob")).json()["id"]
        assert (await ask(gateway, "GET", f"/v1/responses/{of_bob}", "default"))[0] == 200
        lost = await respond(gateway, "default", "!history", model="bob", previous_response_id=first["id"])
        assert lost.status_code == 404
        path = f"/v1/responses/{first['id']}"
        assert (await ask(gateway, "GET", path, "default"))[0] == 200
        assert (await ask(gateway, "DELETE", path, "default"))[0] == 200
        assert (await ask(gateway, "GET", f"/p/ada{path}", "ada"))[0] == 404


async def test_the_operator_does_not_find_responses_of_profiles_that_are_not_offered(opened, autojump_clock):
    async with opened as gateway:
        of_eve = (await respond(gateway, "eve", "hello")).json()["id"]
        hidden = await ask(gateway, "GET", f"/v1/responses/{of_eve}", "default")
        unknown = await ask(gateway, "GET", "/v1/responses/resp_0", "default")
        assert hidden == unknown
        assert hidden[0] == 404
        refused = await respond(gateway, "default", "hello", model="eve")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "model_not_allowed")


async def test_a_damaged_store_harms_its_own_profile_only(opened, autojump_clock):
    async with opened as gateway:
        of_bob = (await respond(gateway, "bob", "hello")).json()["id"]
        gateway.home.profile("ada").response_store_db.write_bytes(b"no database" * 200)
        assert (await ask(gateway, "GET", f"/v1/responses/{of_bob}", "default"))[0] == 200
        assert (await ask(gateway, "GET", "/v1/responses/resp_0", "default"))[0] == 404
        damaged = await respond(gateway, "ada", "hello")
        assert (damaged.status_code, damaged.json()["error"]["code"]) == (503, "store_corrupt")
        assert not gateway.home.profile("ada").state_db.exists()
        assert (await respond(gateway, "ada", "hello", store=False)).status_code == 200
        assert "Ada" in await gateway.ask("ada", "!persona")
