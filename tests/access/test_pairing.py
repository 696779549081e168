"""The protocol of pairing, on the clock."""

from __future__ import annotations

import hashlib
import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from hermes_trio.access.authorize import check_access
from hermes_trio.access.pairing import (
    Approval,
    approve,
    clear_pending,
    issue_code,
    read_pairings,
    request_code,
    revoke,
)
from hermes_trio.access.pairing_codes import ALPHABET, hash_code
from hermes_trio.access.pairing_files import ApprovedUser
from hermes_trio.access.pairing_list import listed_users
from hermes_trio.access.pairing_places import LOCK, PairingError, check_platform, pairing_places
from hermes_trio.access.pairing_store import open_pairing_files
from hermes_trio.home.file_lock import lock_file
from hermes_trio.home.platform_config import AccessConfig
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.access.rig import direct, open_bots, write_approved, write_json

NOW = 1_790_000_000.0
WRONG = "AAAAAAAA"


@pytest.fixture
def home(tmp_path):
    return write_home(tmp_path / "home", {"coder": ProfileFiles()})


@pytest.fixture
def places(home):
    return pairing_places("coder", home.profile("coder"))


@pytest.fixture
def folder(home):
    return home.profile("coder").root / "platforms" / "pairing"


def ask(places, user="1", now=NOW):
    return issue_code(places, "telegram", user, "Ada", now)


def refusal(places, code, now=NOW):
    with pytest.raises(PairingError) as caught:
        approve(places, "telegram", code, now)
    return caught.value


def contents(folder, name):
    return json.loads((folder / name).read_text())


def test_a_code_has_eight_characters_that_nobody_confuses(places):
    code = ask(places)
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    assert not set(ALPHABET) & set("IO01")


def test_a_request_is_stored_as_hermes_agent_does_and_without_its_code(places, folder):
    code = ask(places)
    ((request_id, entry),) = contents(folder, "telegram-pending.json").items()
    assert (len(request_id), list(entry)) == (16, ["hash", "salt", "user_id", "user_name", "created_at"])
    assert entry["hash"] == hashlib.sha256(bytes.fromhex(entry["salt"]) + code.encode()).hexdigest()
    assert (entry["user_id"], entry["user_name"], entry["created_at"]) == ("1", "Ada", NOW)
    assert contents(folder, "_rate_limits.json") == {"telegram:1": NOW}
    assert all(code not in path.read_text() for path in folder.iterdir())


