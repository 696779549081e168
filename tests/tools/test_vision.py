"""Having a model look at images."""

from __future__ import annotations

import base64

import pytest

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.tools.tool import ToolError
from hermes_trio.tools.vision import LARGEST_IMAGE, media_type
from tests.tools.web_rig import PUBLIC, Site, open_person

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"<svg>", None),
        (b"", None),
    ],
)
def test_an_image_is_known_by_its_first_bytes(data, kind):
    assert media_type(data) == kind


async def test_a_file_is_shown_to_the_vision_model(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.scope.home.workspace.mkdir()
        (ada.scope.home.workspace / "a.png").write_bytes(PNG)
        for path in ("a.png", str(ada.scope.home.workspace / "a.png"), f"file://{ada.scope.home.workspace}/a.png"):
            assert await ada.call("vision_analyze", image_url=path, question="what?") == "a lighthouse at dusk"
        question = ada.questions[0]
        assert question.task == "vision"
        assert question.content == (
            {"type": "text", "text": "what?"},
            {"type": "image_url", "image_url": {"url": PNG_URL}},
        )


async def test_an_image_of_the_web_is_fetched_with_every_check(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/x.png"] = Site(PNG, headers={"Content-Type": "image/png"})
        ada.web.pages["a.example/page"] = Site("<html>")
        assert await ada.call("vision_analyze", image_url="http://a.example/x.png", question="?")
        assert ada.questions[0].content[1]["image_url"]["url"] == PNG_URL
        with pytest.raises(ToolError, match="not an image"):
            await ada.call("vision_analyze", image_url="http://a.example/page", question="?")
        with pytest.raises(ToolError, match="private address"):
            await ada.call("vision_analyze", image_url="http://127.0.0.1/x.png", question="?")


async def test_a_data_url_is_taken_as_what_it_really_is(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        await ada.call("vision_analyze", image_url=PNG_URL.replace("image/png", "image/webp"), question="?")
        assert ada.questions[0].content[1]["image_url"]["url"] == PNG_URL
        for broken in ("data:image/png,abc", "data:image/png;base64,a?b", "data:text/html;base64,PGI+"):
            with pytest.raises(ToolError):
                await ada.call("vision_analyze", image_url=broken, question="?")


async def test_too_large_images_are_refused(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        file = ada.home / "big.png"
        with file.open("wb") as stream:
            stream.write(PNG)
            stream.truncate(LARGEST_IMAGE + 1)
        with pytest.raises(ToolError, match="too large"):
            await ada.call("vision_analyze", image_url=str(file), question="?")


@pytest.mark.parametrize("path", [".env", "../bob/SOUL.md", "link.png", "missing.png", "/dev/zero", ""])
async def test_only_what_the_agent_may_read_is_shown(tmp_path, autojump_clock, path):
    async with open_person(tmp_path) as ada:
        (ada.home / "link.png").symlink_to(ada.home.parent / "bob" / "SOUL.md")
        with pytest.raises((ToolError, FileRefused)):
            await ada.call("vision_analyze", image_url=path and str(ada.home / path), question="?")
        assert ada.questions == []
