"""What a stranger leads to."""

from __future__ import annotations

import pytest

from hermes_trio.access.pairing import approve
from hermes_trio.access.stranger import StrangerAction, answer_stranger, stranger_action, stranger_text
from hermes_trio.home.platform_config import AccessConfig
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.access.rig import direct, group, open_bots

PAIR = AccessConfig(unauthorized_dm_behavior="pair")


def test_the_text_has_the_code_and_the_command_that_approves_it():
    text = stranger_text("coder", "telegram", "ABCD2345")
    assert "Your pairing code: ABCD2345" in text
    assert text.splitlines()[-1] == "hermes-trio pairing approve -p coder telegram ABCD2345"


async def test_a_stranger_is_told_a_code_that_can_be_approved_and_then_nothing_for_ten_minutes(tmp_path):
    async with open_bots(tmp_path, {"coder": PAIR}) as bots:
        text = await answer_stranger(bots["coder"], direct("1"))
        code = text.split()[-1]
        assert text == stranger_text("coder", "telegram", code)
        assert await answer_stranger(bots["coder"], direct("1")) is None
        assert approve(bots.places("coder"), "telegram", code, bots.clock.now()).user.user_id == "1"
        bots.clock.advance(600)
        assert await answer_stranger(bots["coder"], direct("1"))


async def test_a_person_in_a_direct_message_is_offered_a_pairing(tmp_path):
    async with open_bots(tmp_path, {"coder": PAIR}) as bots:
        assert stranger_action(bots["coder"], direct("1")) is StrangerAction.PAIR


@pytest.mark.parametrize(
    "source",
    [
        group("1"),
        group("1", chat_type="channel"),
        direct("1", is_bot=True),
        direct(None),
        direct(""),
        direct("1", platform="slack"),
    ],
)
async def test_groups_bots_nobody_and_unknown_platforms_get_silence(tmp_path, source):
    async with open_bots(tmp_path, {"coder": PAIR}) as bots:
        assert await answer_stranger(bots["coder"], source) is None
    assert not (bots.home.profile("coder").root / "platforms").exists()


@pytest.mark.parametrize("behaviour", ["ignore", "", "perhaps"])
async def test_a_profile_that_does_not_say_pair_is_silent(tmp_path, behaviour):
    async with open_bots(tmp_path, {"coder": AccessConfig(unauthorized_dm_behavior=behaviour)}) as bots:
        assert stranger_action(bots["coder"], direct("1")) is StrangerAction.IGNORE


TOKEN = {"TELEGRAM_BOT_TOKEN": "123456:abcdefghijklmnop"}
LISTED = {**TOKEN, "TELEGRAM_ALLOWED_USERS": "7"}


@pytest.mark.parametrize(
    ("config", "env", "pairs"),
    [
        ("", TOKEN, True),
        ("", LISTED, False),
        ("unauthorized_dm_behavior: pair", LISTED, True),
        ("unauthorized_dm_behavior: ignore", TOKEN, False),
        ("telegram: {dm_policy: pairing}", LISTED, True),
        ("telegram: {dm_policy: allowlist}", TOKEN, False),
        ("telegram: {dm_policy: disabled}", TOKEN, False),
        ("unauthorized_dm_behavior: ignore\ntelegram: {dm_policy: pairing}", TOKEN, False),
        ("unauthorized_dm_behavior: ignore\ntelegram: {unauthorized_dm_behavior: pair}", LISTED, True),
        ("telegram: {unauthorized_dm_behavior: ignore, dm_policy: pairing}", TOKEN, False),
    ],
)
def test_the_settings_decide_in_the_documented_order(tmp_path, config, env, pairs):
    home = write_home(tmp_path, {"coder": ProfileFiles(config=f"model: builtin/echo\n{config}\n", env=env)})

    class Scope:
        name = "coder"
        config = load_profile_settings(home, "coder", {}).config

    assert (stranger_action(Scope, direct("1")) is StrangerAction.PAIR) is pairs
