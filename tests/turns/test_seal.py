"""What happens in the transaction that stores the end of a turn."""

from __future__ import annotations

import sqlite3

import pytest
import trio

from hermes_trio.errors import ModelError

TODO = {"platform_toolsets": {"api_server": ["todo", "delegation"]}}


def note(text: str):
    """A seal that writes an answer beside the turn."""

    def seal(result):
        return lambda connection: connection.execute(
            "INSERT INTO state_meta(key, value) VALUES (?, ?)", (text, result.text)
        )

    return seal


def refuse(_result):
    def job(connection):
        connection.execute("INSERT INTO state_meta(key, value) VALUES ('half', 'done')")
        raise LookupError("the message is answered already")

    return job


NOTES = "SELECT key, value FROM state_meta WHERE key IN ('sealed', 'half', 'a', 'c') ORDER BY key"


async def test_the_seal_is_stored_with_the_end_of_the_turn_and_knows_its_result(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("!say hi", seal=note("sealed"))
        assert await agent.rows(NOTES) == [("sealed", "hi")]
        assert await agent.rows("SELECT count(*) FROM messages") == [(2,)]


async def test_the_seal_waits_for_the_end_while_rounds_of_tools_are_stored(open_agent, autojump_clock):
    seen = []
    async with open_agent(config=TODO) as agent:

        async def look() -> None:
            await trio.sleep(10)
            seen.extend((await agent.rows(NOTES), await agent.rows("SELECT count(*) FROM messages")))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            await agent.ask('!tool todo {}\n!tool delegate_task {"goal": "!sleep 30"}', seal=note("sealed"))
        assert seen == [[], [(3,)]]
        assert len(await agent.rows(NOTES)) == 1


async def test_a_seal_that_fails_leaves_nothing_of_the_end(open_agent, autojump_clock):
    async with open_agent() as agent:
        with pytest.raises(LookupError, match="answered already"):
            await agent.ask("hello", seal=refuse)
        assert await agent.rows(NOTES) == []
        assert await agent.rows("SELECT count(*) FROM sessions") == [(0,)]


async def test_a_seal_that_fails_keeps_what_tools_did(open_agent, autojump_clock):
    async with open_agent(config=TODO) as agent:
        with pytest.raises(LookupError):
            await agent.ask("!tool todo {}", seal=refuse)
        roles = [role for (role,) in await agent.rows("SELECT role FROM messages ORDER BY id")]
        assert roles == ["user", "assistant", "tool"]


async def test_a_seal_that_fails_takes_no_other_turn_along(open_agent, autojump_clock):
    failed = []
    async with open_agent() as agent:

        async def turn(name: str, seal) -> None:
            try:
                await agent.ask(f"!say {name}", session_id=name, seal=seal)
            except LookupError:
                failed.append(name)

        async with trio.open_nursery() as nursery:
            for name, seal in (("a", note("a")), ("b", refuse), ("c", note("c"))):
                nursery.start_soon(turn, name, seal)
        assert failed == ["b"]
        assert await agent.rows(NOTES) == [("a", "a"), ("c", "c")]
        assert await agent.rows("SELECT id FROM sessions ORDER BY id") == [("a",), ("c",)]


async def test_a_seal_may_take_its_time(open_agent, autojump_clock):
    async def seal(result):
        await trio.sleep(5)
        return note("sealed")(result)

    async with open_agent() as agent:
        await agent.ask("!say hi", seal=seal)
        assert await agent.rows(NOTES) == [("sealed", "hi")]


@pytest.mark.parametrize("keeps", [True, False])
async def test_an_answer_whose_seal_is_not_finished_is_not_stored(open_agent, autojump_clock, keeps):
    async def seal(_result):
        await trio.sleep_forever()

    async with open_agent(config=TODO) as agent:
        for session, text in (("plain", "hello"), ("tools", "!tool todo {}")):
            with trio.move_on_after(5):
                await agent.ask(text, session_id=session, seal=seal, keeps_message=keeps)
        stored = await agent.rows("SELECT session_id, role FROM messages ORDER BY id")
    plain = [("plain", "user")] if keeps else []
    assert stored == [*plain, ("tools", "user"), ("tools", "assistant"), ("tools", "tool")]


async def test_who_is_cancelled_while_the_end_is_stored_still_hears_of_it(open_agent, autojump_clock):
    async with open_agent() as agent:
        with trio.CancelScope() as cancelled:

            def seal(result):
                cancelled.cancel()
                return note("sealed")(result)

            result = await agent.ask("!say hi", seal=seal)
        assert result.text == "hi"
        assert await agent.rows(NOTES) == [("sealed", "hi")]


async def test_a_turn_that_fails_or_is_cancelled_is_not_sealed(open_agent, autojump_clock):
    async with open_agent(config=TODO) as agent:
        with pytest.raises(ModelError):
            await agent.ask("!fail 400", seal=note("sealed"))
        with trio.move_on_after(5):
            await agent.ask('!tool delegate_task {"goal": "!hang"}', seal=note("sealed"))
        assert await agent.rows(NOTES) == []


async def test_a_database_error_of_the_seal_is_told_as_one(open_agent, autojump_clock):
    def seal(_result):
        return lambda connection: connection.execute("INSERT INTO state_meta(key) VALUES ('a'), ('a')")

    async with open_agent() as agent:
        with pytest.raises(sqlite3.IntegrityError):
            await agent.ask("hello", seal=seal)
        assert await agent.rows("SELECT count(*) FROM sessions") == [(0,)]
