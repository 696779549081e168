"""The same on real sockets, with worker threads."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.adapter_api import MediaKind, OutgoingMedia, OutgoingText, Target
from hermes_trio.testing.telegram import FaultKind
from tests.adapters.telegram.rig import open_rig

pytestmark = pytest.mark.slow


async def test_a_conversation_with_files(tmp_path):
    content = bytes(range(256)) * 8000
    (tmp_path / "out.png").write_bytes(content)
    with trio.fail_after(30):
        async with open_rig(sockets=True) as rig, rig.running():
            alice = rig.telegram.user(7, "Alice")
            await alice.sends_document(rig.bot, content, "in.bin", "look")
            await rig.core.until(1)
            message = rig.core.messages[0]
            await rig.adapter.fetch(message.attachments[0], tmp_path / "in.bin", len(content))
            await rig.adapter.send(Target("7"), OutgoingText("thanks", "<b>thanks</b>", reply_to=message.message_id))
            await rig.adapter.upload(Target("7"), OutgoingMedia(MediaKind.PHOTO, tmp_path / "out.png"))
            replies = [await rig.bot.next_reply(alice) for _ in range(2)]
    assert (tmp_path / "in.bin").read_bytes() == content
    assert replies[0].text == "thanks"
    assert replies[1].files[0].content == content


async def test_dropped_connections_lose_nothing():
    with trio.fail_after(60):
        async with open_rig(sockets=True) as rig:
            rig.telegram.inject(FaultKind.DROP_AFTER, method="getUpdates", probability=0.5, times=None)
            async with rig.running():
                alice = rig.telegram.user(7, "Alice")
                for number in range(20):
                    await alice.says(rig.bot, str(number))
                    await trio.sleep(0.01)
                await rig.core.until(20)
    assert list(dict.fromkeys(rig.core.texts)) == [str(number) for number in range(20)]
