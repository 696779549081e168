"""What the conformance kit does not ask of every adapter."""

from __future__ import annotations

from importlib.metadata import entry_points
from types import SimpleNamespace

import pytest

from hermes_trio.adapter_api import ENTRY_POINT_GROUP, ConfigError, CredentialMissing, PlatformConfig
from hermes_trio.adapter_api.document import (
    Bold,
    Code,
    CodeBlock,
    Heading,
    Italic,
    LineBreak,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Rule,
    Strike,
    Table,
    Text,
)
from hermes_trio.cli.checks.analysis import analyse_home
from hermes_trio.testing import ProfileFiles, write_home
from hermes_trio.testing.loopback.adapter import make_adapter
from hermes_trio.testing.loopback.markup import render_markup

SCOPE = SimpleNamespace(name="ada")


def words(text):
    return (Text(text),)


def test_it_is_registered_as_an_adapter():
    (entry,) = entry_points(group=ENTRY_POINT_GROUP, name="loopback")
    assert entry.load() is make_adapter


def test_without_an_address_or_a_token_it_says_what_is_missing_and_where():
    with pytest.raises(ConfigError, match=r"platforms\.loopback\.extra\.url"):
        make_adapter(SCOPE, PlatformConfig("loopback", token="t"))
    with pytest.raises(CredentialMissing, match="LOOPBACK_BOT_TOKEN"):
        make_adapter(SCOPE, PlatformConfig("loopback", extra={"url": "http://loopback.test"}))


def test_check_finds_nothing_wrong_with_its_settings(tmp_path, monkeypatch):
    monkeypatch.setattr("hermes_trio.cli.checks.listening.bind_problem", lambda *_: None)
    config = {"model": "builtin/echo", "platforms": {"loopback": {"extra": {"url": "http://127.0.0.1:9000"}}}}
    env = {"LOOPBACK_BOT_TOKEN": "ada-token", "LOOPBACK_ALLOWED_USERS": "7"}
    home = write_home(tmp_path, {"ada": ProfileFiles(config=config, env=env)})
    assert analyse_home(home, {}).findings == []


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (Paragraph((Text("a*b_c`[d]"),)), r"a\*b\_c\`\[d\]"),
        (Paragraph((Bold(words("a")), LineBreak(), Italic(words("b")), Strike(words("c")))), "*a*\n_b_c"),
        (Paragraph((Code("x*y"), Link("https://a.test", words("a")))), "`x*y`[a](https://a.test)"),
        (Heading(2, words("Title")), "*Title*"),
        (CodeBlock("x = 1", "python"), "```python\nx = 1\n```"),
        (Quote((Paragraph(words("a")), Paragraph(words("b")))), "> a\n> \n> b"),
        (ListBlock(((Paragraph(words("a")),), (Paragraph(words("b")),))), "- a\n- b"),
        (ListBlock(((Paragraph(words("a")),),), start=3), "3. a"),
        (Table(((words("a"), words("b")), (words("c"), words("d")))), "a | b\nc | d"),
        (Rule(), "———"),
    ],
)
def test_markup(block, text):
    assert render_markup((block,)) == text
