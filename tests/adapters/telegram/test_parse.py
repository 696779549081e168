from __future__ import annotations

import msgspec
import pytest

from hermes_trio.adapter_api import Attachment, MediaKind, QuotedMessage
from hermes_trio_adapters.telegram.parse import parse_message, parse_press
from hermes_trio_adapters.telegram.wire import CallbackQuery, Message, User

BOT = User(42, is_bot=True, first_name="Ada", username="Ada_Bot")
ALICE = {"id": 7, "is_bot": False, "first_name": "Alice", "last_name": "Ant", "username": "alice"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Alice", "last_name": "Ant"}
GROUP = {"id": -100, "type": "supergroup", "title": "Team"}
FORUM = {**GROUP, "is_forum": True}
CHANNEL = {"id": -200, "type": "channel", "title": "News"}


def wire(**fields):
    given = {"message_id": 5, "date": 1000, "chat": PRIVATE, "from": ALICE, **fields}
    return msgspec.convert({name: value for name, value in given.items() if value is not None}, Message)


def parse(*, is_edit=False, **fields):
    return parse_message(wire(**fields), BOT, is_edit=is_edit)


def entities(text, *marks):
    """Entities over parts of a text, with offsets as Telegram counts them."""
    found = []
    for kind, part, *more in marks:
        offset = len(text[: text.index(part)].encode("utf-16-le")) // 2
        entity = {"type": kind, "offset": offset, "length": len(part.encode("utf-16-le")) // 2}
        found.append(entity | (more[0] if more else {}))
    return found


def speak(text, *marks, chat=GROUP, **fields):
    return parse(text=text, entities=entities(text, *marks), chat=chat, **fields)


def test_a_private_message():
    message = parse(text="hello")
    assert message.text == "hello"
    assert (message.message_id, message.at, message.is_edit) == ("5", 1000.0, False)
    source = message.source
    assert (source.platform, source.chat_type, source.chat_id, source.thread_id) == ("telegram", "dm", "7", None)
    assert (source.user_id, source.user_name, source.chat_name, source.is_bot) == ("7", "Alice Ant", "Alice Ant", False)


@pytest.mark.parametrize(
    ("kind", "chat_type"), [("private", "dm"), ("group", "group"), ("supergroup", "group"), ("channel", "channel")]
)
def test_kinds_of_chats(kind, chat_type):
    assert parse(text="x", chat={"id": 1, "type": kind}).source.chat_type == chat_type


def test_an_edit_has_the_time_of_the_edit():
    message = parse(text="x", edit_date=2000, is_edit=True)
    assert message.is_edit
    assert message.at == 2000


@pytest.mark.parametrize(
    ("chat", "fields", "thread"),
    [
        (FORUM, {"is_topic_message": True, "message_thread_id": 9}, "9"),
        (FORUM, {}, "1"),
        (FORUM, {"message_thread_id": 77}, "1"),  # a reply within General
        (GROUP, {"message_thread_id": 77}, None),  # a reply in a group without topics
        (GROUP, {"is_topic_message": True, "message_thread_id": 9}, None),  # topics were switched off
        (PRIVATE, {"is_topic_message": True, "message_thread_id": 9}, "9"),
        (PRIVATE, {}, None),
    ],
)
def test_topics(chat, fields, thread):
    assert parse(text="x", chat=chat, **fields).source.thread_id == thread


def test_the_first_message_of_a_topic_is_no_quote():
    created = {"message_id": 9, "date": 1, "chat": FORUM, "forum_topic_created": {"name": "T"}}
    message = parse(text="x", chat=FORUM, is_topic_message=True, message_thread_id=9, reply_to_message=created)
    assert message.quoted is None


def test_a_channel_post_is_the_channels():
    message = parse_message(wire(text="x", chat=CHANNEL, sender_chat=CHANNEL, **{"from": None}), BOT)
    assert (message.source.user_id, message.source.user_name) == ("-200", "News")


def test_an_anonymous_admin_is_the_group_and_no_bot():
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    source = parse(text="x", chat=GROUP, sender_chat=GROUP, **{"from": anonymous}).source
    assert (source.user_id, source.user_name, source.is_bot) == ("-100", "Team", False)


def test_another_bot_is_a_bot():
    assert parse(text="x", **{"from": {**ALICE, "is_bot": True}}).source.is_bot


def test_the_bots_own_messages_are_passed_over():
    assert parse(text="x", **{"from": {"id": 42, "is_bot": True}}) is None


@pytest.mark.parametrize(
    "service",
    [
        {"new_chat_members": [ALICE]},
        {"left_chat_member": ALICE},
        {"pinned_message": {"message_id": 1, "date": 0, "chat": GROUP}},
        {"forum_topic_created": {"name": "T"}},
        {"something_new": {"of": ["the", "future"]}},
    ],
)
def test_service_messages_are_passed_over(service):
    assert parse(chat=GROUP, **service) is None


@pytest.mark.parametrize(
    ("text", "named", "left"),
    [
        ("@ada_bot hello", "@ada_bot", "hello"),
        ("@ADA_BOT, hello", "@ADA_BOT", "hello"),
        ("hey 😀 @ada_bot what is 𝒳", "@ada_bot", "hey 😀 what is 𝒳"),
        ("hey @ada_bot, help", "@ada_bot", "hey, help"),
        ("what do you say @ada_bot?", "@ada_bot", "what do you say?"),
        ("@ada_bot", "@ada_bot", ""),
    ],
)
def test_a_mention_of_the_bot_is_noted_and_taken_out(text, named, left):
    message = speak(text, ("mention", named))
    assert message.mentions_us
    assert not message.mentions_other_bot
    assert message.text == left


def test_a_mention_by_link_counts_as_well():
    message = speak("Ada: hello", ("text_mention", "Ada", {"user": {"id": 42, "is_bot": True}}))
    assert (message.mentions_us, message.text) == (True, "hello")


def test_text_that_looks_like_a_mention_is_none():
    assert not speak("`@ada_bot`").mentions_us


@pytest.mark.parametrize(
    ("marks", "other"),
    [
        ([("mention", "@eve_bot")], True),
        ([("mention", "@eve_person")], False),
        ([("text_mention", "@eve_bot", {"user": {"id": 9, "is_bot": True}})], True),
        ([("text_mention", "@eve_bot", {"user": {"id": 9, "is_bot": False}})], False),
    ],
)
def test_mentions_of_others(marks, other):
    text = "@eve_bot and @eve_person"
    message = speak(text, *marks)
    assert (message.mentions_us, message.mentions_other_bot, message.text) == (False, other, text)


def test_a_command_for_this_bot_loses_the_name():
    message = speak("/new@ada_bot now", ("bot_command", "/new@ada_bot"))
    assert (message.text, message.mentions_us, message.mentions_other_bot) == ("/new now", True, False)


def test_a_command_for_another_bot_is_passed_over():
    assert speak("/new@eve_bot now", ("bot_command", "/new@eve_bot")) is None


def test_a_command_of_another_bot_within_a_text_is_a_mention_of_it():
    message = speak("try /new@eve_bot", ("bot_command", "/new@eve_bot"))
    assert (message.text, message.mentions_other_bot) == ("try /new@eve_bot", True)


def test_a_bare_command_is_for_everybody():
    message = speak("/new", ("bot_command", "/new"))
    assert (message.text, message.mentions_us, message.mentions_other_bot) == ("/new", False, False)


def test_hidden_addresses_are_written_out():
    message = speak("see here.", ("text_link", "here", {"url": "https://x.y/"}))
    assert message.text == "see here (https://x.y/)."


def test_entities_beyond_the_text_do_no_harm():
    assert parse(text="x", entities=[{"type": "mention", "offset": 50, "length": 9}]).text == "x"


def test_a_caption_is_the_text_and_the_largest_photo_the_file():
    sizes = [
        {"file_id": "small", "width": 90, "height": 90, "file_size": 900},
        {"file_id": "large", "width": 1280, "height": 900, "file_size": 9000},
        {"file_id": "middle", "width": 320, "height": 320, "file_size": 99999},
    ]
    text = "@ada_bot look"
    message = parse(photo=sizes, caption=text, caption_entities=entities(text, ("mention", "@ada_bot")))
    assert (message.text, message.mentions_us) == ("look", True)
    assert message.attachments == (Attachment(MediaKind.PHOTO, "large", "", "image/jpeg", 9000),)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("voice", MediaKind.VOICE),
        ("audio", MediaKind.AUDIO),
        ("video", MediaKind.VIDEO),
        ("video_note", MediaKind.VIDEO),
        ("document", MediaKind.DOCUMENT),
    ],
)
def test_files(field, kind):
    file = {"file_id": "F", "file_name": "a.bin", "mime_type": "a/b", "file_size": 3}
    assert parse(**{field: file}).attachments == (Attachment(kind, "F", "a.bin", "a/b", 3),)


