from __future__ import annotations

import pytest
import trio

from hermes_trio.adapter_api import (
    Attachment,
    Button,
    MediaKind,
    OutgoingMedia,
    OutgoingText,
    Refused,
    Target,
    Unreachable,
)
from hermes_trio.testing.telegram import Attachment as SentAttachment
from hermes_trio.testing.telegram import FaultKind
from hermes_trio_adapters.telegram import uploads
from tests.adapters.telegram.rig import open_rig

CHAT = Target("7")
CONTENT = bytes(range(256)) * 3000  # more than one piece


@pytest.fixture
def file_of(tmp_path):
    def make(name: str, content: bytes = CONTENT):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


async def sent_file(rig, media: OutgoingMedia):
    """What arrives of an upload: the method, and the message with its file."""
    rig.telegram.user(7, "Alice").opens(rig.bot)
    sent = await rig.adapter.upload(CHAT, media)
    record = rig.bot.sent[-1]
    assert sent.message_id == str(record.message_id)
    return record


@pytest.mark.parametrize(
    ("kind", "name", "method"),
    [
        (MediaKind.PHOTO, "a.png", "sendPhoto"),
        (MediaKind.PHOTO, "a.gif", "sendAnimation"),
        (MediaKind.VOICE, "a.ogg", "sendVoice"),
        (MediaKind.VOICE, "a.mp3", "sendAudio"),
        (MediaKind.VOICE, "a.wav", "sendDocument"),
        (MediaKind.AUDIO, "a.m4a", "sendAudio"),
        (MediaKind.AUDIO, "a.flac", "sendDocument"),
        (MediaKind.VIDEO, "a.mp4", "sendVideo"),
        (MediaKind.VIDEO, "a.mkv", "sendDocument"),
        (MediaKind.DOCUMENT, "a.pdf", "sendDocument"),
    ],
)
async def test_each_kind_has_its_method(autojump_clock, file_of, kind, name, method):
    async with open_rig() as rig:
        record = await sent_file(rig, OutgoingMedia(kind, file_of(name)))
    assert record.method == method
    assert record.message.files[0].content == CONTENT


async def test_a_caption_with_all_that_belongs_to_it(autojump_clock, file_of):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        question = await alice.says(rig.bot, "?")
        caption = OutgoingText("grün", "<b>grün</b>", buttons=((Button("Ok", "o"),),), silent=True)
        media = OutgoingMedia(
            MediaKind.DOCUMENT, file_of("a.txt"), 'Bericht "ä".txt', caption=caption, reply_to=str(question.id)
        )
        record = await sent_file(rig, media)
    assert (record.text, record.buttons, record.reply_to) == ("grün", (("Ok",),), question.id)
    assert record.entities[0].type == "bold"
    assert record.message.files[0].name == "Bericht ä.txt"
    assert record.values["disable_notification"] == "true"


async def test_a_caption_that_cannot_be_read_is_sent_plain(autojump_clock, file_of):
    async with open_rig() as rig:
        media = OutgoingMedia(MediaKind.PHOTO, file_of("a.png"), caption=OutgoingText("x", "<b>x"))
        record = await sent_file(rig, media)
    assert (record.method, record.text) == ("sendPhoto", "x")


@pytest.mark.parametrize("why", ["PHOTO_INVALID_DIMENSIONS", "not enough rights to send photos to the chat"])
async def test_a_photo_that_telegram_does_not_take_goes_as_a_document(autojump_clock, file_of, why):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.ERROR, method="sendPhoto", status=400, description=f"Bad Request: {why}")
        record = await sent_file(rig, OutgoingMedia(MediaKind.PHOTO, file_of("a.png")))
    assert record.method == "sendDocument"


