from __future__ import annotations

import json

import pytest

from hermes_trio.testing.telegram import Attachment
from tests.testing.telegram.caller import calling

BINARY = b"\x00\xff\r\n--boundary\r\n" * 100


@pytest.mark.parametrize(
    ("method", "field", "folder"),
    [
        ("sendPhoto", "photo", "photos"),
        ("sendDocument", "document", "documents"),
        ("sendVoice", "voice", "voice"),
        ("sendAudio", "audio", "music"),
        ("sendVideo", "video", "videos"),
        ("sendAnimation", "animation", "animations"),
    ],
)
async def test_an_upload_is_stored_and_told(method, field, folder):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        answer = await call(
            method, chat_id=7, caption="<b>look</b>", parse_mode="HTML", files={field: ("a.bin", BINARY)}
        )
        described = answer.result[field]
        assert (described[-1] if field == "photo" else described)["file_size"] == len(BINARY)
        assert answer.result["caption_entities"] == [{"type": "bold", "offset": 0, "length": 4}]
        message = await bot.next_reply()
        assert (message.text, message.files[0].content) == ("look", BINARY)
        assert message.files[0].path.startswith(f"{folder}/")


async def test_a_file_of_a_person_can_be_fetched():
    async with calling() as (telegram, bot, call):
        await telegram.user(7, "Alice").sends_document(bot, BINARY, "notes.txt", "read this", mime_type="text/plain")
        message = (await call("getUpdates")).result[0]["message"]
        assert (message["caption"], message["document"]["mime_type"]) == ("read this", "text/plain")
        file = (await call("getFile", file_id=message["document"]["file_id"])).result
        assert file["file_path"].startswith("documents/")
        assert file["file_path"].endswith(".txt")
        answer = await call.client.get(f"{call.file_url}/{file['file_path']}")
        assert answer.content == BINARY


async def test_a_photo_comes_in_sizes_that_can_all_be_fetched():
    async with calling() as (telegram, bot, call):
        await telegram.user(7, "Alice").sends_photo(bot, b"picture", "me")
        sizes = (await call("getUpdates")).result[0]["message"]["photo"]
        assert [size["width"] for size in sizes] == sorted(size["width"] for size in sizes)
        for size in sizes:
            file = (await call("getFile", file_id=size["file_id"])).result
            assert (await call.client.get(f"{call.file_url}/{file['file_path']}")).content == b"picture"


async def test_a_voice_message_has_a_duration():
    async with calling() as (telegram, bot, call):
        await telegram.user(7, "Alice").sends_voice(bot, b"ogg")
        voice = (await call("getUpdates")).result[0]["message"]["voice"]
        assert (voice["mime_type"], voice["duration"]) == ("audio/ogg", 3)


async def test_files_above_20_megabytes_cannot_be_fetched():
    async with calling() as (telegram, bot, call):
        await telegram.user(7, "Alice").sends(bot, Attachment("document", b"x", "big.iso", size=21 * 1024 * 1024))
        file_id = (await call("getUpdates")).result[0]["message"]["document"]["file_id"]
        assert (await call("getFile", file_id=file_id)).refused == (400, "Bad Request: file is too big")


async def test_an_album_comes_as_messages_of_one_group_with_the_caption_on_the_first():
    async with calling() as (telegram, bot, call):
        await telegram.user(7, "Alice").sends_album(bot, [Attachment("photo"), Attachment("video")], "ours")
        messages = [update["message"] for update in (await call("getUpdates")).result]
        assert len({message["media_group_id"] for message in messages}) == 1
        assert [message.get("caption") for message in messages] == ["ours", None]


async def test_a_bot_sends_an_album_of_uploads_and_known_files():
    async with calling() as (telegram, bot, call):
        known = await telegram.user(7, "Alice").sends_photo(bot, b"one")
        media = [
            {"type": "photo", "media": known.files[0].file_id, "caption": "*a*", "parse_mode": "MarkdownV2"},
            {"type": "photo", "media": "attach://second"},
        ]
        answer = await call("sendMediaGroup", chat_id=7, media=json.dumps(media), files={"second": ("b.jpg", b"two")})
        assert len({message["media_group_id"] for message in answer.result}) == 1
        first, second = await bot.next_reply(), await bot.next_reply()
        assert (first.text, first.files[0].content, second.files[0].content) == ("a", b"one", b"two")


@pytest.mark.parametrize(
    ("parameters", "files", "status", "description"),
    [
        ({}, {"document": ("a", b"")}, 400, "Bad Request: file must be non-empty"),
        ({"document": "nonsense"}, None, 400, "Bad Request: wrong file identifier/HTTP URL specified"),
        ({}, None, 400, "Bad Request: there is no document in the request"),
        ({"caption": "x" * 1025, "document": "https://a.org/b"}, None, 400, "Bad Request: message caption is too long"),
    ],
)
async def test_files_that_telegram_would_not_take_are_refused(parameters, files, status, description):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        assert (await call("sendDocument", chat_id=7, files=files, **parameters)).refused == (status, description)
        assert telegram.sent == []


async def test_a_caption_can_be_edited_but_not_as_a_text():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        number = (await call("sendDocument", chat_id=7, files={"document": ("a", b"x")})).result["message_id"]
        await call("editMessageCaption", chat_id=7, message_id=number, caption="new")
        assert (await bot.next_reply()).text == "new"
        wrong = await call("editMessageText", chat_id=7, message_id=number, text="new")
        assert wrong.refused == (400, "Bad Request: there is no text in the message to edit")
