"""Checks of messages that come in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api import Refused
from hermes_trio.testing.conformance.waiting import eventually, require
from hermes_trio.testing.conformance.world import open_served_world

if TYPE_CHECKING:
    from hermes_trio.testing.conformance.rig import PlatformRig

_CONTENT: Final = bytes(range(256)) * 40


async def answers_through_the_addressed_bot(rig: PlatformRig) -> None:
    """The same person in a chat of the same id is answered by the bot that was addressed, and by nobody else."""
    async with open_served_world(rig) as world:
        for number in range(3):
            for side in world.sides:
                await side.bot.hear(f"round {number}")
            for side in world.sides:
                await side.answered(f"round {number}")
        await trio.sleep(60)
        for side in world.sides:
            expected = [side.answer_to(f"round {number}") for number in range(3)]
            require(side.texts == expected, f"{side.name}'s bot said {side.texts}")
            chats = {effect.chat_id for effect in side.bot.effects}
            require(chats == {side.bot.chat_id}, f"{side.name}'s bot did something in the chats {chats}")


async def describes_messages(rig: PlatformRig) -> None:
    """A message is handed over as it was said: text, ids, who and where."""
    async with open_served_world(rig) as world:
        ada = world.ada
        message_id = await ada.bot.hear("hello there")
        await ada.answered("hello there")
        (message,) = ada.observed.offered
        source = message.source
        require(message.text == "hello there", f"the text is {message.text!r}")
        require(message.message_id == message_id, f"the id is {message.message_id!r}, not {message_id!r}")
        require(source.platform == rig.platform, f"the platform is {source.platform!r}")
        require(source.chat_id == ada.bot.chat_id, f"the chat is {source.chat_id!r}, not {ada.bot.chat_id!r}")
        require(source.user_id, "it does not say who wrote")
        require(source.chat_type == "dm", f"a private chat is called {source.chat_type!r}, not 'dm'")
        require(not source.is_bot and not message.is_edit, "it is said to be an edit, or a bot's")
        require(message.at > 1e9, f"the time is {message.at}, not seconds since the epoch")


async def answers_a_redelivered_message_once(rig: PlatformRig) -> None:
    """A message that the platform delivers twice is answered once."""
    async with open_served_world(rig) as world:
        ada = world.ada
        await ada.answers("hello")
        await ada.bot.hear_again()
        await eventually(lambda: not ada.bot.unconfirmed, "the second delivery is confirmed", side=ada)
        await trio.sleep(120)
        require(ada.count("hello") == 1, f"it was answered {ada.count('hello')} times")


async def confirms_only_what_is_stored(rig: PlatformRig) -> None:
    """A message that could not be stored is not confirmed: it comes again and is answered, once."""
    async with open_served_world(rig) as world:
        ada = world.ada
        ada.observed.refusals = 2
        await ada.bot.hear("hello")
        await eventually(lambda: ada.observed.refusals < 2, "the message is handed over", side=ada)
        require(ada.bot.unconfirmed, "the platform was told that the message is safe, and it was not")
        await eventually(lambda: ada.observed.refusals == 0, "the message is handed over again", side=ada)
        require(ada.bot.unconfirmed, "the platform was told that the message is safe, and it was not")
        await ada.answered("hello")
        await eventually(lambda: not ada.bot.unconfirmed, "the message is confirmed", side=ada)
        await ada.connected()
        await trio.sleep(120)
        require(ada.count("hello") == 1, f"it was answered {ada.count('hello')} times")


async def confirms_nothing_early(rig: PlatformRig) -> None:
    """While a message is being stored it is not confirmed, and an adapter that is stopped then loses nothing."""
    async with open_served_world(rig) as world:
        ada = world.ada
        ada.observed.hold = trio.Event()
        await ada.bot.hear("hello")
        await eventually(lambda: ada.observed.offered, "the message is handed over", side=ada)
        await trio.sleep(5)
        require(ada.bot.unconfirmed, "the platform was told that the message is safe before it was")
        ada.runner.pause()
        await ada.enters("paused")
        ada.observed.hold = None
        require(ada.bot.unconfirmed, "the platform was told that the message is safe when the adapter was stopped")
        ada.runner.resume()
        await ada.answered("hello")
        await trio.sleep(120)
        require(ada.count("hello") == 1, f"it was answered {ada.count('hello')} times")


async def takes_what_was_said_while_it_was_away(rig: PlatformRig) -> None:
    """What was said while the adapter did not run is handed over when it does, oldest first."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        ada.runner.pause()
        await ada.enters("paused")
        words = [f"message {number}" for number in range(5)]
        for word in words:
            await ada.bot.hear(word)
        await trio.sleep(300)
        require(not ada.observed.offered, "a paused adapter hands over messages")
        await bob.answers("sibling")
        ada.runner.resume()
        await ada.said(words[-1])
        told = [message.text for message in ada.observed.offered]
        require(told == words, f"it was handed over as {told}")


async def answers_in_the_thread(rig: PlatformRig) -> None:
    """What is said in a thread is answered in it, and what is not is not."""
    async with open_served_world(rig) as world:
        ada = world.ada
        thread = await ada.bot.open_thread()
        await ada.bot.hear("inside", thread_id=thread)
        inside = await ada.answered("inside")
        require(inside.thread_id == thread, f"the answer went to thread {inside.thread_id}, not {thread}")
        outside = await ada.answers("outside")
        require(outside.thread_id is None, f"the answer went to thread {outside.thread_id}")


async def fetches_files(rig: PlatformRig) -> None:
    """A file that came with a message can be fetched whole; one that is too large is refused and leaves nothing."""
    async with open_served_world(rig) as world:
        ada = world.ada
        adapter = await ada.connected()
        await ada.bot.hear("look", file=_CONTENT)
        await ada.said("look")
        attachments = [each for message in ada.observed.offered for each in message.attachments]
        require(len(attachments) == 1, f"there was one file; the adapter told of {attachments}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            await adapter.fetch(attachments[0], path, len(_CONTENT))
            require(path.read_bytes() == _CONTENT, "the file is not what was sent")
            path.unlink()
            try:
                await adapter.fetch(attachments[0], path, len(_CONTENT) - 1)
            except Refused:
                require(not path.exists(), "what was too large has been left behind")
            else:
                raise AssertionError("a file above the limit was fetched")