async def test_a_photo_too_large_for_photos_goes_as_a_document(autojump_clock, file_of, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_PHOTO", 1000)
    async with open_rig() as rig:
        record = await sent_file(rig, OutgoingMedia(MediaKind.PHOTO, file_of("a.png")))
    assert record.method == "sendDocument"


async def test_files_that_cannot_be_sent(autojump_clock, file_of, tmp_path):
    async with open_rig() as rig:
        with pytest.raises(Refused, match="cannot be read"):
            await rig.adapter.upload(CHAT, OutgoingMedia(MediaKind.PHOTO, tmp_path / "none.png"))
        with pytest.raises(Refused, match="empty"):
            await rig.adapter.upload(CHAT, OutgoingMedia(MediaKind.PHOTO, file_of("a.png", b"")))


async def test_a_file_too_large_for_a_proxy_on_the_way_is_refused(autojump_clock, file_of):
    async def answer(_request, responder):
        await responder.send(413, b"<html>Request Entity Too Large</html>", content_type="text/html")

    async with open_rig() as rig:
        rig.telegram.answer = answer
        with pytest.raises(Refused, match="413"):
            await rig.adapter.upload(CHAT, OutgoingMedia(MediaKind.DOCUMENT, file_of("a.bin")))


async def test_a_file_that_shrinks_while_it_is_sent(autojump_clock, file_of, monkeypatch):
    path = file_of("a.bin")

    async def too_much(_scope, _path):
        return len(CONTENT) + 1

    monkeypatch.setattr(uploads, "_size_of", too_much)
    async with open_rig() as rig:
        with pytest.raises(Refused, match="shorter"):
            await sent_file(rig, OutgoingMedia(MediaKind.DOCUMENT, path))


async def test_an_upload_that_breaks_may_have_arrived(autojump_clock, file_of):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.DROP_AFTER, method="sendPhoto")
        with pytest.raises(Unreachable) as caught:
            await sent_file(rig, OutgoingMedia(MediaKind.PHOTO, file_of("a.png")))
    assert caught.value.may_have_arrived


async def received(rig, attachment: SentAttachment) -> Attachment:
    async with rig.running():
        await rig.telegram.user(7, "Alice").sends(rig.bot, attachment)
        await rig.core.until(1)
    return rig.core.messages[0].attachments[0]


async def test_a_file_is_fetched(autojump_clock, tmp_path):
    async with open_rig() as rig:
        attachment = await received(rig, SentAttachment("document", CONTENT, "a b.bin"))
        await rig.adapter.fetch(attachment, tmp_path / "file", len(CONTENT))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (attachment.name, attachment.size) == ("a b.bin", len(CONTENT))


@pytest.mark.parametrize("told", [None, 5])
async def test_a_file_above_the_limit_is_not_kept(autojump_clock, tmp_path, told):
    async with open_rig() as rig:
        attachment = await received(rig, SentAttachment("document", CONTENT, size=told))
        with pytest.raises(Refused, match="too large"):
            await rig.adapter.fetch(attachment, tmp_path / "file", len(CONTENT) - 1)
    assert not (tmp_path / "file").exists()


async def test_a_file_above_telegrams_own_limit(autojump_clock, tmp_path):
    async with open_rig() as rig:
        attachment = await received(rig, SentAttachment("document", b"x", size=21 * 1024 * 1024))
        with pytest.raises(Refused, match="20 MB"):
            await rig.adapter.fetch(attachment, tmp_path / "file", 100 * 1024 * 1024)


@pytest.mark.parametrize("kind", [FaultKind.DROP_BEFORE, FaultKind.SERVER_ERROR, FaultKind.HANG])
async def test_a_download_that_breaks_leaves_nothing(autojump_clock, tmp_path, kind):
    async with open_rig() as rig:
        attachment = await received(rig, SentAttachment("document", CONTENT))
        rig.telegram.inject(kind, method="file", times=2)  # a kept connection that is dead gets a second try
        with trio.fail_after(60), pytest.raises(Unreachable):
            await rig.adapter.fetch(attachment, tmp_path / "file", len(CONTENT))
    assert not (tmp_path / "file").exists()


async def test_a_file_that_cannot_be_written(autojump_clock, tmp_path):
    async with open_rig() as rig:
        attachment = await received(rig, SentAttachment("document", CONTENT))
        with pytest.raises(Refused, match="cannot be written"):
            await rig.adapter.fetch(attachment, tmp_path / "none" / "file", len(CONTENT))
