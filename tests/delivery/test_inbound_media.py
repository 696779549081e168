"""Files that come in."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.adapter_api.errors import Unreachable
from hermes_trio.adapter_api.messages import Attachment, MediaKind
from hermes_trio.delivery.inbound_media import (
    AttachmentRefused,
    MissingAttachment,
    StoredAttachment,
    describe_attachments,
    store_attachment,
)
from tests.tools.files_rig import everything_below, open_agents

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PHOTO = Attachment(MediaKind.PHOTO, "ref")


def giving(data):
    async def fetch(attachment, path, limit):
        path.write_bytes(data)

    return fetch


async def test_a_file_is_kept_in_the_profiles_cache_for_its_owner_only(ada):
    stored = await store_attachment(ada, PHOTO, giving(PNG))
    assert stored.path.parent == ada.home.root / "cache" / "images"
    assert stored.path.read_bytes() == PNG
    assert stored.path.stat().st_mode & 0o077 == 0
    assert stored.path.parent.stat().st_mode & 0o077 == 0


async def test_the_folder_of_old_is_used_while_something_lies_in_it(ada):
    old = ada.home.root / "image_cache"
    old.mkdir()
    assert (await store_attachment(ada, PHOTO, giving(PNG))).path.parent != old
    (old / "x").touch()
    assert (await store_attachment(ada, PHOTO, giving(PNG))).path.parent == old


async def test_equal_names_do_not_meet(ada):
    report = Attachment(MediaKind.DOCUMENT, "ref", name="report.pdf")
    first, second = [await store_attachment(ada, report, giving(b"x")) for _ in range(2)]
    assert first.path != second.path
    assert first.path.name.endswith("_report.pdf")


@pytest.mark.parametrize(
    "name", ["../../.env", "/etc/passwd", "..", "a\0b\n.txt", "C:\\x\\y.txt", "n" * 400 + ".pdf", "-rf"]
)
async def test_no_name_leads_elsewhere(ada, name):
    stored = await store_attachment(ada, Attachment(MediaKind.DOCUMENT, "ref", name=name), giving(b"x"))
    assert stored.path.parent == ada.home.root / "cache" / "documents"
    assert stored.path.name.startswith("doc_")
    assert len(stored.path.name) < 120


async def test_a_file_that_is_too_large_is_refused_before_or_after_it_was_fetched(tmp_path):
    async with open_agents(tmp_path, "ada", config={"gateway": {"max_inbound_media_bytes": 4}}) as (ada,):
        for attachment in (PHOTO, Attachment(MediaKind.PHOTO, "ref", size=5)):
            with pytest.raises(AttachmentRefused, match="larger"):
                await store_attachment(ada.scope, attachment, giving(PNG))
        assert not any(everything_below(ada.home / "cache" / "images"))


async def test_nothing_is_left_of_what_could_not_be_fetched(ada):
    async def fail(attachment, path, limit):
        path.write_bytes(b"half")
        raise Unreachable("gone")

    async def hang(attachment, path, limit):
        path.write_bytes(b"half")
        await trio.sleep_forever()

    with pytest.raises(Unreachable):
        await store_attachment(ada, PHOTO, fail)
    with trio.CancelScope() as scope:
        scope.cancel()
        await store_attachment(ada, PHOTO, hang)
    assert not any(everything_below(ada.home.root / "cache").keys() - {"images"})


async def test_the_model_gets_a_note_and_the_image(ada):
    stored = await store_attachment(ada, PHOTO, giving(PNG))
    text, image = await describe_attachments(ada, "look", [stored])
    assert text == {"type": "text", "text": f"[The user sent an image, saved at: {stored.path}]\n\nlook"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


async def test_a_model_without_eyes_gets_notes_only(ada):
    stored = await store_attachment(ada, PHOTO, giving(PNG))
    assert isinstance(await describe_attachments(ada, "look", [stored], images=False), str)


async def test_what_is_no_image_is_a_note_only(ada):
    stored = await store_attachment(ada, PHOTO, giving(b"text"))
    assert isinstance(await describe_attachments(ada, "", [stored]), str)


async def test_other_kinds_are_named_and_missing_ones_explained(ada, tmp_path):
    voice = StoredAttachment(MediaKind.VOICE, tmp_path / "v.ogg", "", 1)
    missing = MissingAttachment(MediaKind.DOCUMENT, "a\nb.pdf", "too large")
    assert await describe_attachments(ada, "", [voice, missing]) == (
        f"[The user sent a voice message, saved at: {tmp_path / 'v.ogg'}]\n"
        "[The user sent a file called 'a b.pdf'; it could not be taken in: too large]"
    )