def test_an_animation_is_one_file():
    file = {"file_id": "F", "mime_type": "video/mp4"}
    message = parse(animation=file, document=file)
    assert [each.kind for each in message.attachments] == [MediaKind.VIDEO]


def test_albums_have_an_id():
    assert parse(photo=[{"file_id": "p"}], media_group_id="99").album_id == "99"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"sticker": {"file_id": "s", "emoji": "🎉"}}, "🎉"),
        ({"sticker": {"file_id": "s"}}, "[sticker]"),
        ({"location": {"latitude": 1.5, "longitude": 2}}, "[Location: 1.5, 2.0]"),
        (
            {
                "location": {"latitude": 1.5, "longitude": 2},
                "venue": {"location": {"latitude": 1.5, "longitude": 2}, "title": "Bar", "address": "Street 1"},
            },
            "[Place: Bar, Street 1 (1.5, 2.0)]",
        ),
        ({"contact": {"phone_number": "+49", "first_name": "Bob"}}, "[Contact: Bob, +49]"),
        ({"poll": {"question": "Tea?", "options": [{"text": "yes"}, {"text": "no"}]}}, "[Poll: Tea?]\n- yes\n- no"),
        ({"dice": {"emoji": "🎲", "value": 4}}, "[🎲 4]"),
    ],
)
def test_what_is_no_text_becomes_text(fields, text):
    assert parse(**fields).text == text


