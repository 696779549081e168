"""Files that people send and that agents send."""

from __future__ import annotations

import trio

from hermes_trio.testing.telegram import Attachment, FaultKind
from tests.gateway.chats.rig import Bot, open_chats

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


async def test_a_document_is_kept_and_told_to_the_model(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.alice.sends_document(chats.ada, b"buy milk", "notes.txt", "what is in it?")
        answer = await chats.reply()
        assert "what is in it?" in answer.text
        assert "notes.txt" in answer.text
        kept = [path for path in chats.home.profile("ada").root.rglob("*notes*") if path.is_file()]
        assert [path.read_bytes() for path in kept] == [b"buy milk"]


async def test_a_photo_reaches_the_profile_whose_bot_it_was_sent_to_only(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        await chats.alice.sends_photo(chats.bots["bea"], PNG, "look")
        assert "look" in (await chats.reply(of="bea")).text
        assert [path for path in chats.home.profile("ada").root.rglob("*") if path.suffix in {".png", ".jpg"}] == []
        assert [path for path in chats.home.profile("bea").root.rglob("*") if path.suffix in {".png", ".jpg"}] != []


async def test_an_album_is_one_message(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.alice.sends_album(chats.ada, [Attachment("photo", PNG)] * 3, "three of them")
        assert "three of them" in (await chats.reply()).text
        assert await chats.quiet() == []
        assert chats.inbox() == ["done"] * 3


async def test_a_voice_message_is_answered(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.alice.sends_voice(chats.ada, b"OggS" + b"\0" * 60)
        assert (await chats.reply()).text.startswith("Ada here.")


async def test_a_file_that_cannot_be_had_is_told_to_the_model(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        chats.telegram.inject(FaultKind.ERROR, method="getFile", times=None)
        await chats.alice.sends_document(chats.ada, b"buy milk", "notes.txt", "what is in it?")
        answer = await chats.reply(seconds=300)
        assert "what is in it?" in answer.text
        assert "notes.txt" in answer.text


async def test_a_file_of_the_profile_is_sent(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        (chats.home.profile("ada").root / "out.txt").write_text("buy milk")
        document = await chats.ask("!say MEDIA:out.txt")
        assert [file.content for file in document.files] == [b"buy milk"]
        assert chats.ada.sent[-1].method == "sendDocument"


async def test_text_comes_before_the_file_it_speaks_of(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        (chats.home.profile("ada").root / "out.txt").write_text("buy milk")
        await chats.ask("!say here it is\nMEDIA:out.txt")
        await chats.reply()
        sent = [one.method for one in chats.ada.sent if one.is_new_message]
        assert sent == ["sendMessage", "sendDocument"]


async def test_a_file_of_another_profile_is_not_sent(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        secret = chats.home.profile("bea").root / "secret.txt"
        secret.write_text("CANARY of bea")
        for path in (secret, chats.home.profile("ada").env, chats.home.root / "SOUL.md"):
            answer = await chats.ask(f"!say MEDIA:{path}")
            assert "was not sent" in answer.text
            assert answer.files == ()


async def test_a_file_that_is_to_be_sent_survives_its_original(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        original = chats.home.profile("ada").root / "out.txt"
        original.write_text("buy milk")
        chats.telegram.inject(FaultKind.TOO_MANY_REQUESTS, method="sendDocument", seconds=20)
        await chats.say("!say MEDIA:out.txt")
        await trio.sleep(5)
        original.unlink()
        document = await chats.reply(seconds=60)
        assert [file.content for file in document.files] == [b"buy milk"]
