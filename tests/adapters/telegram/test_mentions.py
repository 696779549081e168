from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.testing.telegram.entities import RichText, utf16_length, with_found_entities
from hermes_trio_adapters.telegram.mentions import read_addressed
from hermes_trio_adapters.telegram.wire import MessageEntity, User

BOT = User(42, is_bot=True, username="ada_bot")
AROUND = st.text(st.sampled_from("ab 😀漢𝒳,.!?\n"), max_size=12)


def entities_of(text: str) -> list[MessageEntity]:
    found = with_found_entities(RichText(text)).entities
    return [MessageEntity(entity.type, entity.offset, entity.length) for entity in found]


@given(AROUND, AROUND)
def test_a_mention_is_taken_out_wherever_it_stands_and_no_word_with_it(before, after):
    text = f"{before} @Ada_Bot {after}"
    read = read_addressed(text, entities_of(text), BOT)
    assert read.us
    assert "@" not in read.text

    def words(value: str) -> str:
        return "".join(value.split())

    # A comma or colon after a name at the very beginning goes with it.
    assert words(read.text) in (words(before + after), words(before + after)[1:])


@given(st.text(), st.lists(st.tuples(st.integers(-3, 40), st.integers(-3, 40))))
def test_wrong_entities_do_no_harm(text, places):
    kinds = ("mention", "bot_command", "text_mention", "text_link", "bold")
    entities = [
        MessageEntity(kind, offset, length, user=User(42), url="https://x.y")
        for offset, length in places
        for kind in kinds
    ]
    read_addressed(text, entities, BOT)


@given(AROUND)
def test_a_text_without_entities_stays_as_it_is(text):
    assert read_addressed(text, [], BOT).text == text


def test_offsets_count_as_telegram_counts():
    text = "😀😀 @ada_bot"
    entity = MessageEntity("mention", utf16_length("😀😀 "), len("@ada_bot"))
    assert read_addressed(text, [entity], BOT).text == "😀😀"
