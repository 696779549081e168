import io

import click
import pytest

from hermes_trio.cli.terminal import Style, align, describe_span, wants_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "stream", "expected"),
    [
        ({}, Terminal(), True),
        ({}, io.StringIO(), False),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
    ],
)
def test_colours_go_to_terminals_that_want_them(environ, stream, expected):
    assert wants_color(environ, stream) is expected


def test_columns_are_aligned_whatever_their_colours():
    red = Style(color=True).paint("b", "red")
    lines = align([["aaa", "1"], [red, "2"], ["", "3"]])
    assert [click.unstyle(line) for line in lines] == ["aaa  1", "b    2", "     3"]


def test_a_plain_style_changes_nothing():
    assert Style(color=False).paint("text", "red", bold=True) == "text"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (86_400 * 3, "3 d")],
)
def test_spans_are_short(seconds, text):
    assert describe_span(seconds) == text
