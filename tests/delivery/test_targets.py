"""Where to send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.delivery.targets import NamedTarget, PlatformTarget, TargetInvalid, parse_target, resolve_target
from tests.tools.files_rig import open_agents


@pytest.mark.parametrize(
    ("text", "chat", "thread"),
    [
        ("telegram:-10042", "-10042", None),
        ("Telegram: 42:7", "42", "7"),
        ("telegram:@some_name", "@some_name", None),
        ("discord:123:456", "123", "456"),
        ("slack:C0123ABC:1700000000.000100", "C0123ABC", "1700000000.000100"),
        ("matrix:!room:example.org", "!room:example.org", None),
        ("matrix:@ada:example.org:8448", "@ada:example.org:8448", None),
        ("matrix:!room:example.org:$event", "!room:example.org", "$event"),
        ("signal:+4915112345", "+4915112345", None),
        ("signal:group:aBc=", "group:aBc=", None),
        ("whatsapp:491511@s.whatsapp.net", "491511@s.whatsapp.net", None),
        ("email:ada@example.org", "ada@example.org", None),
        ("ntfy:my-topic", "my-topic", None),
        ("yuanbao:group:7", "group:7", None),
        ("mattermost:abc:def", "abc", "def"),
    ],
)
def test_each_platform_has_its_own_form(text, chat, thread):
    assert parse_target(text).chat == Target(chat, thread)


def test_a_platform_alone_means_its_home_channel_and_a_hash_a_name():
    assert parse_target("discord") == NamedTarget("discord")
    assert parse_target("discord:#general chat") == NamedTarget("discord", name="general chat")


@pytest.mark.parametrize(
    "text", ["", ":42", "telegram:abc", "telegram:42:x", "email:nobody", "sms:abc", "discord:#", "tele gram:1"]
)
def test_what_has_not_the_form_is_an_error(text):
    with pytest.raises(TargetInvalid):
        parse_target(text)


@given(st.text(max_size=40), st.sampled_from(["", "telegram:", "matrix:", "slack:", "irc:"]))
def test_every_text_is_read_or_refused(text, platform):
    try:
        named = parse_target(platform + text)
    except TargetInvalid:
        return
    assert (named.chat is None) or not named.name


@pytest.fixture
async def ada(tmp_path):
    config = {
        "platforms": {
            "telegram": {
                "enabled": True,
                "token": "1234567:aBcDeFgHiJkLmNoPqRsTuVwXyZ012345678",
                "home_channel": {"chat_id": "42"},
            },
            "discord": {"enabled": True, "token": "aBcDeFgHiJkLmNoPqRsTuVwXyZ"},
        }
    }
    async with open_agents(tmp_path, "ada", config=config) as (agent,):
        (agent.home / "channel_aliases.json").write_text(json.dumps({"telegram": {"-7": "Team"}}))
        directory = [
            {"id": "-8", "name": "team", "type": "group"},
            {"id": "-9", "name": "News", "thread_id": 3},
            {"id": "1", "name": "twice"},
            {"id": "2", "name": "twice"},
        ]
        (agent.home / "channel_directory.json").write_text(json.dumps({"platforms": {"telegram": directory}}))
        yield agent.scope


async def test_the_home_channel_is_that_of_the_settings(ada):
    assert await resolve_target(ada, "telegram") == PlatformTarget("telegram", Target("42"))
    with pytest.raises(TargetInvalid, match="/sethome"):
        await resolve_target(ada, "discord")


async def test_a_name_is_found_among_aliases_first_then_in_the_directory(ada):
    assert (await resolve_target(ada, "telegram:#team")).target == Target("-7")
    assert (await resolve_target(ada, "telegram:#news")).target == Target("-9", "3")


@pytest.mark.parametrize("name", ["twice", "nowhere"])
async def test_a_name_of_no_chat_or_of_several_is_an_error(ada, name):
    with pytest.raises(TargetInvalid, match=r"several|no known"):
        await resolve_target(ada, f"telegram:#{name}")


async def test_a_platform_that_is_not_set_up_is_an_error(ada):
    with pytest.raises(TargetInvalid, match="discord, telegram"):
        await resolve_target(ada, "slack:C0123")
