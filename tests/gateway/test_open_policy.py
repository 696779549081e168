"""A policy that is open without saying that everybody is meant lets in nobody, and stops nobody else."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.gateway.states import ProfileState
from hermes_trio.testing import open_gateway
from tests.gateway.scripted import Platforms, slot_of, until, with_bot


@pytest.mark.parametrize("owner", ["default", "ada"])
@pytest.mark.parametrize("policy", ["dm_policy", "group_policy"])
async def test_only_its_owners_bot_turns_people_away(tmp_path, autojump_clock, owner, policy):
    platforms = Platforms()
    settings = {"platforms": {"telegram": {"enabled": True, policy: "open", "unauthorized_dm_behavior": "ignore"}}}
    careless = with_bot(owner.title(), config=settings, env={"TELEGRAM_ALLOW_ALL_USERS": ""})
    profiles = {"default": with_bot("Hermes"), "ada": with_bot("Ada"), "bob": with_bot("Bob"), owner: careless}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: all(slot_of(gateway, name).state == "connected" for name in profiles))
        with pytest.raises(trio.TooSlowError):
            await platforms.bot(owner).hears("hello")
        assert platforms.bot(owner).sent == []
        for name in profiles:
            assert gateway.slot(name).state is ProfileState.RUNNING
            assert await gateway.ask(name, "hello")
            if name != owner:
                assert "hello" in await platforms.bot(name).hears("hello")
