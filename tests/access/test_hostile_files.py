"""Files that somebody has broken, on purpose or not, open nothing and are named."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.access.authorize import check_access
from hermes_trio.access.pairing import approve, issue_code, read_pairings, request_code
from hermes_trio.access.pairing_files import (
    BadPairingFile,
    approved_in,
    decode_file,
    encode_file,
    number_in,
    pending_in,
)
from hermes_trio.access.pairing_places import PairingError, pairing_places
from hermes_trio.home.platform_config import AccessConfig
from hermes_trio.home.text_file import SIZE_LIMIT
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.access.rig import direct, open_bots, write_approved

NOW = 1_790_000_000.0
BROKEN = {
    "cut off": b'{"1": {"user_name": "X"',
    "a list": b'["1"]',
    "a text": b'"1"',
    "a number": b"1",
    "true": b"true",
    "not UTF-8": b'{"\xff": {}}',
    "binary": bytes(range(256)),
    "nested": b'{"1":' * 100_000,
    "a list of lists": b"[" * 100_000,
    "huge": b'{"1": {}, "x": "' + b"y" * SIZE_LIMIT + b'"}',
    "two documents": b'{"1": {}}{"2": {}}',
}
WORTHLESS = {
    "true": b'{"1": true}',
    "text": b'{"1": "approved"}',
    "number": b'{"1": 1790000000}',
    "list": b'{"1": [{}]}',
    "null": b'{"1": null}',
    "star": b'{"*": {}}',
    "blank": b'{"": {}, " ": {}}',
    "inside": b'{"users": {"1": {}}}',
    "longer": b'{"11": {}, "1 2": {}, "1@x": {}}',
    "empty file": b"",
    "blank file": b" \n",
}


def approved_file(home, profile="b"):
    folder = home.profile(profile).root / "platforms" / "pairing"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "telegram-approved.json"


@pytest.mark.parametrize("data", {**BROKEN, **WORTHLESS}.values(), ids={**BROKEN, **WORTHLESS})
async def test_it_lets_nobody_in(tmp_path, data):
    async with open_bots(tmp_path, {"b": AccessConfig()}) as bots:
        approved_file(bots.home).write_bytes(data)
        decision = await check_access(bots["b"], direct("1"))
    assert (decision.allowed, decision.reason.value) == (False, "no_list")


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
async def test_it_is_named_in_the_log_once(tmp_path, data):
    async with open_bots(tmp_path, {"b": AccessConfig()}) as bots:
        path = approved_file(bots.home)
        path.write_bytes(data)
        for _ in range(3):
            await check_access(bots["b"], direct("1"))
            bots["b"].files.look_again()
    lines = (bots.home.profile("b").logs / "gateway.log").read_text().splitlines()
    (line,) = [line for line in lines if str(path) in line]
    assert "ERROR" in line
    assert "do not count" in line
    assert "yyyy" not in line


async def test_approvals_elsewhere_count_all_the_same(tmp_path):
    async with open_bots(tmp_path, {"b": AccessConfig()}) as bots:
        approved_file(bots.home).write_bytes(b"[")
        write_approved(bots.home.profile("b").root / "pairing", "1")
        assert (await check_access(bots["b"], direct("1"))).allowed


async def test_a_broken_file_of_one_profile_is_nothing_to_another(tmp_path):
    async with open_bots(tmp_path, {"a": AccessConfig(), "b": AccessConfig()}) as bots:
        approved_file(bots.home, "a").write_bytes(b"[")
        write_approved(bots.home.profile("b").root / "platforms" / "pairing", "1")
        assert (await check_access(bots["b"], direct("1"))).allowed


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a link in a circle"])
async def test_something_that_is_no_file_lets_nobody_in_and_is_named(tmp_path, kind):
    async with open_bots(tmp_path, {"b": AccessConfig()}) as bots:
        path = approved_file(bots.home)
        if kind == "a folder":
            path.mkdir()
        elif kind == "a pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(path)
        assert not (await check_access(bots["b"], direct("1"))).allowed
    assert str(path) in bots.log_of("b")


@pytest.mark.parametrize("name", ["telegram-pending.json", "_rate_limits.json"])
@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
async def test_with_a_broken_file_a_stranger_gets_no_code_and_the_log_says_why(tmp_path, name, data):
    async with open_bots(tmp_path, {"b": AccessConfig()}) as bots:
        path = approved_file(bots.home).with_name(name)
        path.write_bytes(data)
        assert await request_code(bots["b"], direct("1")) is None
        assert path.read_bytes() == data
    assert str(path) in bots.log_of("b")


def test_a_broken_file_of_approvals_is_not_written_over(tmp_path):
    home = write_home(tmp_path, {"b": ProfileFiles()})
    places = pairing_places("b", home.profile("b"))
    code = issue_code(places, "telegram", "1", "", NOW)
    approved_file(home).write_bytes(b'{"7": {}')
    with pytest.raises(PairingError) as caught:
        approve(places, "telegram", code, NOW)
    assert caught.value.code == "pairing_file_invalid"
    assert str(approved_file(home)) in str(caught.value)
    assert approved_file(home).read_bytes() == b'{"7": {}'


def test_requests_without_hash_salt_user_or_time_are_worth_nothing(tmp_path):
    home = write_home(tmp_path, {"b": ProfileFiles()})
    places = pairing_places("b", home.profile("b"))
    whole = b'{"hash": "h", "salt": "s", "user_id": "1", "user_name": "", "created_at": 1790000000}'
    entries = [
        b'"ABCD2345": {"user_id": "1", "user_name": "", "created_at": 1790000000}',
        b'"a": ' + whole.replace(b'"h"', b"null"),
        b'"b": ' + whole.replace(b'"s"', b'""'),
        b'"c": ' + whole.replace(b'"1"', b'" "'),
        b'"d": ' + whole.replace(b"1790000000", b'"now"'),
        b'"e": ' + whole.replace(b"1790000000", b"9" * 400),
        b'"f": ' + whole.replace(b"1790000000", b"true"),
        b'"g": ' + whole.replace(b"1790000000", b"1990000000"),
    ]
    approved_file(home).with_name("telegram-pending.json").write_bytes(b"{" + b",".join(entries) + b"}")
    assert read_pairings(places, NOW)[0].pending == ()
    for code in ("ABCD2345", "", "h", "s"):
        with pytest.raises(PairingError):
            approve(places, "telegram", code, NOW)


def test_a_folder_that_cannot_be_read_is_named_and_does_not_pass_for_an_empty_one(tmp_path):
    home = write_home(tmp_path, {"coder": ProfileFiles()})
    places = pairing_places("coder", home.profile("coder"))
    folder = places.folders[0]
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(folder)
    with pytest.raises(PairingError) as caught:
        read_pairings(places, NOW)
    assert caught.value.code == "pairing_file_unusable"
    assert str(folder) in str(caught.value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_any_object_is_read_without_an_error_and_written_as_it_was(entries):
    assert decode_file(encode_file(entries)) == entries
    assert all(user.user_id.strip() and isinstance(entries, dict) for user in approved_in(entries))
    assert all(request.user_id and request.code_hash and request.salt for request in pending_in(entries))
    assert all(number_in(entries, key) is None or number_in(entries, key) == entries[key] for key in entries)


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_a_bad_file(data):
    with suppress(BadPairingFile):
        assert isinstance(decode_file(data), dict)
