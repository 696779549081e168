"""Who may talk to which bot: the order of the rules, and that nothing of one profile counts for another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.access.approvals import NOBODY, ApprovedUsers
from hermes_trio.access.authorize import authorize, check_access
from hermes_trio.access.pairing import approve, issue_code
from hermes_trio.home.platform_config import AccessConfig, PlatformConfig
from tests.access.rig import direct, group, open_bots, write_approved

NOTHING = AccessConfig()
PAIRED = ApprovedUsers(frozenset({"1"}))


class Scope:
    """All that `authorize` reads of a scope."""

    def __init__(self, access: AccessConfig, name: str = "b") -> None:
        self.name = name
        self.config = self
        self.platforms = {"telegram": PlatformConfig("telegram", access=access)}


def decide(access, source, approved=NOBODY, **more):
    found = authorize(Scope(access), source, approved, **more)
    return found.allowed, found.reason.value


def users(*ids: str, **more: object) -> AccessConfig:
    return AccessConfig(allowed_users=frozenset(ids), any_list=True, **more)


# What each source of a user who is allowed on A gets from A's bot and from B's. B has a list with somebody else on it.
SEAMS = {
    "first message": direct("1"),
    "follow-up in a thread": direct("1", thread_id="9"),
    "message in a group": group("1"),
    "message in a topic": group("1", thread_id="7"),
    "button in a group": group("1", chat_id="-200"),
    "channel post": group("1", chat_type="channel"),
    "thread with a chat of its own": group("1", chat_type="thread", parent_chat_id="-100"),
    "with a role that is allowed on A": direct("1", roles=("77",)),
    "with a second id": direct("1", user_id_alt="2"),
    "second id of somebody allowed there": group("1", user_id_alt="2", chat_id="2"),
    "with a name of somebody allowed there": direct("1", user_name="2", chat_name="2"),
    "in a guild that is called like somebody allowed": group("1", guild_id="2"),
}
RULES_OF_A = {
    "list": users("1"),
    "everybody": AccessConfig(allow_all_users=True, allowed_roles=frozenset({"77"})),
    "star": users("*"),
    "groups and people": users("1", group_allowed_users=frozenset({"1"}), group_allowed_chats=frozenset({"-100"})),
}


@pytest.mark.parametrize("rules", RULES_OF_A.values(), ids=RULES_OF_A)
@pytest.mark.parametrize("source", SEAMS.values(), ids=SEAMS)
async def test_whoever_is_allowed_on_a_alone_is_refused_by_b_at_every_seam(tmp_path, rules, source):
    async with open_bots(tmp_path, {"a": rules, "b": users("2")}) as bots:
        assert (await check_access(bots["a"], source)).allowed
        refused = await check_access(bots["b"], source)
    assert (refused.allowed, refused.reason.value) == (False, "not_on_list")
    assert "profile 'b'" in refused.text


@pytest.mark.parametrize("source", SEAMS.values(), ids=SEAMS)
async def test_a_pairing_on_a_opens_nothing_on_b(tmp_path, source):
    async with open_bots(tmp_path, {"a": NOTHING, "b": NOTHING}) as bots:
        code = issue_code(bots.places("a"), "telegram", "1", "Ada", bots.clock.now())
        approve(bots.places("a"), "telegram", code, bots.clock.now())
        assert (await check_access(bots["a"], source)).reason.value == "paired"
        assert not (await check_access(bots["b"], source)).allowed


async def test_equal_ids_on_two_profiles_are_two_people_with_their_own_rights(tmp_path):
    async with open_bots(tmp_path, {"default": NOTHING, "b": NOTHING}) as bots:
        write_approved(bots.home.root / "platforms" / "pairing", "1")
        write_approved(bots.home.profile("b").root / "platforms" / "pairing", "2")
        answers = {
            (profile, user): (await check_access(bots[profile], direct(user))).allowed
            for profile in ("default", "b")
            for user in ("1", "2")
        }
    assert answers == {("default", "1"): True, ("default", "2"): False, ("b", "1"): False, ("b", "2"): True}


async def test_a_platform_without_settings_lets_nobody_in(tmp_path):
    async with open_bots(tmp_path, {"b": AccessConfig(allow_all_users=True)}) as bots:
        assert not (await check_access(bots["b"], direct("1", platform="slack"))).allowed


@pytest.mark.parametrize(
    ("access", "source", "approved", "expected"),
    [
        # 1: authenticated otherwise
        (NOTHING, direct(None, platform="webhook"), NOBODY, (True, "platform_trusted")),
        (NOTHING, direct(None, platform="homeassistant"), NOBODY, (True, "platform_trusted")),
        (NOTHING, direct("1", platform="relay", is_bot=True), NOBODY, (True, "platform_trusted")),
        # 2: the chat
        (AccessConfig(group_allowed_chats=frozenset({"-100"})), group(None), NOBODY, (True, "group_chat_allowed")),
        (AccessConfig(group_allowed_chats=frozenset({"*"})), group("9"), NOBODY, (True, "group_chat_allowed")),
        (
            AccessConfig(group_allowed_chats=frozenset({"-100"})),
            group("9", is_bot=True),
            NOBODY,
            (True, "group_chat_allowed"),
        ),
        (
            AccessConfig(group_allowed_chats=frozenset({"-100"})),
            group("9", "-7", parent_chat_id="-100"),
            NOBODY,
            (True, "group_chat_allowed"),
        ),
        (AccessConfig(group_allowed_chats=frozenset({"-200"})), group("9"), NOBODY, (False, "no_list")),
        (AccessConfig(group_allowed_chats=frozenset({"*", "1"})), direct("1"), NOBODY, (False, "no_list")),
        (AccessConfig(group_allowed_chats=frozenset({"*"})), group("9", None), NOBODY, (False, "no_list")),
        # 3: bots
        (users("9"), group("9", is_bot=True), NOBODY, (False, "bot_not_allowed")),
        (AccessConfig(allow_all_users=True), group("1", is_bot=True), PAIRED, (False, "bot_not_allowed")),
        (AccessConfig(allow_bots="mentions"), group("9", is_bot=True), NOBODY, (True, "bot_allowed")),
        (AccessConfig(allow_bots="all"), direct("9", is_bot=True), NOBODY, (True, "bot_allowed")),
        (AccessConfig(allow_bots="yes"), direct("9", is_bot=True), NOBODY, (False, "bot_not_allowed")),
        # 4: nobody
        (AccessConfig(allow_all_users=True), direct(None), NOBODY, (False, "no_user_id")),
        (users("*"), direct(" "), NOBODY, (False, "no_user_id")),
        # 5: everybody
        (users("2", allow_all_users=True), direct("1"), NOBODY, (True, "allow_all")),
        # 6: a role
        (users("2", allowed_roles=frozenset({"77"})), direct("1", roles=("5", "77")), NOBODY, (True, "role")),
        (users("2", allowed_roles=frozenset({"77"})), direct("1", roles=("7",)), NOBODY, (False, "not_on_list")),
        (users("2", allowed_roles=frozenset({"", "*"})), direct("1", roles=("", "9")), NOBODY, (False, "not_on_list")),
        (users("2"), direct("1", roles=("77",)), NOBODY, (False, "not_on_list")),
        # 7: paired
        (users("2"), direct("1"), PAIRED, (True, "paired")),
        (users("2"), direct("12"), PAIRED, (False, "not_on_list")),
        # 8: lists
        (users("1"), direct("1"), NOBODY, (True, "allowlist")),
        (users("1"), direct(1), NOBODY, (True, "allowlist")),
        (users("491"), direct("491@s.whatsapp.net"), NOBODY, (True, "allowlist")),
        (users("491@s.whatsapp.net"), direct("491"), NOBODY, (False, "not_on_list")),
        (users("@ada:example.org"), direct("@ada:example.org"), NOBODY, (True, "allowlist")),
        (users("*"), direct("1"), NOBODY, (True, "allowlist")),
        (users("11"), direct("1"), NOBODY, (False, "not_on_list")),
        (users("2", group_allowed_users=frozenset({"1"})), group("1"), NOBODY, (True, "allowlist")),
        (users("2", group_allowed_users=frozenset({"1"})), direct("1"), NOBODY, (False, "not_on_list")),
        (users("2", group_allowed_users=frozenset({"*"})), direct("1"), NOBODY, (False, "not_on_list")),
        (NOTHING, direct("1"), NOBODY, (False, "no_list")),
        (AccessConfig(dm_policy="allowlist"), direct("1"), NOBODY, (False, "no_list")),
        (AccessConfig(dm_policy="open"), direct("1"), NOBODY, (False, "no_list")),
    ],
)
def test_the_first_rule_that_decides_counts(access, source, approved, expected):
    assert decide(access, source, approved) == expected


def test_an_adapter_that_keeps_its_own_list_has_decided_where_there_is_no_other():
    policy = AccessConfig(dm_policy="allowlist")
    assert decide(policy, direct("1"), adapter_decides=True) == (True, "adapter_policy")
    assert decide(policy, group("1"), adapter_decides=True) == (False, "no_list")
    assert decide(replace(policy, any_list=True), direct("1"), adapter_decides=True) == (False, "not_on_list")
    assert decide(NOTHING, direct("1"), adapter_decides=True) == (False, "no_list")


def test_a_list_counts_even_where_nobody_says_that_there_is_one():
    assert decide(AccessConfig(allowed_users=frozenset({"2"})), direct("1")) == (False, "not_on_list")


blanks = st.sampled_from([None, "", " ", "\t", "\n "])
ids = st.one_of(st.text(max_size=6), st.sampled_from(["1", "@", "*", "@x", "1@x", "None", "a b"]))
entries = st.frozensets(st.one_of(ids, st.just("")), max_size=4)
rules = st.builds(
    AccessConfig,
    allowed_users=entries,
    group_allowed_users=entries,
    allow_all_users=st.booleans(),
    allowed_roles=entries,
    any_list=st.booleans(),
    dm_policy=st.sampled_from(["", "open", "allowlist"]),
    group_policy=st.sampled_from(["", "open", "allowlist"]),
)
places = st.sampled_from(["dm", "group", "channel", "thread"])


@given(rules, entries, blanks, places, st.booleans())
def test_an_empty_id_is_never_let_in(access, approved, user, chat_type, adapter_decides):
    source = direct(user, chat_type=chat_type, roles=tuple(access.allowed_roles))
    found = authorize(Scope(access), source, ApprovedUsers(approved), adapter_decides=adapter_decides)
    assert (found.allowed, found.reason.value) == (False, "no_user_id")


@given(rules, entries, ids.filter(str.strip), places)
def test_empty_entries_of_lists_let_nobody_in(access, approved, user, chat_type):
    source = direct(user, chat_type=chat_type)
    cleaned = replace(
        access, allowed_users=access.allowed_users - {""}, group_allowed_users=access.group_allowed_users - {""}
    )
    with_blanks = replace(
        access, allowed_users=access.allowed_users | {""}, group_allowed_users=access.group_allowed_users | {""}
    )
    strict = authorize(Scope(cleaned), source, ApprovedUsers(approved - {""}))
    assert authorize(Scope(with_blanks), source, ApprovedUsers(approved | {""})).allowed == strict.allowed


@given(rules, entries, ids.filter(str.strip), places, blanks)
def test_a_chat_that_is_not_named_is_no_allowed_chat(access, approved, user, chat_type, chat):
    named = replace(access, group_allowed_chats=frozenset({"", "None", "*"}))
    source = direct(user, chat_type=chat_type, chat_id=chat, parent_chat_id=chat)
    approvals = ApprovedUsers(approved)
    assert authorize(Scope(named), source, approvals) == authorize(Scope(access), source, approvals)


@given(rules, entries, ids, places)
def test_a_person_is_let_in_by_a_rule_that_names_them_or_everybody_and_by_nothing_else(
    access, approved, user, chat_type
):
    found = authorize(Scope(access), direct(user, chat_type=chat_type), ApprovedUsers(approved))
    text = user.strip()
    names = {text, text.partition("@")[0].strip(), "*"} - {""}
    lists = access.allowed_users | (frozenset() if chat_type == "dm" else access.group_allowed_users)
    named = bool(names & lists) or text in approved or access.allow_all_users
    assert found.allowed == (bool(text) and named)