def test_somebody_on_the_way_is_not_followed():
    assert parse(location={"latitude": 1, "longitude": 2}, is_edit=True) is None


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "sender_user": ALICE}, "Alice Ant"),
        ({"type": "hidden_user", "sender_user_name": "Somebody"}, "Somebody"),
        ({"type": "chat", "sender_chat": GROUP}, "Team"),
        ({"type": "channel", "chat": CHANNEL}, "News"),
        ({"type": "unknown"}, "somebody"),
    ],
)
def test_forwards_say_from_whom(origin, name):
    assert parse(text="x", forward_origin=origin).text == f"[Forwarded from {name}]\nx"


def test_a_reply_quotes():
    replied = {"message_id": 3, "date": 1, "chat": GROUP, "from": ALICE, "text": "before"}
    assert parse(text="x", chat=GROUP, reply_to_message=replied).quoted == QuotedMessage("3", "before", "Alice Ant")


def test_a_reply_to_the_bot_says_so():
    own = {"id": 42, "is_bot": True, "first_name": "Ada"}
    replied = {"message_id": 3, "date": 1, "chat": GROUP, "from": own, "photo": [{"file_id": "p"}]}
    assert parse(text="x", chat=GROUP, reply_to_message=replied).quoted == QuotedMessage("3", "[photo]", "Ada", True)


def test_a_chosen_quote_goes_before_the_whole():
    replied = {"message_id": 3, "date": 1, "chat": GROUP, "from": ALICE, "text": "a long story"}
    message = parse(text="x", chat=GROUP, reply_to_message=replied, quote={"text": "story", "position": 7})
    assert message.quoted.text == "story"


def test_a_quote_from_another_chat():
    external = {"origin": {"type": "channel", "chat": CHANNEL}, "message_id": 8}
    message = parse(text="x", external_reply=external, quote={"text": "there"})
    assert message.quoted == QuotedMessage("8", "there", "News")


def test_a_press_names_who_pressed_and_the_topic():
    query = {
        "id": "q",
        "from": ALICE,
        "data": "yes",
        "message": {
            "message_id": 3,
            "date": 1,
            "chat": FORUM,
            "from": {"id": 42, "is_bot": True},
            "is_topic_message": True,
            "message_thread_id": 9,
        },
    }
    press = parse_press(msgspec.convert(query, CallbackQuery))
    assert (press.message_id, press.data) == ("3", "yes")
    assert (press.source.user_id, press.source.chat_id, press.source.thread_id) == ("7", "-100", "9")


def test_a_press_without_its_message_is_none():
    assert parse_press(msgspec.convert({"id": "q", "from": ALICE, "data": "yes"}, CallbackQuery)) is None
