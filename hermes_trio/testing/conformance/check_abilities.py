"""Checks of what only some platforms can do; see `hermes_trio.adapter_api.Capabilities`."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api import NotModified, OutgoingMedia, OutgoingText, Target
from hermes_trio.testing.conformance.rig import EffectKind
from hermes_trio.testing.conformance.waiting import eventually, require
from hermes_trio.testing.conformance.world import open_served_world

if TYPE_CHECKING:
    from hermes_trio.adapter_api import Adapter
    from hermes_trio.testing.conformance.rig import Effect, PlatformRig
    from hermes_trio.testing.conformance.world import Side, World

_QUESTION: Final = '!tool clarify {"question": "Which colour?", "choices": ["Red", "Blue"]}'
_CONTENT: Final = bytes(range(256)) * 40


async def edits(rig: PlatformRig) -> None:
    """A sent message can be edited; an edit that changes nothing is no failure."""
    async with open_served_world(rig) as world:
        ada, adapter, target = await _met(world)
        sent = await adapter.send(target, OutgoingText("draft"))
        await adapter.edit(target, sent.message_id, OutgoingText("final"))
        await _arrives(ada, EffectKind.EDIT, sent.message_id, "final")
        with suppress(NotModified):
            await adapter.edit(target, sent.message_id, OutgoingText("final"))
        require(not world.bob.bot.effects, "the sibling's bot did something")


async def deletes(rig: PlatformRig) -> None:
    """A sent message can be deleted; deleting it again is no failure."""
    async with open_served_world(rig) as world:
        ada, adapter, target = await _met(world)
        sent = await adapter.send(target, OutgoingText("not meant"))
        await adapter.delete(target, sent.message_id)
        await _arrives(ada, EffectKind.DELETE, sent.message_id)
        await adapter.delete(target, sent.message_id)


async def shows_typing(rig: PlatformRig) -> None:
    """While an answer takes long the chat sees that the bot is writing, and not any longer than that."""
    async with open_served_world(rig) as world:
        ada = world.ada
        await ada.bot.hear("!sleep 20")
        answer = await ada.said("slept")
        await trio.sleep(60)
        shown = ada.effects(EffectKind.TYPING)
        require(len(shown) >= 2, f"it was shown {len(shown)} times in 20 s")
        require({one.chat_id for one in shown} == {ada.bot.chat_id}, f"it was shown in {shown}")
        require(shown[-1].at <= answer.at + 1, f"it was shown {shown[-1].at - answer.at:.0f} s after the answer")
        require(not world.bob.bot.effects, "the sibling's bot did something")


async def reacts(rig: PlatformRig) -> None:
    """The bot can react to a message, and take that back."""
    async with open_served_world(rig) as world:
        ada, adapter, target = await _met(world)
        message_id = await ada.bot.hear("good news")
        await ada.answered("good news")
        await adapter.react(target, message_id, "🔥")  # one that the core does not use
        await _arrives(ada, EffectKind.REACTION, message_id, "🔥")
        await adapter.react(target, message_id, "")
        await _arrives(ada, EffectKind.REACTION, message_id, "")


async def brings_presses_of_buttons(rig: PlatformRig) -> None:
    """A question has its choices as buttons, and pressing one answers it."""
    async with open_served_world(rig) as world:
        for side in world.sides:
            await side.bot.hear(_QUESTION)
        for side, choice in zip(world.sides, ("Blue", "Red"), strict=True):
            question = await side.said("Which colour?")
            require(question.buttons == ("Red", "Blue"), f"the buttons are {question.buttons}")
            await side.bot.press(question.message_id, choice)
            answer = await side.said("The tools said")
            require(f'"user_response":"{choice}"' in _unescaped(answer.text), f"the answer is {answer.text!r}")


async def sends_files(rig: PlatformRig) -> None:
    """Files of every kind that the adapter names arrive as they are."""
    async with open_served_world(rig) as world:
        ada, adapter, target = await _met(world)
        with tempfile.TemporaryDirectory() as folder:
            for kind in sorted(rig.capabilities.media):
                path = Path(folder) / f"{kind}.bin"
                content = kind.encode() + _CONTENT
                path.write_bytes(content)
                caption = OutgoingText(f"a {kind}") if rig.capabilities.caption_limit else None
                sent = await adapter.upload(target, OutgoingMedia(kind, path, name=path.name, caption=caption))
                words = None if caption is None else caption.text
                effect = await _arrives(ada, EffectKind.FILE, sent.message_id, words)
                require(effect.content == content, f"the {kind} is not what was sent")
        require(not world.bob.bot.effects, "the sibling's bot did something")


async def _met(world: World) -> tuple[Side, Adapter, Target]:
    """A profile whose bot has been spoken to, so that it may write, its adapter, and the chat."""
    ada = world.ada
    adapter = await ada.connected()
    await ada.answers("hello")
    return ada, adapter, Target(ada.bot.chat_id)


async def _arrives(side: Side, kind: EffectKind, message_id: str, text: str | None = None) -> Effect:
    """Wait for an effect in the chat of a bot; without a text for one with any."""

    def find() -> list[Effect]:
        there = [one for one in side.effects(kind) if (one.message_id, one.chat_id) == (message_id, side.bot.chat_id)]
        return [one for one in there if text in (None, one.text)]

    await eventually(find, f"a {kind} of message {message_id} arrives: {text!r}", seconds=10, side=side)
    return find()[-1]


def _unescaped(text: str) -> str:
    return text.replace("\\", "")
