"""The pairing commands, as a user types them."""

from __future__ import annotations

import json

import pytest

from hermes_trio.access.pairing import issue_code
from hermes_trio.access.pairing_places import pairing_places
from hermes_trio.io.clock import SystemClock
from hermes_trio.testing.home import ProfileFiles, write_home


@pytest.fixture
def home(tmp_path):
    return write_home(tmp_path / "home", {"coder": ProfileFiles(), "writer": ProfileFiles()})


@pytest.fixture
def ask(home):
    """Give a code to a user who asks a profile's bot."""

    def give(profile="coder", user="1", name="Ada", platform="telegram"):
        places = pairing_places(profile, home.profile(profile))
        return issue_code(places, platform, user, name, SystemClock().now())

    return give


@pytest.fixture
def pairing(command, home):
    """Run ``hermes-trio pairing ...`` on the home."""
    return lambda *arguments: command("pairing", *arguments, "--home", home.root)


def test_a_code_is_approved_and_listed(pairing, ask):
    done = pairing("approve", "-p", "coder", "telegram", ask().lower())
    assert (done.code, done.err) == (0, "")
    assert done.out == "Ada (1) may now talk to 'coder' on telegram.\n"
    assert pairing("list").out.splitlines() == [
        "PROFILE  PLATFORM  STATE     USER  NAME  SINCE",
        "coder    telegram  approved  1     Ada   0 s",
    ]


def test_without_a_profile_the_active_one_is_meant(pairing, ask, home):
    home.active_profile.write_text("writer\n")
    assert pairing("approve", "telegram", ask("coder")).code == 1
    assert "'writer'" in pairing("approve", "telegram", ask("writer", "2")).out


def test_the_list_has_all_profiles_or_one_and_no_codes(pairing, ask):
    codes = [ask("coder", "1"), ask("writer", "2", platform="slack")]
    both, one = pairing("list").out, pairing("-p", "writer", "list").out
    assert ("coder" in both, "writer" in both) == (True, True)
    assert ("coder" in one, "writer" in one) == (False, True)
    assert not any(code in both for code in codes)


def test_an_empty_list_says_so(pairing):
    assert pairing("list").out == "Nobody waits and nobody is approved.\n"


def test_json_for_scripts(pairing, ask):
    code = ask()
    waiting = json.loads(pairing("list", "--json", "-p", "coder").out)["profiles"][0]["platforms"][0]
    assert [one["user_id"] for one in waiting["pending"]] == ["1"]
    done = json.loads(pairing("approve", "--json", "-p", "coder", "telegram", code).out)
    assert (done["profile"], done["platform"], done["user_id"], done["added_to"]) == ("coder", "telegram", "1", "")
    revoked = json.loads(pairing("revoke", "--json", "-p", "coder", "telegram", "1").out)
    assert (revoked["revoked"], revoked["still_in"]) == (True, "")
    assert json.loads(pairing("clear-pending", "--json", "-p", "coder").out) == {"profile": "coder", "removed": 0}


def test_a_wrong_code_is_refused_with_what_to_do(pairing, ask):
    ask()
    done = pairing("approve", "-p", "coder", "telegram", "AAAAAAAA")
    assert (done.code, done.out) == (1, "")
    assert "[pairing_code_wrong]" in done.err
    assert "wrong code number 1" in done.err


def test_after_five_wrong_codes_the_list_says_that_pairing_is_closed(pairing, ask):
    code = ask()
    for _ in range(5):
        pairing("approve", "-p", "coder", "telegram", "AAAAAAAA")
    assert "[pairing_locked]" in pairing("approve", "-p", "coder", "telegram", code).err
    assert "coder: pairing on telegram is closed for 60 min more" in pairing("list").out


def test_revoking_somebody_who_is_not_approved_fails(pairing):
    done = pairing("revoke", "-p", "coder", "telegram", "1")
    assert (done.code, "[pairing_not_found]" in done.err) == (1, True)


