"""What the outbox worker does with what is to be said: in order, side by side, again, or not at all."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count, pairwise

import pytest
import trio

from hermes_trio.adapter_api import (
    AdapterError,
    Capabilities,
    ChatGone,
    ChatMigrated,
    CredentialRefused,
    MarkupRefused,
    MediaKind,
    NotModified,
    OutgoingMedia,
    OutgoingText,
    RateLimited,
    Refused,
    SentMessage,
    Unreachable,
)
from hermes_trio.delivery.outbox_worker import LONGEST_PAUSE, SEND_SECONDS, serve_outbox
from hermes_trio.delivery.parts import encode_markdown, encode_media, encode_removal, encode_text
from hermes_trio.errors import StoreError
from hermes_trio.store import outbox
from hermes_trio.store.outbox import NewOutboxRow
from hermes_trio.testing.clock import MovingClock
from tests.tools.files_rig import open_agents

EVERYTHING = Capabilities(
    text_limit=200,
    render=lambda document: "<p>marked up</p>",
    edits=True,
    deletes=True,
    media=frozenset(MediaKind),
    caption_limit=100,
)
LABEL = "(possibly sent before)"
DAY = 86_400.0


@dataclass
class FakeAdapter:
    """Does what it is asked in ``seconds``; ``failures`` are raised by the next calls to a chat, None lets one pass."""

    capabilities: Capabilities = EVERYTHING
    seconds: float = 0.0
    failures: dict[str, list[Exception | None]] = field(default_factory=dict)
    calls: list[tuple[float, str, str, str]] = field(default_factory=list)
    texts: list[OutgoingText] = field(default_factory=list)
    media: list[OutgoingMedia] = field(default_factory=list)

    def fail(self, *failures: Exception | None, chat: str = "1") -> None:
        self.failures.setdefault(chat, []).extend(failures)

    def times(self, chat: str = "1") -> list[float]:
        return [round(at, 3) for at, _, where, _ in self.calls if where == chat]

    def said(self, chat: str = "1") -> list[str]:
        return [what for _, verb, where, what in self.calls if where == chat and verb == "send"]

    async def send(self, target, text):
        self.texts.append(text)
        await self._call("send", target, text.text)
        return SentMessage(f"m{len(self.calls)}")

    async def edit(self, target, message_id, text):
        self.texts.append(text)
        await self._call("edit", target, f"{message_id}: {text.text}")

    async def delete(self, target, message_id):
        await self._call("delete", target, message_id)

    async def upload(self, target, media):
        self.media.append(media)
        await self._call("upload", target, media.name)
        return SentMessage(f"m{len(self.calls)}")

    async def _call(self, verb, target, what):
        self.calls.append((trio.current_time(), verb, target.chat_id, what))
        await trio.sleep(self.seconds)
        failures = self.failures.get(target.chat_id)
        failure = failures.pop(0) if failures else None
        if failure is not None:
            raise failure


@dataclass
class FakeSenders:
    """The bots that are connected now."""

    connected: dict[tuple[str, str], FakeAdapter] = field(default_factory=dict)
    event: trio.Event = field(default_factory=trio.Event)
    sent: int = 0

    def find(self, transport_profile, platform):
        return self.connected.get((transport_profile, platform))

    async def changed(self):
        await self.event.wait()

    def note_sent(self, transport_profile, platform):
        self.sent += 1

    def change(self, adapter: FakeAdapter | None, profile: str = "ada") -> None:
        if adapter is None:
            self.connected.pop((profile, "paper"), None)
        else:
            self.connected[profile, "paper"] = adapter
        event, self.event = self.event, trio.Event()
        event.set()


@dataclass
class Post:
    """A profile with an outbox, its worker, and its bot."""

    scope: object
    senders: FakeSenders
    adapter: FakeAdapter
    numbers: count = field(default_factory=count)

    async def put(self, *contents: str, chat: str = "1", profile: str = "ada", kind: str = "reply", **more) -> None:
        rows = [
            NewOutboxRow(
                profile, "paper", chat, "agent:ada:paper:dm:1", kind, content, f"k{next(self.numbers)}", **more
            )
            for content in contents
        ]
        await outbox.enqueue(self.scope, rows)

    async def say(self, *texts: str, chat: str = "1", **more) -> None:
        await self.put(*(encode_text(OutgoingText(text, f"<p>{text}</p>")) for text in texts), chat=chat, **more)

    async def states(self) -> list[str]:
        def read(connection):
            return [state for (state,) in connection.execute("SELECT state FROM trio_outbox ORDER BY id")]

        return await self.scope.db.read(read)

    async def errors(self) -> list[str]:
        return [row.last_error for row in await outbox.failed(self.scope)]

    @asynccontextmanager
    async def served(self):
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_outbox, self.scope, self.senders)
            yield
            nursery.cancel_scope.cancel()


@pytest.fixture
async def post(tmp_path):
    """A post whose worker does not run yet."""
    async with open_agents(tmp_path / "hermes", "ada", clock=MovingClock()) as (agent,):
        adapter, senders = FakeAdapter(), FakeSenders()
        senders.change(adapter)
        yield Post(agent.scope, senders, adapter)


async def test_what_a_chat_is_told_comes_in_the_order_in_which_it_was_said(post, autojump_clock):
    post.adapter.seconds = 1.0
    await post.say("one", "two")
    async with post.served():
        await post.say("three")
        await trio.sleep(10)
    assert post.adapter.said() == ["one", "two", "three"]
    assert post.adapter.times() == [0.0, 1.0, 2.0]
    assert await post.states() == ["sent"] * 3


async def test_chats_are_told_side_by_side(post, autojump_clock):
    post.adapter.seconds = 1.0
    for chat in "12345":
        await post.say("one", "two", chat=chat)
    async with post.served():
        await trio.sleep(10)
    assert [post.adapter.times(chat) for chat in "12345"] == [[0.0, 1.0]] * 5


async def test_a_chat_in_trouble_holds_up_no_other(post, autojump_clock):
    post.adapter.fail(*[Unreachable("no network")] * 5, chat="1")
    async with post.served():
        await post.say("one", "two", chat="1")
        await post.say("other", chat="2")
        await trio.sleep(1)
        assert post.adapter.said("2") == ["other"]
        await trio.sleep(100)
        assert post.adapter.said("1") == ["one"] * 6 + ["two"]


async def test_pauses_between_tries_grow_up_to_five_minutes(post, autojump_clock):
    post.adapter.fail(*[Unreachable("no network")] * 14)
    async with post.served():
        await post.say("one")
        await trio.sleep(2 * 3600)
    pauses = [later - earlier for earlier, later in pairwise(post.adapter.times())]
    assert pauses == pytest.approx([min(LONGEST_PAUSE, 2.0**tries) for tries in range(14)], rel=0.21)
    assert await post.states() == ["sent"]


async def test_what_becomes_due_just_after_a_look_is_not_forgotten(post, autojump_clock):
    async with post.served():
        at = post.scope.clock.now()
        await post.say("one", not_before=at + 5)
        await post.say("other", chat="2", not_before=at + 5.0001)
        await trio.sleep(60)
    assert post.adapter.said("2") == ["other"]


async def test_the_pause_that_the_platform_asks_for_is_kept(post, autojump_clock):
    post.adapter.fail(RateLimited("slower", retry_after=17.0))
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert post.adapter.times() == [0.0, 17.0]


async def test_a_part_that_may_have_arrived_says_so_when_it_is_sent_again(post, autojump_clock):
    post.adapter.fail(Unreachable("cut off", may_have_arrived=True), Unreachable("no network"))
    async with post.served():
        await post.say("one", "two")
        await trio.sleep(60)
    assert post.adapter.said() == ["one", f"{LABEL}\none", f"{LABEL}\none", "two"]


async def test_a_part_that_cannot_have_arrived_says_nothing(post, autojump_clock):
    post.adapter.fail(Unreachable("no network"))
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert post.adapter.said() == ["one", "one"]


async def test_a_platform_that_knows_keys_gets_the_same_part_and_key_again(post, autojump_clock):
    post.adapter.capabilities = replace(EVERYTHING, idempotent_sends=True)
    post.adapter.fail(Unreachable("cut off", may_have_arrived=True))
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert post.adapter.texts[0] == post.adapter.texts[1]
    assert post.adapter.texts[0].idempotency_key == "k0"


async def test_a_file_that_may_have_arrived_says_so_below_it(post, autojump_clock, tmp_path):
    file = tmp_path / "out.txt"
    file.write_text("x")
    post.adapter.fail(Unreachable("cut off", may_have_arrived=True))
    async with post.served():
        await post.put(encode_media(OutgoingMedia(MediaKind.DOCUMENT, file, "out.txt")), kind="media")
        await trio.sleep(60)
    first, second = post.adapter.media
    assert first.caption is None
    assert second.caption is not None
    assert second.caption.text == LABEL


async def test_markup_that_the_platform_cannot_read_is_left_out(post, autojump_clock):
    post.adapter.fail(MarkupRefused("bad entity"))
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert [text.formatted for text in post.adapter.texts] == ["<p>one</p>", None]
    assert await post.states() == ["sent"]


async def test_a_message_that_has_been_growing_is_edited_to_its_end(post, autojump_clock):
    async with post.served():
        await post.put(encode_text(OutgoingText("all of it"), edit="m7"))
        await trio.sleep(60)
    assert [(verb, what) for _, verb, _, what in post.adapter.calls] == [("edit", "m7: all of it")]


async def test_an_edit_that_would_change_nothing_is_done(post, autojump_clock):
    post.adapter.fail(NotModified("the same"))
    async with post.served():
        await post.put(encode_text(OutgoingText("all of it"), edit="m7"))
        await trio.sleep(60)
    assert await post.states() == ["sent"]
    assert len(post.adapter.calls) == 1


async def test_a_message_that_is_gone_is_sent_anew(post, autojump_clock):
    post.adapter.fail(Refused("message not found"))
    async with post.served():
        await post.put(encode_text(OutgoingText("all of it"), edit="m7"))
        await trio.sleep(60)
    assert [(verb, what) for _, verb, _, what in post.adapter.calls] == [
        ("edit", "m7: all of it"),
        ("send", "all of it"),
    ]
    assert await post.states() == ["sent"]


async def test_what_was_sent_instead_of_an_edit_and_may_have_arrived_says_so(post, autojump_clock):
    gone = Refused("message not found")
    post.adapter.fail(gone, Unreachable("cut off", may_have_arrived=True), gone)
    async with post.served():
        await post.put(encode_text(OutgoingText("all of it"), edit="m7"))
        await trio.sleep(60)
    assert post.adapter.said() == ["all of it", f"{LABEL}\nall of it"]


@pytest.mark.parametrize("error", [Refused("too many emoji"), ChatGone("blocked")])
async def test_what_fails_for_good_is_recorded_and_the_next_part_follows(post, autojump_clock, error):
    post.adapter.fail(error)
    async with post.served():
        await post.say("one", "two")
        await trio.sleep(60)
    assert post.adapter.said() == ["one", "two"]
    assert await post.states() == ["failed", "sent"]
    assert [error.code in (await post.errors())[0]] == [True]


async def test_a_refused_credential_fails_no_message(post, autojump_clock):
    post.adapter.fail(CredentialRefused("revoked"))
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert await post.states() == ["sent"]


async def test_an_answer_is_given_up_after_a_day(post, autojump_clock):
    post.adapter.fail(*[Unreachable("no network")] * 1000)
    async with post.served():
        await post.say("one", "two")
        await trio.sleep(DAY + 2 * LONGEST_PAUSE)
        assert (await post.states())[0] == "failed"


async def test_a_chat_that_has_moved_gets_all_that_waits_for_it(post, autojump_clock):
    post.adapter.fail(ChatMigrated("moved", new_chat_id="-100"))
    async with post.served():
        await post.say("one", "two")
        await trio.sleep(60)
    assert post.adapter.said("1") == ["one"]
    assert post.adapter.said("-100") == ["one", "two"]
    assert await post.states() == ["sent", "sent"]


async def test_what_is_said_while_the_bot_is_away_waits_for_it(post, autojump_clock):
    post.senders.change(None)
    async with post.served():
        await post.say("one")
        await trio.sleep(3600)
        assert post.adapter.calls == []
        post.senders.change(post.adapter)
        await trio.sleep(1)
    assert post.adapter.said() == ["one"]


async def test_a_bot_that_is_away_is_replaced_by_no_other(post, autojump_clock):
    other = FakeAdapter()
    async with post.served():
        await post.say("one", profile="bea")
        await trio.sleep(10)
        assert post.adapter.calls == []
        post.senders.change(other, "bea")
        await trio.sleep(10)
    assert other.said() == ["one"]
    assert post.adapter.calls == []


async def test_a_bot_that_is_away_holds_up_no_other(post, autojump_clock):
    async with post.served():
        for number in range(200):
            await post.say("waits", profile="bea", chat=str(number))
        await post.say("one", chat="1")
        await trio.sleep(1)
    assert post.adapter.said() == ["one"]


async def test_a_store_that_cannot_note_what_was_sent_leads_to_no_second_message(post, autojump_clock, monkeypatch):
    real, failed = outbox.mark_sent, []

    async def full(*args):
        await trio.lowlevel.checkpoint()
        if len(failed) < 3:
            failed.append(trio.current_time())
            raise StoreError("the disk is full")
        await real(*args)

    monkeypatch.setattr(outbox, "mark_sent", full)
    async with post.served():
        await post.say("one", "two")
        await trio.sleep(60)
    assert post.adapter.said() == ["one", "two"]
    assert post.adapter.times()[1] >= 15
    assert await post.states() == ["sent", "sent"]


async def test_a_store_that_cannot_note_what_is_being_sent_sends_nothing_yet(post, autojump_clock, monkeypatch):
    real, failed = outbox.mark_sending, []

    async def full(*args):
        await trio.lowlevel.checkpoint()
        if len(failed) < 3:
            failed.append(trio.current_time())
            raise StoreError("the disk is full")
        return await real(*args)

    monkeypatch.setattr(outbox, "mark_sending", full)
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert post.adapter.said() == ["one"]
    assert post.adapter.times()[0] >= 15


async def test_an_outbox_that_cannot_be_read_is_read_again(post, autojump_clock, monkeypatch):
    real, failed = outbox.due, []

    async def full(*args):
        if len(failed) < 2:
            failed.append(trio.current_time())
            raise StoreError("the disk is gone")
        return await real(*args)

    monkeypatch.setattr(outbox, "due", full)
    async with post.served():
        await post.say("one")
        await trio.sleep(60)
    assert post.adapter.said() == ["one"]


async def test_what_is_being_sent_when_the_worker_ends_is_sent_again_and_says_so(post, autojump_clock):
    post.adapter.seconds = 5.0
    async with post.served():
        await post.say("one", "two")
        await trio.sleep(2)
    assert await post.states() == ["sending", "pending"]
    assert await outbox.recover(post.scope) == 1
    async with post.served():
        await trio.sleep(30)
    assert post.adapter.said() == ["one", f"{LABEL}\none", "two"]


async def test_a_platform_that_never_answers_is_asked_again_after_a_minute(post, autojump_clock):
    post.adapter.seconds = 1e6
    async with post.served():
        await post.say("one")
        await trio.sleep(SEND_SECONDS + 0.5)
        post.adapter.seconds = 0.0
        await trio.sleep(60)
    assert post.adapter.said() == ["one", f"{LABEL}\none"]


async def test_an_adapter_that_crashes_harms_its_own_part_only(post, autojump_clock):
    post.adapter.fail(*[ZeroDivisionError("foreign")] * 10, chat="1")
    async with post.served():
        await post.say("one", chat="1")
        await post.say("other", chat="2")
        await trio.sleep(60)
        assert post.adapter.said("2") == ["other"]
        assert await post.states() == ["failed", "sent"]
        assert len(post.adapter.said("1")) == 3
        post.adapter.failures.clear()
        await post.say("next", chat="1")
        await trio.sleep(1)
    assert post.adapter.said("1")[-1] == "next"


async def test_a_surplus_message_is_removed(post, autojump_clock):
    async with post.served():
        await post.put(encode_removal("m7"))
        await trio.sleep(1)
    assert [(verb, what) for _, verb, _, what in post.adapter.calls] == [("delete", "m7")]
    assert await post.states() == ["sent"]


async def test_a_surplus_message_stays_where_nothing_can_be_removed(post, autojump_clock):
    post.adapter.capabilities = replace(EVERYTHING, deletes=False)
    async with post.served():
        await post.put(encode_removal("m7"))
        await trio.sleep(1)
    assert post.adapter.calls == []
    assert await post.states() == ["sent"]


async def test_what_hermes_agent_owes_is_composed_when_it_is_sent(post, autojump_clock):
    async with post.served():
        await post.put(encode_markdown("word " * 200), may_have_arrived=True)
        await trio.sleep(10)
    said = post.adapter.said()
    assert len(said) >= 3
    assert said[0].startswith(LABEL)
    assert all(len(text) <= EVERYTHING.text_limit for text in said)
    keys = [text.idempotency_key for text in post.adapter.texts]
    assert keys == [f"k0:{number}" for number in range(len(said))]


async def test_a_part_that_nobody_can_read_holds_up_nothing(post, autojump_clock):
    async with post.served():
        await post.put('{"type": "riddle"}')
        await post.say("two")
        await trio.sleep(10)
    assert post.adapter.said() == ["two"]
    assert await post.states() == ["failed", "sent"]


async def test_nothing_wakes_the_worker_when_nothing_is_due(post, autojump_clock):
    async with post.served():
        await post.say("one")
        await trio.sleep(10)
        reads = post.scope.db.changes.count(outbox.TOPIC)
        await trio.sleep(3600)
        assert post.scope.db.changes.count(outbox.TOPIC) == reads


async def test_an_error_of_the_platform_shows_in_the_row(post, autojump_clock):
    post.adapter.fail(AdapterError("odd", code="odd_platform"))
    async with post.served():
        await post.say("one")
        await trio.sleep(0.5)

        def read(connection):
            return connection.execute("SELECT last_error FROM trio_outbox").fetchone()[0]

        assert (await post.scope.db.read(read)).startswith("odd_platform: ")


async def test_what_waits_for_a_bot_is_sent_when_that_comes_back(post, autojump_clock):
    post.senders.change(None)
    async with post.served():
        await post.say("hello")
        await trio.sleep(10)
        assert post.adapter.said() == []
        post.senders.change(post.adapter)
        await trio.sleep(1)
    assert post.adapter.said() == ["hello"]


async def test_bots_of_other_profiles_come_and_go_without_a_look_at_the_outbox(post, autojump_clock):
    async with post.served():
        await post.say("hello")
        await trio.sleep(10)
        looks = post.scope.db.changes.count(outbox.TOPIC)
        for _ in range(10):
            post.senders.change(FakeAdapter(), profile="bob")
            await trio.sleep(1)
        assert post.scope.db.changes.count(outbox.TOPIC) == looks
