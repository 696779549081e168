"""The line below an answer."""

from __future__ import annotations

from pathlib import Path

from hermes_trio.delivery.footer import runtime_footer


def footer(*fields, **other):
    known = {
        "model": "maker/m-1",
        "context_tokens": 500,
        "context_length": 2000,
        "cwd": Path("/home/x/w"),
        "home": Path("/home/x"),
    }
    return runtime_footer(fields, **(known | other))


def test_the_fields_come_in_the_order_of_the_settings():
    assert footer("model", "context_pct", "cwd") == "m-1 · 25% · ~/w"
    assert footer("cwd", "other", "model") == "~/w · m-1"


def test_what_is_not_known_is_left_out():
    assert footer("model", "context_pct", context_length=None) == "m-1"
    assert footer("context_pct", context_tokens=0) == ""
    assert footer("cwd", cwd=Path("/srv")) == "/srv"
