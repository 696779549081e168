"""Paths that adapters serve on the gateway's listener: below their own profile, for as long as they run."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.adapter_api import BotIdentity, Capabilities, ConfigError, WebAnswer
from hermes_trio.gateway.mounts import MountTable
from hermes_trio.testing import open_gateway
from tests.gateway.scripted import slot_of, until, with_bot


class MountingAdapter:
    """Is told by HTTP what happens; see `hermes_trio.adapter_api.Adapter`."""

    capabilities = Capabilities(text_limit=4000)
    exclusive_resources = ()

    def __init__(self, name, served):
        self._name = name
        self._served = served

    async def run(self, context, *, task_status):
        async def answer(request):
            return WebAnswer(200, f"{self._name} got {request.body.decode()} at {request.path}".encode())

        with context.mount("/hook", answer) as path:
            self._served[self._name] = path
            task_status.started(BotIdentity("1", "@bot"))
            await trio.sleep_forever()


@pytest.fixture
def served():
    """By profile, the path that its adapter tells the platform."""
    return {}


@pytest.fixture
async def gateway(tmp_path, autojump_clock, served):
    def find(_platform):
        return lambda scope, _config: MountingAdapter(scope.name, served)

    profiles = {"default": with_bot("Hermes"), "ada": with_bot("Ada"), "bob": with_bot("Bob")}
    async with open_gateway(profiles, root=tmp_path, find_adapter=find) as running:
        await until(lambda: all(slot_of(running, name).state == "connected" for name in profiles))
        yield running


async def post(gateway, path):
    async with gateway.client() as client:
        answer = await client.post(f"http://gateway.test{path}", content=b"news")
    return answer.status_code, answer.text


async def test_each_profile_is_reached_below_its_own_prefix(gateway, served):
    assert served == {"default": "/hook", "ada": "/p/ada/hook", "bob": "/p/bob/hook"}
    for name, path in served.items():
        assert await post(gateway, path) == (200, f"{name} got news at {path}")


async def test_the_default_profile_is_reached_below_its_prefix_too(gateway):
    assert await post(gateway, "/p/default/hook") == (200, "default got news at /p/default/hook")


async def test_a_path_is_gone_with_its_adapter_and_others_stay(gateway, served):
    gateway.slot("ada").runtime.chats.runners["telegram"].pause()
    await until(lambda: slot_of(gateway, "ada").state == "paused")
    assert (await post(gateway, served["ada"]))[0] == 404
    assert (await post(gateway, served["bob"]))[0] == 200
    gateway.slot("ada").runtime.chats.runners["telegram"].resume()
    await until(lambda: slot_of(gateway, "ada").state == "connected")
    assert (await post(gateway, served["ada"]))[0] == 200


async def test_a_profile_without_such_an_adapter_has_no_such_path(gateway):
    assert (await post(gateway, "/p/nobody/hook"))[0] == 404
    assert (await post(gateway, "/p/ada/other"))[0] == 404


async def nothing(_request):
    return WebAnswer()


@pytest.mark.parametrize(("path", "code"), [("/hook", "path_taken"), ("hook", "path_invalid"), ("", "path_invalid")])
def test_a_path_is_one_adapters_and_begins_with_a_slash(path, code):
    table = MountTable()
    with table.mount("ada", "/hook", nothing):
        with pytest.raises(ConfigError) as caught, table.mount("ada", path, nothing):
            pass
        with table.mount("bob", "/hook", nothing):
            assert table.find("bob", "/hook") is nothing
    assert (caught.value.code, caught.value.profile) == (code, "ada")
    assert table.find("ada", "/hook") is None
