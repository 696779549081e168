"""The loopback platform and its adapter in a whole gateway."""

from __future__ import annotations

import trio

from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.testing.loopback import FaultKind, open_loopback


async def test_nothing_is_said_twice(autojump_clock):
    async with open_loopback(sockets=False) as server:
        ada = server.bot("ada-token", "ada")
        files = ProfileFiles(
            soul="You are Ada.",
            config={"model": "builtin/echo", "platforms": {"loopback": {"extra": {"url": server.url}}}},
            env={"LOOPBACK_BOT_TOKEN": ada.token, "LOOPBACK_ALLOW_ALL_USERS": "true"},
        )
        server.inject(FaultKind.DROP_AFTER, method="send", times=3)
        async with open_gateway({"ada": files}, connect=server.connect):
            await server.says(ada, "hello")
            await trio.sleep(60)
        assert [done.text for done in server.state.done if done.action == "send"] == ["Ada here. You said: hello"]
