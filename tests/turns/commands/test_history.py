from __future__ import annotations

from hermes_trio.store.sessions import load_conversation


async def test_retry_takes_the_last_exchange_back_and_asks_again(chat):
    await chat.say("first")
    await chat.say("second")
    await chat.give("/retry")
    assert chat.conversation.waiting == ["second"]
    assert "2 messages" in await chat.say("!history")


async def test_retry_takes_nothing_back_when_it_cannot_ask_again(chat):
    await chat.say("first")
    chat.conversation.most_waiting = 0
    assert "Too many" in (await chat.give("/retry")).text
    assert "2 messages" in await chat.say("!history")


async def test_retry_has_nothing_to_do_at_the_beginning(chat):
    assert "no message" in (await chat.give("/retry")).text
    assert chat.conversation.waiting == []


async def test_undo_takes_the_last_exchange_back_without_asking(chat):
    await chat.say("first")
    await chat.say("second")
    assert '1 exchange taken back. It began with: "second"' in (await chat.give("/undo")).text
    assert "2 messages" in await chat.say("!history")
    assert chat.conversation.asked == []


async def test_undo_of_several_asks_first(chat):
    for text in ("first", "second", "third"):
        await chat.say(text)
    assert "2 exchanges" in (await chat.give("/undo 2")).text
    assert len(chat.conversation.asked) == 1


async def test_undo_wants_a_number(chat):
    await chat.say("first")
    for given in ("0", "-1", "all"):
        assert "How many" in (await chat.give(f"/undo {given}")).text


async def test_undo_of_nothing_says_so(chat):
    assert "nothing to take back" in (await chat.give("/undo")).text


async def test_compress_puts_a_summary_in_the_place_of_the_beginning(chat):
    for number in range(8):
        await chat.say(f"{number} " + "word " * 300)
    reply = await chat.give("/compress")
    assert "A summary has taken the place" in reply.text
    conversation = await load_conversation(chat.scope, await chat.conversation.session_id())
    assert len(conversation.messages) < 16


async def test_a_preview_of_compress_changes_nothing(chat):
    for number in range(8):
        await chat.say(f"{number} " + "word " * 300)
    assert "would take the place" in (await chat.give("/compress --preview")).text
    conversation = await load_conversation(chat.scope, await chat.conversation.session_id())
    assert len(conversation.messages) == 16


async def test_compress_tells_the_model_what_to_keep(chat, monkeypatch):
    asked = []

    async def ask(scope, agent, question, charge):
        asked.append(question.content)
        return "They talked."

    monkeypatch.setattr("hermes_trio.turns.compression_now.ask_auxiliary_model", ask)
    for number in range(8):
        await chat.say(f"{number} " + "word " * 300)
    await chat.give("/compress the hotel in Rome")
    assert "Keep above all what concerns: the hotel in Rome" in asked[0]


async def test_compress_here_keeps_so_many_exchanges(chat):
    for number in range(8):
        await chat.say(f"{number} " + "word " * 30)
    await chat.give("/compress here 2")
    conversation = await load_conversation(chat.scope, await chat.conversation.session_id())
    said = [one.content for one in conversation.messages if one.role == "user"]
    assert [text[0] for text in said[-2:]] == ["6", "7"]
    assert "5 word" not in said[-3]


async def test_what_a_summary_cost_is_counted(chat):
    for number in range(8):
        await chat.say(f"{number} " + "word " * 300)
    await chat.give("/compress")
    rows = await chat.scope.db.read(
        lambda connection: connection.execute("SELECT task FROM session_model_usage ORDER BY task").fetchall()
    )
    assert rows == [("",), ("compression",)]


async def test_compress_of_little_says_that_there_is_nothing_to_gain(chat):
    await chat.say("hello")
    assert "nothing to gain" in (await chat.give("/compress")).text


async def test_compress_of_nothing_says_so(chat):
    assert "Nothing has been said" in (await chat.give("/compress")).text
