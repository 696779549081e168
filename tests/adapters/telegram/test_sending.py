from __future__ import annotations

import msgspec
import pytest
import trio

from hermes_trio.adapter_api import (
    Button,
    ChatGone,
    ChatMigrated,
    CredentialRefused,
    MarkupRefused,
    NotModified,
    OutgoingText,
    RateLimited,
    Refused,
    Target,
    Unreachable,
)
from hermes_trio.testing.telegram import FaultKind
from hermes_trio_adapters.telegram.failures import failure_of_answer
from hermes_trio_adapters.telegram.wire import Answer
from tests.adapters.telegram.rig import TOKEN, open_rig


def to(chat, thread=None):
    return Target(str(chat.id), thread)


async def test_a_text_with_markup(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        question = await alice.says(rig.bot, "?")
        text = OutgoingText("bold", "<b>bold</b>", reply_to=str(question.id), silent=True)
        sent = await rig.adapter.send(to(alice), text)
        record = rig.bot.sent[-1]
    assert sent.message_id == str(record.message_id)
    assert (record.text, record.reply_to, record.parse_mode) == ("bold", question.id, "HTML")
    assert [entity.type for entity in record.entities] == ["bold"]
    assert record.values["disable_notification"] is True


async def test_a_text_without_markup_is_sent_as_it_is(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        await rig.adapter.send(to(alice), OutgoingText("1 < 2 & *x*"))
    assert (rig.bot.sent[-1].text, rig.bot.sent[-1].parse_mode) == ("1 < 2 & *x*", "")


async def test_a_question_that_was_deleted_is_answered_all_the_same(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        await rig.adapter.send(to(alice), OutgoingText("x", reply_to="99999"))
    assert rig.bot.sent[-1].reply_to is None


async def test_link_previews_can_be_switched_off(autojump_clock):
    async with open_rig({"disable_link_previews": True}) as rig:
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        await rig.adapter.send(to(alice), OutgoingText("https://x.y"))
    assert rig.bot.sent[-1].values["link_preview_options"] == {"is_disabled": True}


async def test_topics(autojump_clock):
    async with open_rig() as rig:
        forum = rig.telegram.supergroup("Team", rig.bot, forum=True)
        topic = await forum.opens_topic("Plans")
        await rig.adapter.send(to(forum, str(topic)), OutgoingText("in a topic"))
        await rig.adapter.send(to(forum, "1"), OutgoingText("in General"))
        await rig.adapter.show_typing(to(forum, str(topic)))
        await rig.adapter.show_typing(to(forum, "1"))
        await forum.deletes_topic(topic)
        with pytest.raises(ChatGone, match="the topic does not exist"):
            await rig.adapter.send(to(forum, str(topic)), OutgoingText("too late"))
    assert [sent.thread for sent in rig.bot.sent] == [topic, None, topic, 1]
    assert all("message_thread_id" not in sent.values for sent in rig.bot.sent if sent.thread is None)


async def test_edits_and_buttons(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        buttons = ((Button("Yes", "y"), Button("No", "n")),)
        sent = await rig.adapter.send(to(alice), OutgoingText("Sure?", buttons=buttons))
        await rig.adapter.edit(to(alice), sent.message_id, OutgoingText("Sure.", "<i>Sure.</i>"))
        with pytest.raises(NotModified):
            await rig.adapter.edit(to(alice), sent.message_id, OutgoingText("Sure.", "<i>Sure.</i>"))
    first, second = rig.bot.sent
    assert first.buttons == (("Yes", "No"),)
    assert (second.text, second.buttons) == ("Sure.", ())


async def test_deleting_twice_is_fine(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        sent = await rig.adapter.send(to(alice), OutgoingText("x"))
        await rig.adapter.delete(to(alice), sent.message_id)
        await rig.adapter.delete(to(alice), sent.message_id)
        with pytest.raises(Refused, match="message to edit not found"):
            await rig.adapter.edit(to(alice), sent.message_id, OutgoingText("y"))


async def test_reactions_come_and_go(autojump_clock):
    async with open_rig(variables={"TELEGRAM_REACTIONS": "true"}) as rig:
        assert rig.adapter.capabilities.reactions
        alice = rig.telegram.user(7, "Alice")
        message = await alice.says(rig.bot, "x")
        await rig.adapter.react(to(alice), str(message.id), "👍")
        assert message.reactions[rig.bot.id] == ("👍",)
        await rig.adapter.react(to(alice), str(message.id), "")
        assert message.reactions[rig.bot.id] == ()


async def test_markup_that_telegram_cannot_read(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        with pytest.raises(MarkupRefused):
            await rig.adapter.send(to(alice), OutgoingText("x", "<b>x"))


async def test_chats_that_are_gone(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        await alice.blocks(rig.bot)
        with pytest.raises(ChatGone, match="blocked"):
            await rig.adapter.send(to(alice), OutgoingText("x"))
        with pytest.raises(ChatGone, match="chat not found"):
            await rig.adapter.send(Target("12345"), OutgoingText("x"))
        group = rig.telegram.group("Team", rig.bot)
        await group.removes(rig.bot)
        with pytest.raises(ChatGone, match="kicked"):
            await rig.adapter.send(to(group), OutgoingText("x"))


async def test_a_group_that_moved(autojump_clock):
    async with open_rig() as rig:
        group = rig.telegram.group("Team", rig.bot)
        upgraded = await group.upgrades()
        with pytest.raises(ChatMigrated) as caught:
            await rig.adapter.send(to(group), OutgoingText("x"))
    assert caught.value.new_chat_id == str(upgraded.id)


@pytest.mark.parametrize(
    ("description", "error"),
    [
        ("Bad Request: TOPIC_CLOSED", ChatGone),
        ("Bad Request: CHAT_WRITE_FORBIDDEN", ChatGone),
        ("Bad Request: not enough rights to send text messages to the chat", ChatGone),
        ("Bad Request: message is too long", Refused),
        ('Bad Request: can\'t parse entities: Unsupported start tag "x"', MarkupRefused),
    ],
)
async def test_refusals(autojump_clock, description, error):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.ERROR, method="sendMessage", status=400, description=description)
        with pytest.raises(Refused if error is Refused else error) as caught:
            await rig.adapter.send(Target("7"), OutgoingText("x"))
    assert type(caught.value) is error
    assert description in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "error", "may_have_arrived"),
    [
        (FaultKind.TOO_MANY_REQUESTS, RateLimited, False),
        (FaultKind.UNAUTHORIZED, CredentialRefused, False),
        (FaultKind.SERVER_ERROR, Unreachable, True),
        (FaultKind.BAD_GATEWAY, Unreachable, True),
        (FaultKind.MALFORMED, Unreachable, True),
        (FaultKind.DROP_BEFORE, Unreachable, True),
        (FaultKind.DROP_AFTER, Unreachable, True),
        (FaultKind.HANG, Unreachable, True),
    ],
)
async def test_faults(autojump_clock, kind, error, may_have_arrived):
    async with open_rig() as rig:
        rig.telegram.user(7, "Alice").opens(rig.bot)
        rig.telegram.inject(kind, method="sendMessage", seconds=9)
        with trio.fail_after(60), pytest.raises(error) as caught:
            await rig.adapter.send(Target("7"), OutgoingText("x"))
    assert caught.value.may_have_arrived is may_have_arrived
    assert caught.value.retry_after == (9 if error is RateLimited else None)
    assert TOKEN not in str(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize(("asked", "waited"), [("-5", 1), ("0", 1), ("7", 7), ("1e300", 86_400)])
def test_telegram_is_waited_for_as_long_as_it_asks_within_reason(asked, waited):
    answer = b'{"ok":false,"error_code":429,"description":"slow","parameters":{"retry_after":%s}}' % asked.encode()
    failure = failure_of_answer(msgspec.json.decode(answer, type=Answer), 429, "ada", "getMe")
    assert failure.retry_after == waited


async def test_a_message_that_never_left_cannot_have_arrived(autojump_clock):
    async with open_rig() as rig:

        async def refuse(*_address):
            raise ConnectionRefusedError(111, "Connection refused")

        rig.scope.http._connect = refuse
        with pytest.raises(Unreachable, match="Connection refused") as caught:
            await rig.adapter.send(Target("7"), OutgoingText("x"))
    assert not caught.value.may_have_arrived


async def test_a_kept_connection_that_dies_does_not_send_a_message_twice(autojump_clock):
    async with open_rig() as rig:
        rig.telegram.user(7, "Alice").opens(rig.bot)
        await rig.adapter.send(Target("7"), OutgoingText("one"))
        rig.telegram.inject(FaultKind.DROP_AFTER, method="sendMessage")
        with pytest.raises(Unreachable) as caught:
            await rig.adapter.send(Target("7"), OutgoingText("two"))
        await rig.adapter.send(Target("7"), OutgoingText("three"))
    assert caught.value.may_have_arrived
    assert [sent.text for sent in rig.bot.sent] == ["one", "two", "three"]


async def test_ids_that_are_not_telegrams_are_refused(autojump_clock):
    async with open_rig() as rig:
        with pytest.raises(Refused, match="not a number"):
            await rig.adapter.edit(Target("7"), "$abc:matrix", OutgoingText("x"))


async def test_broken_characters_are_refused(autojump_clock):
    async with open_rig() as rig:
        with pytest.raises(Refused, match="broken"):
            await rig.adapter.send(Target("7"), OutgoingText("\ud800"))


async def test_a_press_is_handed_over_and_answered(autojump_clock):
    async with open_rig() as rig, rig.running():
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        await rig.adapter.send(to(alice), OutgoingText("Sure?", buttons=((Button("Yes", "y"),),)))
        message = await rig.bot.next_reply(alice)
        rig.core.on_press = "Thank you"
        pressed = await alice.presses(message, "Yes")
        assert (await pressed.answer())["text"] == "Thank you"
    assert [(press.data, press.message_id) for press in rig.core.presses] == [("y", str(message.id))]


async def test_a_press_is_answered_whatever_the_core_does(autojump_clock):
    async with open_rig() as rig, rig.running():
        alice = rig.telegram.user(7, "Alice")
        alice.opens(rig.bot)
        await rig.adapter.send(to(alice), OutgoingText("Sure?", buttons=((Button("Yes", "y"),),)))
        message = await rig.bot.next_reply(alice)
        rig.core.on_press = Refused("no")
        assert (await (await alice.presses(message, "Yes")).answer())["text"] == "That did not work."
        rig.core.on_press = None  # it never answers
        pressed = await alice.presses(message, "Yes")
        await alice.says(rig.bot, "meanwhile")
        await rig.core.until(1)
        assert not pressed.is_answered
        assert "text" not in await pressed.answer(seconds=30)
