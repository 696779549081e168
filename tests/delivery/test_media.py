"""The tags with which a model sends files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.adapter_api.messages import MediaKind
from hermes_trio.delivery.media import MediaTag, extract_media, without_unfinished_tag


def paths(text):
    return [tag.path for tag in extract_media(text).media]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("MEDIA:/a/b.png", "/a/b.png"),
        ("see MEDIA: /a/b.png.", "/a/b.png"),
        ('MEDIA:"/a/b c.png"', "/a/b c.png"),
        ("MEDIA:'/a/b c'", "/a/b c"),
        ("MEDIA:/a/my file.pdf, please", "/a/my file.pdf"),
        ("MEDIA:~/a.tar.gz", "~/a.tar.gz"),
        ("**MEDIA:/a.PNG**", "/a.PNG"),
        ("MEDIA:/a/noending then words", "/a/noending"),
    ],
)
def test_a_tag_names_a_file(text, path):
    assert paths(text) == [path]


@pytest.mark.parametrize(
    "text", ["`MEDIA:/a.png`", "``a ` MEDIA:/a.png``", "```\nMEDIA:/a.png\n```", "http://MEDIA:x", "MEDIA:"]
)
def test_what_is_in_code_or_no_tag_stays(text):
    assert extract_media(text).text == text
    assert paths(text) == []


def test_several_files_come_in_order_and_each_once():
    assert paths("MEDIA:/a.png MEDIA:/b.png\nMEDIA:/c.png\nMEDIA:/a.png") == ["/a.png", "/b.png", "/c.png"]


def test_tag_lines_are_removed_and_others_keep_their_words():
    assert extract_media("One\nMEDIA:/a.png\nTwo MEDIA:/b.png three\n").text == "One\nTwo three"


def test_options_say_how_files_are_shown():
    assert extract_media("[[audio_as_voice]]\nMEDIA:/a.mp3").media == (MediaTag("/a.mp3", MediaKind.VOICE),)
    assert extract_media("[[as_document]]MEDIA:/a.png").media == (MediaTag("/a.png", MediaKind.DOCUMENT),)
    assert extract_media("MEDIA:/a.mp3 MEDIA:/a.mp4 MEDIA:/a.jpg MEDIA:/a.zip").media == (
        MediaTag("/a.mp3", MediaKind.AUDIO),
        MediaTag("/a.mp4", MediaKind.VIDEO),
        MediaTag("/a.jpg", MediaKind.PHOTO),
        MediaTag("/a.zip", MediaKind.DOCUMENT),
    )


def test_a_text_without_tags_is_left_as_it_is():
    assert extract_media("  a\n\n b  \n").text == "  a\n\n b  \n"


@pytest.mark.parametrize(
    "end", ["M", "MEDIA", "MEDIA:", "MEDIA:/a b", "MEDIA:/a.png", "[[", "[[as_docu", "[[as_document]"]
)
def test_a_tag_that_grows_is_not_shown(end):
    assert without_unfinished_tag(f"Here: {end}").strip() == "Here:"


@given(
    st.lists(st.sampled_from(["MEDIA:", "/a.png", " ", "\n", "`", "```", '"', "word", "[[as_document]]", "/b c.pdf"]))
)
def test_every_text_is_read_and_nothing_else_gets_lost(pieces):
    text = "".join(pieces)
    found = extract_media(text)
    if not found.media and "[[" not in text:
        assert found.text == text