def test_the_layout_of_a_file_is_that_of_json_with_an_indent_of_two(places, folder):
    ask(places)
    text = (folder / "telegram-pending.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def test_the_files_are_their_owners_alone(places, folder):
    approve(places, "telegram", ask(places), NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {
        "pairing": 0o700,
        LOCK: 0o600,
        "_rate_limits.json": 0o600,
        "telegram-approved.json": 0o600,
        "telegram-pending.json": 0o600,
    }


def test_an_approved_code_lets_its_user_in_and_is_used_up(places, folder):
    code = ask(places)
    assert approve(places, "telegram", f" {code.lower()} ", NOW + 5) == Approval(ApprovedUser("1", "Ada", NOW + 5))
    assert contents(folder, "telegram-approved.json") == {"1": {"user_name": "Ada", "approved_at": NOW + 5}}
    assert contents(folder, "telegram-pending.json") == {}
    assert refusal(places, code).code == "pairing_code_wrong"


def test_a_code_is_good_for_an_hour(places):
    code = ask(places)
    assert refusal(places, code, NOW + 3600).code == "pairing_code_wrong"
    assert approve(places, "telegram", code, NOW + 3599).user.user_id == "1"


def test_a_code_is_good_on_its_own_platform_and_profile_only(places, home):
    code = ask(places)
    with pytest.raises(PairingError):
        approve(places, "slack", code, NOW)
    with pytest.raises(PairingError):
        approve(pairing_places("default", home.profile("default")), "telegram", code, NOW)


def test_a_user_gets_one_code_in_ten_minutes(places):
    assert ask(places)
    assert ask(places, now=NOW + 599) is None
    assert ask(places, now=NOW + 600)


def test_a_newer_code_replaces_the_older_one_of_the_same_user(places):
    older, newer = ask(places), ask(places, now=NOW + 600)
    assert refusal(places, older, NOW + 601).code == "pairing_code_wrong"
    assert approve(places, "telegram", newer, NOW + 601).user.user_id == "1"


def test_three_people_may_wait_per_platform(places):
    assert all(ask(places, user) for user in "123")
    assert ask(places, "4") is None
    assert issue_code(places, "slack", "4", "", NOW) is not None
    assert ask(places, "4", now=NOW + 3600) is not None


def test_who_was_refused_a_code_because_others_wait_need_not_wait_ten_minutes(places):
    assert all(ask(places, user) for user in "123")
    assert ask(places, "4") is None
    clear_pending(places, ("telegram",))
    assert ask(places, "4", now=NOW + 1) is not None


def test_five_wrong_codes_close_the_platform_for_an_hour(places, folder):
    code = ask(places)
    assert [refusal(places, WRONG).code for _ in range(5)] == ["pairing_code_wrong"] * 5
    assert contents(folder, "_rate_limits.json")["_lockout:telegram"] == NOW + 3600
    assert refusal(places, code, NOW + 3599).code == "pairing_locked"
    assert ask(places, "2", NOW + 3599) is None
    assert ask(places, "2", NOW + 3600) is not None


def test_while_closed_wrong_codes_do_not_prolong_it(places):
    for second in range(10):
        refusal(places, WRONG, NOW + second)
    assert ask(places, now=NOW + 4 + 3600) is not None


def test_a_right_code_forgets_the_wrong_ones(places):
    for _ in range(4):
        refusal(places, WRONG)
    approve(places, "telegram", ask(places), NOW)
    for _ in range(4):
        refusal(places, WRONG)
    assert approve(places, "telegram", ask(places, "2"), NOW).user.user_id == "2"


def test_times_that_limit_nobody_any_more_leave_the_file(places, folder):
    write_json(
        folder / "_rate_limits.json", {"slack:9": NOW - 700, "slack:8": NOW - 10, "_failures:slack": 2, "x": "y"}
    )
    ask(places)
    limits = contents(folder, "_rate_limits.json")
    assert limits == {"slack:8": NOW - 10, "_failures:slack": 2, "x": "y", "telegram:1": NOW}


def test_a_clock_that_was_set_back_does_not_silence_anybody(places):
    ask(places, now=NOW + 1_000_000)
    assert ask(places) is not None


def test_both_ways_of_reading_a_salt_are_understood(places, folder):
    for number, digest in enumerate((hashlib.sha256(b"00ffABCD2345"), hashlib.sha256(b"\x00\xffABCD2345"))):
        entry = {"hash": digest.hexdigest(), "salt": "00ff", "user_id": str(number), "user_name": "", "created_at": NOW}
        write_json(folder / "telegram-pending.json", {"0123456789abcdef": entry})
        assert approve(places, "telegram", "ABCD2345", NOW).user.user_id == str(number)


# Places ---------------------------------------------------------------------------------------------------------------


async def test_approvals_count_from_every_place_where_a_home_may_have_them(tmp_path):
    async with open_bots(tmp_path, {"default": AccessConfig(), "coder": AccessConfig()}) as bots:
        root, coder = bots.home.root, bots.home.profile("coder").root
        write_approved(root / "platforms" / "pairing", "1")
        write_approved(root / "pairing", "2")
        write_approved(root / "profiles" / "default" / "pairing", "3")
        write_approved(coder / "platforms" / "pairing", "4")
        write_approved(coder / "pairing", "5")
        let_in = {
            profile: [user for user in "123456" if (await check_access(bots[profile], direct(user))).allowed]
            for profile in ("default", "coder")
        }
    assert let_in == {"default": ["1", "2", "3"], "coder": ["4", "5"]}


def test_new_entries_go_to_the_usual_place_also_when_an_older_one_is_there_but_empty(places, folder, home):
    older = home.profile("coder").root / "pairing"
    older.mkdir()
    ask(places)
    assert (folder / "telegram-pending.json").exists()
    assert list(older.iterdir()) == []


def test_new_entries_go_to_the_older_place_when_only_that_has_content(places, folder, home):
    older = home.profile("coder").root / "pairing"
    write_approved(older, "9")
    approve(places, "telegram", ask(places), NOW)
    assert set(contents(older, "telegram-approved.json")) == {"9", "1"}
    assert not folder.exists()


def test_new_entries_go_to_the_usual_place_when_both_have_content(places, folder, home):
    older = home.profile("coder").root / "pairing"
    write_approved(older, "9")
    write_approved(folder, "8")
    approve(places, "telegram", ask(places), NOW)
    assert (set(contents(folder, "telegram-approved.json")), set(contents(older, "telegram-approved.json"))) == (
        {"8", "1"},
        {"9"},
    )


def test_the_stray_folder_of_the_default_profile_is_never_written_to_for_what_is_new(home):
    stray = home.root / "profiles" / "default" / "pairing"
    write_approved(stray, "3")
    places = pairing_places("default", home.profile("default"))
    approve(places, "telegram", ask(places), NOW)
    assert set(contents(stray, "telegram-approved.json")) == {"3"}
    assert set(contents(home.root / "platforms" / "pairing", "telegram-approved.json")) == {"1"}


def test_a_code_that_another_program_has_given_is_approved_where_it_lies_and_used_up(home):
    stray = home.root / "profiles" / "default" / "pairing"
    entry = {"hash": hash_code("ABCD2345", "ab"), "salt": "ab", "user_id": "7", "user_name": "Z", "created_at": NOW}
    write_json(stray / "telegram-pending.json", {"0123456789abcdef": entry, "other": {"kept": True}})
    places = pairing_places("default", home.profile("default"))
    assert approve(places, "telegram", "ABCD2345", NOW).user.user_id == "7"
    assert contents(stray, "telegram-pending.json") == {"other": {"kept": True}}


async def test_a_revoked_user_is_out_wherever_the_approval_lay(tmp_path):
    async with open_bots(tmp_path, {"default": AccessConfig()}) as bots:
        root = bots.home.root
        for folder in (root / "platforms" / "pairing", root / "pairing", root / "profiles" / "default" / "pairing"):
            write_approved(folder, "1", "2")
        assert (await check_access(bots["default"], direct("1"))).allowed
        assert revoke(bots.places("default"), "telegram", "1") == 3
        bots["default"].files.look_again()
        let_in = [user for user in "12" if (await check_access(bots["default"], direct(user))).allowed]
    assert let_in == ["2"]


def test_a_home_that_was_deleted_stays_so(places, home):
    home.profile("coder").root.rename(home.root / "gone")
    with pytest.raises(PairingError) as caught:
        ask(places)
    assert caught.value.code == "pairing_file_unusable"
    assert not home.profile("coder").root.exists()


# Commands -------------------------------------------------------------------------------------------------------------


def test_the_list_shows_who_waits_who_is_approved_and_what_is_closed(places):
    ask(places, "1")
    ask(places, "2", NOW + 10)
    approve(places, "telegram", issue_code(places, "slack", "3", "", NOW) and ask(places, "4", NOW), NOW + 20)
    for _ in range(5):
        with pytest.raises(PairingError):
            approve(places, "slack", WRONG, NOW + 20)
    slack, telegram = read_pairings(places, NOW + 30)
    assert [one.user_id for one in telegram.pending] == ["1", "2"]
    assert telegram.approved == (ApprovedUser("4", "Ada", NOW + 20),)
    assert (telegram.locked_until, slack.locked_until) == (None, NOW + 20 + 3600)
    assert read_pairings(places, NOW + 3605)[1].pending == (telegram.pending[1],)


def test_cleared_requests_are_gone_and_the_approved_stay(places):
    approve(places, "telegram", ask(places), NOW)
    code = ask(places, "2")
    issue_code(places, "slack", "3", "", NOW)
    assert clear_pending(places, ("telegram",)) == 1
    wrong = refusal(places, code)
    assert wrong.found == "no request that waits"
    assert "for which profile and platform" in (wrong.mend or "")
    slack, telegram = read_pairings(places, NOW)
    assert (len(slack.pending), telegram.pending, len(telegram.approved)) == (1, (), 1)


def test_reading_the_list_writes_nothing(places, home):
    before = sorted(home.root.rglob("*"))
    assert read_pairings(places, NOW) == ()
    assert sorted(home.root.rglob("*")) == before


def test_a_platform_cannot_lead_out_of_the_folder():
    for name in ("../x", "a/b", "", "..", "_rate", "a" * 65, "telegram\n.", "télé"):
        with pytest.raises(PairingError):
            check_platform(name, "coder")
    assert check_platform(" Telegram ", "coder") == "telegram"


def test_who_holds_the_lock_makes_others_wait_and_then_say_so(places, folder, monkeypatch):
    monkeypatch.setattr("hermes_trio.access.pairing_store._ATTEMPTS", 1)
    with open_pairing_files(places), pytest.raises(PairingError) as caught:
        ask(places)
    assert caught.value.code == "pairing_busy"
    lock = lock_file(folder / LOCK)
    assert lock is not None


# The list in .env -----------------------------------------------------------------------------------------------------


def with_list(home, value):
    env = home.profile("coder").env
    env.write_text(f"# mine\nTELEGRAM_ALLOWED_USERS={value}\nOTHER=1\n")
    return env


def test_an_approved_user_joins_the_list_that_is_there(places, home):
    env = with_list(home, "7,8")
    done = approve(places, "telegram", ask(places), NOW)
    assert (done.listed_in, done.warning) == ("TELEGRAM_ALLOWED_USERS", "")
    assert env.read_text().splitlines()[0] == "# mine"
    assert "7,8,1" in env.read_text().splitlines()[1]
    assert env.read_text().splitlines()[2] == "OTHER=1"


def test_a_list_in_json_stays_one_and_locks_nobody_out(places, home):
    env = with_list(home, '["7", "8"]')
    assert approve(places, "telegram", ask(places), NOW).listed_in == "TELEGRAM_ALLOWED_USERS"
    assert '["7", "8", "1"]' in env.read_text()
    assert listed_users(places, "telegram") == ("7", "8", "1")


@pytest.mark.parametrize("value", ["", " , ", "*", "7,1", "7,*", '["7", "1"]', '["*"]'])
def test_a_list_that_is_empty_or_lets_the_user_in_anyway_stays_as_it_is(places, home, value):
    env = with_list(home, value)
    before = env.read_bytes()
    assert approve(places, "telegram", ask(places), NOW).listed_in == ""
    assert env.read_bytes() == before


@pytest.mark.parametrize("user", ["1,*", "*", "1,2", "a b", "1\n2", "1#", "'1", '"', "$X", "1\\"])
def test_an_id_that_would_be_more_than_one_entry_never_gets_into_a_list(places, home, user):
    env = with_list(home, "7")
    before = env.read_bytes()
    done = approve(places, "telegram", ask(places, user), NOW)
    assert (done.user.user_id, done.listed_in) == (user, "")
    assert "TELEGRAM_ALLOWED_USERS" in done.warning
    assert env.read_bytes() == before


def test_a_list_that_cannot_be_read_does_not_stop_the_approval(places, home):
    home.profile("coder").env.write_bytes(b"TELEGRAM_ALLOWED_USERS=7\n\xff\xfe\xfa")
    done = approve(places, "telegram", ask(places), NOW)
    assert "UTF-8" in done.warning
    assert [one.user_id for one in read_pairings(places, NOW)[0].approved] == ["1"]


# A stranger asks ------------------------------------------------------------------------------------------------------


async def test_the_gateway_gives_a_code_and_notices_its_approval(tmp_path):
    async with open_bots(tmp_path, {"coder": AccessConfig()}) as bots:
        scope, source = bots["coder"], direct("1", user_name="Ada\x1b[31m\n")
        code = await request_code(scope, source)
        assert not (await check_access(scope, source)).allowed
        done = approve(bots.places("coder"), "telegram", code, bots.clock.now())
        scope.files.look_again()
        assert (await check_access(scope, source)).reason.value == "paired"
        assert await request_code(scope, direct("1")) is None
    assert done.user.user_name == "Ada [31m"
    assert code not in bots.log_of("coder")


@pytest.mark.parametrize(
    "source", [direct(None), direct(" "), direct("1" * 257), direct("1", platform="../x"), direct("1", platform="")]
)
async def test_nobody_and_nowhere_get_no_code(tmp_path, source):
    async with open_bots(tmp_path, {"coder": AccessConfig()}) as bots:
        assert await request_code(bots["coder"], source) is None
    assert not (bots.home.profile("coder").root / "platforms").exists()


# Several at once ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_strangers_who_come_together_get_three_codes_and_a_whole_file(places, folder):
    with ThreadPoolExecutor(8) as pool:
        codes = [code for code in pool.map(lambda user: ask(places, user), map(str, range(8))) if code]
    assert len(codes) == 3
    assert {approve(places, "telegram", code, NOW).user.user_id for code in codes} == set(
        contents(folder, "telegram-approved.json")
    )


@pytest.mark.slow
def test_of_two_who_approve_the_same_code_one_is_told_that_it_is_used_up(places):
    code = ask(places)

    def try_it(_):
        try:
            return approve(places, "telegram", code, NOW).user.user_id
        except PairingError as error:
            return error.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_it, range(2))) == ["1", "pairing_code_wrong"]