@pytest.mark.parametrize("value", ["7,1", "*"])
def test_revoking_says_when_a_list_still_lets_the_user_in(pairing, ask, home, value):
    pairing("approve", "-p", "coder", "telegram", ask())
    home.profile("coder").env.write_text(f"TELEGRAM_BOT_TOKEN=123456:abcdefghij\nTELEGRAM_ALLOWED_USERS={value}\n")
    done = pairing("revoke", "-p", "coder", "telegram", "1")
    assert done.code == 1
    assert "no longer paired" in done.out
    assert "TELEGRAM_ALLOWED_USERS" in done.err


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("model: builtin/echo\ntelegram: {allow_from: [1]}\n", "a list in the settings"),
        ("model: builtin/echo\ntelegram: {allow_all_users: true}\n", "everybody"),
        ("model: [", "cannot be read"),
    ],
)
def test_revoking_looks_at_all_settings(pairing, ask, home, config, expected):
    pairing("approve", "-p", "coder", "telegram", ask())
    home.profile("coder").config.write_text(config)
    done = pairing("revoke", "-p", "coder", "telegram", "1")
    assert (done.code, expected in done.err) == (1, True)


def test_approving_adds_to_the_list_in_env(pairing, ask, home):
    home.profile("coder").env.write_text("TELEGRAM_ALLOWED_USERS=7\n")
    done = pairing("approve", "-p", "coder", "telegram", ask())
    assert "Added to TELEGRAM_ALLOWED_USERS" in done.out
    assert "7,1" in home.profile("coder").env.read_text()


def test_cleared_codes_are_worth_nothing(pairing, ask):
    codes = [ask("coder", "1"), ask("coder", "2", platform="slack"), ask("writer", "3")]
    assert pairing("clear-pending", "-p", "coder", "slack").out == "Removed 1 request of 'coder'.\n"
    assert pairing("clear-pending", "-p", "coder").out == "Removed 1 request of 'coder'.\n"
    assert pairing("approve", "-p", "coder", "telegram", codes[0]).code == 1
    assert pairing("approve", "-p", "writer", "telegram", codes[2]).code == 0


def test_names_of_strangers_cannot_steer_the_terminal(pairing, ask):
    ask(user="1\x1b[2J", name="A\x1b]0;x\x07\u202e")
    assert pairing("list").out.isprintable() is False  # line ends
    assert all(line.isprintable() for line in pairing("list").out.splitlines())


@pytest.mark.parametrize("action", ["list", "approve", "revoke", "clear-pending"])
def test_an_unknown_profile_is_named(pairing, action):
    arguments = {"approve": ("telegram", "AAAAAAAA"), "revoke": ("telegram", "1")}.get(action, ())
    done = pairing(action, "-p", "codr", *arguments)
    assert (done.code, "did you mean 'coder'?" in done.err) == (78, True)


def test_a_platform_must_be_a_name(pairing):
    assert "[pairing_platform_invalid]" in pairing("approve", "-p", "coder", "../../x", "AAAAAAAA").err


def test_what_cannot_be_read_does_not_pass_for_nobody(pairing, home):
    folder = pairing_places("coder", home.profile("coder")).folders[0]
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(folder)
    ran = pairing("list", "-p", "coder")
    assert (ran.code, ran.out) == (1, "")
    assert "[pairing_file_unusable]" in ran.err


def test_a_broken_file_of_one_profile_does_not_hide_the_others(pairing, ask, home):
    ask("writer", "2")
    folder = home.profile("coder").root / "platforms" / "pairing"
    folder.mkdir(parents=True)
    (folder / "telegram-approved.json").write_text("[")
    done = pairing("list")
    assert (done.code, "writer" in done.out) == (1, True)
    assert "[pairing_file_invalid]" in done.err
    assert str(folder / "telegram-approved.json") in done.err


def test_help_has_examples(command):
    assert "pairing approve -p coder telegram" in command("pairing", "--help").out
    for action in ("list", "approve", "revoke", "clear-pending"):
        assert f"hermes-trio pairing {action}" in command("pairing", action, "--help").out
