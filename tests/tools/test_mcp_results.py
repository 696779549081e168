from __future__ import annotations

import base64

import mcp_types as wire
import pytest

from hermes_trio.tools.mcp_media import KEPT_FILES, keep_media
from hermes_trio.tools.mcp_results import result_text
from tests.tools.mcp_rig import make_scope

PIXEL = base64.b64encode(b"a picture").decode()


def result(*content: object, structured: dict[str, object] | None = None) -> wire.CallToolResult:
    return wire.CallToolResult(content=list(content), structured_content=structured)


def words(text: str) -> wire.TextContent:
    return wire.TextContent(type="text", text=text)


async def keep(mime_type: str, _data: str) -> str:
    return f"/kept/{mime_type}"


async def test_texts_come_one_after_the_other():
    assert await result_text(result(words("one"), words("two")), keep) == "one\ntwo"


async def test_nothing_is_said_to_be_nothing():
    assert await result_text(result(), keep) == "(the tool returned nothing)"


async def test_structured_content_alone_is_json():
    assert await result_text(result(structured={"sum": 3}), keep) == '{"sum":3}'


@pytest.mark.parametrize("text", ['{"sum": 3}', "3"])
async def test_structured_content_that_is_among_the_texts_is_not_repeated(text):
    assert await result_text(result(words(text), structured={"sum": 3}), keep) == text


async def test_structured_content_beside_other_text_is_added():
    assert await result_text(result(words("see"), structured={"sum": 3}), keep) == 'see\n{"sum":3}'


async def test_an_image_is_kept_and_the_model_told_where():
    image = wire.ImageContent(type="image", data=PIXEL, mime_type="image/png")
    assert await result_text(result(image), keep) == "[image of type image/png, 9 bytes, kept as /kept/image/png]"


async def test_a_resource_is_its_text_and_where_it_is_from():
    resource = wire.TextResourceContents(uri="note://1", text="a note")
    embedded = wire.EmbeddedResource(type="resource", resource=resource)
    assert await result_text(result(embedded), keep) == "[resource note://1]\na note"


async def test_a_binary_resource_is_kept():
    resource = wire.BlobResourceContents(uri="note://1", blob=PIXEL, mime_type="application/pdf")
    embedded = wire.EmbeddedResource(type="resource", resource=resource)
    assert "kept as /kept/application/pdf" in await result_text(result(embedded), keep)


async def test_a_link_is_named():
    link = wire.ResourceLink(type="resource_link", name="note", uri="note://1", description="about it")
    assert await result_text(result(link), keep) == "[resource note at note://1: about it]"


async def test_an_image_that_cannot_be_kept_does_not_spoil_the_rest(tmp_path):
    async def keep_in_home(mime_type: str, data: str) -> object:
        return await keep_media(make_scope(tmp_path), mime_type, data)

    image = wire.ImageContent(type="image", data="not base64!", mime_type="image/png")
    text = await result_text(result(image, words("said")), keep_in_home)
    assert "could not be kept: the data is not base64" in text
    assert text.endswith("said")


async def test_kept_files_are_the_profiles_own_and_kept_once(tmp_path):
    scope = make_scope(tmp_path)
    first = await keep_media(scope, "image/svg+xml", PIXEL)
    assert await keep_media(scope, "image/svg+xml", PIXEL) == first
    assert first.parent == tmp_path / "cache" / "images"
    assert first.suffix == ".svg"
    assert first.read_bytes() == b"a picture"
    assert first.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mime_type", ["image/../../../../etc/x", "../x", "", "a/b/c"])
async def test_a_type_does_not_choose_the_place(tmp_path, mime_type):
    path = await keep_media(make_scope(tmp_path), mime_type, PIXEL)
    assert path.parent.parent == tmp_path / "cache"


async def test_the_oldest_files_go(tmp_path):
    scope = make_scope(tmp_path)
    for number in range(KEPT_FILES + 3):
        path = await keep_media(scope, "image/png", base64.b64encode(b"%d" % number).decode())
    assert len(list(path.parent.iterdir())) == KEPT_FILES
