"""The tags with which a model sends files: ``MEDIA:<path>``, ``[[audio_as_voice]]``, ``[[as_document]]``.

Tags in code, whether within a line or in a fenced block, are examples and stay. Which files may go out is decided in
`outbound_media`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.messages import MediaKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EXTENSIONS: Final[Mapping[MediaKind, str]] = MappingProxyType(
    {
        MediaKind.PHOTO: "png jpg jpeg webp",
        MediaKind.AUDIO: "mp3 m4a wav flac aac ogg oga opus",
        MediaKind.VIDEO: "mp4 m4v mov mkv webm avi 3gp",
        MediaKind.DOCUMENT: (
            "gif bmp tif tiff heic svg pdf txt md rst log csv tsv json jsonl xml yaml yml toml html htm css js ts py "
            "sh sql diff patch ipynb tex rtf epub doc docx odt xls xlsx ods ppt pptx odp ics vcf eml srt vtt zip tar "
            "gz tgz bz2 xz 7z rar apk psd ai step stl obj gpx kml geojson parquet"
        ),
    }
)
KIND_BY_EXTENSION: Final[Mapping[str, MediaKind]] = MappingProxyType(
    {f".{extension}": kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()}
)
_KNOWN: Final = "|".join(sorted((name[1:] for name in KIND_BY_EXTENSION), key=len, reverse=True))
_TAG: Final = re.compile(
    r"\[\[(?P<option>audio_as_voice|as_document)\]\]"
    r"|(?<![\w/:.])MEDIA:[ \t]*(?:"
    r'"(?P<double>[^"\n]+)"|\'(?P<single>[^\'\n]+)\''
    rf"|(?P<spaced>[^\s\"'`]+?(?:[ \t]+[^\s\"'`]+?){{0,8}}?\.(?:{_KNOWN}))(?=[\s,;:!?)\]}}>*]|\.(?:\s|$)|$)"
    r"|(?P<bare>[^\s\"'`]+)"
    r")",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_TICKS: Final = re.compile(r"`+")
_WORD: Final = re.compile(r"\w")
_SPACES: Final = re.compile(r"[ \t]{2,}")
#: The end of a text that may become a tag, or the name of a file that goes on.
_BEGUN: Final = re.compile(r"(?:(?<![\w/:.])(?:M|ME|MED|MEDI|MEDIA|MEDIA:[^\n]*)|\[\[?[a-z_]*\]?)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MediaTag:
    """A file that a model wants to send.

    Attributes:
        path: As the model wrote it.
        kind: How it is to be shown.
    """

    path: str
    kind: MediaKind


@dataclass(frozen=True, slots=True)
class TextWithMedia:
    """A text without its tags, and what they ask for.

    Attributes:
        text: What is left to say.
        media: The files, in order, each once.
    """

    text: str
    media: tuple[MediaTag, ...] = ()


def extract_media(text: str) -> TextWithMedia:
    """Take the tags out of a text; a line that has nothing else is taken out whole."""
    options: set[str] = set()
    paths: dict[str, None] = {}
    lines: list[str] = []
    for line, is_code in _lines(text):
        found = [] if is_code else _tags(line)
        for tag in found:
            if tag["option"]:
                options.add(tag["option"].lower())
            else:
                paths.setdefault(_path(tag))
        left = _without(line, found)
        if not found or _WORD.search(left):
            lines.append(left)
    kept = "\n".join(lines)
    return TextWithMedia(
        kept.strip() if paths or options else kept, tuple(MediaTag(path, kind_of(path, options)) for path in paths)
    )


def without_unfinished_tag(text: str) -> str:
    """A text that still grows, without its tags and without an end that may become one."""
    begun = _BEGUN.search(text, text.rfind("\n") + 1)
    return extract_media(text[: begun.start()] if begun else text).text


def kind_of(path: str, options: set[str] | frozenset[str] = frozenset()) -> MediaKind:
    """How a file is shown, by its extension.

    Args:
        path: The file.
        options: ``audio_as_voice`` shows sound as a voice note, ``as_document`` a picture without preview.
    """
    kind = KIND_BY_EXTENSION.get(PurePosixPath(path).suffix.lower(), MediaKind.DOCUMENT)
    if kind is MediaKind.AUDIO and "audio_as_voice" in options:
        return MediaKind.VOICE
    return MediaKind.DOCUMENT if "as_document" in options and kind is MediaKind.PHOTO else kind


def _path(tag: re.Match[str]) -> str:
    quoted = tag["double"] or tag["single"]
    return quoted.strip() if quoted else (tag["spaced"] or tag["bare"]).rstrip(".,;:!?)]}>*")


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, with whether it belongs to a fenced block of code."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        yield line, bool(fence or mark)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""


def _tags(line: str) -> list[re.Match[str]]:
    """The tags of a line that stand in no code."""
    spans = list(_code_spans(line))
    tags = []
    for tag in _TAG.finditer(line):
        place = bisect_right(spans, (tag.start(), len(line)))
        if not place or spans[place - 1][1] <= tag.start():
            tags.append(tag)
    return tags


def _code_spans(line: str) -> Iterator[tuple[int, int]]:
    """Where a line has code: between a run of backticks and the next one that is as long."""
    start, opened = 0, ""
    for ticks in _TICKS.finditer(line):
        if not opened:
            start, opened = ticks.start(), ticks[0]
        elif ticks[0] == opened:
            yield start, ticks.end()
            opened = ""


def _without(line: str, tags: list[re.Match[str]]) -> str:
    if not tags:
        return line
    starts = [0, *(tag.end() for tag in tags)]
    ends = [*(tag.start() for tag in tags), len(line)]
    left = "".join(line[start:end] for start, end in zip(starts, ends, strict=True))
    return _SPACES.sub(" ", left).strip()
