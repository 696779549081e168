"""Checks of what goes out: long texts, rate limits, refusals, outages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api import OutgoingText, Target, TextUnit
from hermes_trio.store import outbox
from hermes_trio.testing.conformance.rig import EffectKind, Moment, Trouble
from hermes_trio.testing.conformance.waiting import eventually, require
from hermes_trio.testing.conformance.world import open_served_world

if TYPE_CHECKING:
    from hermes_trio.testing.conformance.rig import PlatformRig
    from hermes_trio.testing.conformance.world import Side

SEND_OUTAGES: Final = (Trouble.SERVER_ERROR, Trouble.MALFORMED, Trouble.HANG, Trouble.DROP_BEFORE)

_NUMBER: Final = re.compile(r"\d+")
_SMILE: Final = "\N{GRINNING FACE}"


async def splits_long_texts(rig: PlatformRig) -> None:
    """A long answer comes in parts that the platform takes, in order, and nothing of it is lost."""
    async with open_served_world(rig) as world:
        ada = world.ada
        words = _words_for_parts(rig, 3)
        await ada.bot.hear(f"!tokens {words}")
        await _whole(ada, words)
        require(len(ada.texts) > 1, "the text was meant to be too long for one message")
        lengths = [_length(part, rig.capabilities.text_unit) for part in ada.texts]
        require(max(lengths) <= rig.capabilities.text_limit, f"the parts are {lengths} long")


async def counts_length_as_the_platform_does(rig: PlatformRig) -> None:
    """A long answer of characters outside of the basic plane comes whole: lengths are counted in the right unit."""
    async with open_served_world(rig) as world:
        ada = world.ada
        count = rig.capabilities.text_limit + rig.capabilities.text_limit // 3
        rows = "\n".join(_SMILE * 40 for _ in range(count // 40))
        await ada.bot.hear(f"!say {rows}")
        wanted = rows.count(_SMILE)
        await eventually(lambda: _count(ada, _SMILE) >= wanted, f"{wanted} characters arrive", side=ada)
        await trio.sleep(60)
        require(_count(ada, _SMILE) == wanted, f"{_count(ada, _SMILE)} characters arrived, not {wanted}")


async def waits_as_long_as_the_platform_asks(rig: PlatformRig) -> None:
    """A part that the platform refuses for its rate is sent when it says, and the order is kept."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(Trouble.RATE_LIMITED, Moment.SEND, seconds=37)
        words, begun = _words_for_parts(rig, 3), trio.current_time()
        await ada.bot.hear(f"!tokens {words}")
        await bob.answers("sibling", seconds=30)
        await _whole(ada, words)
        first = ada.effects(EffectKind.MESSAGE)[0].at - begun
        require(first >= 37, f"the platform asked for 37 s, and the next try came after {first:.1f} s")
        require(first < 60, f"the platform asked for 37 s, and the next try came after {first:.1f} s only")
        numbers = _numbers(ada)
        require(len(set(numbers)) >= words, "numbers are missing")
        require(ada.slot.state == "connected", "a rate limit is no failure of the adapter")


async def sends_plain_text_when_markup_is_refused(rig: PlatformRig) -> None:
    """A text whose markup the platform cannot read is sent at once without it, and once."""
    async with open_served_world(rig) as world:
        ada = world.ada
        ada.bot.trouble(Trouble.MARKUP_REFUSED, Moment.SEND)
        await ada.bot.hear("!say **strong words**")
        effect = await ada.said("strong words", seconds=30)
        require(not effect.formatted, "the text still has markup")
        require("*" not in effect.text, f"people see the markup: {effect.text!r}")
        await trio.sleep(120)
        require(ada.count("strong words") == 1, "it was said more than once")
        await ada.bot.hear("!say **other words**")
        require((await ada.said("other words")).formatted, "from then on everything is plain")


async def goes_on_after_a_permanent_failure(rig: PlatformRig) -> None:
    """What can never be sent is recorded as failed, and what comes next is sent."""
    async with open_served_world(rig) as world:
        ada = world.ada
        ada.bot.trouble(Trouble.CHAT_GONE, Moment.SEND)
        await ada.bot.hear("first")
        await trio.sleep(120)
        failed = await outbox.failed(ada.scope)
        require(len(failed) == 1, f"one message cannot be sent; the outbox has {failed}")
        require(failed[0].last_error, "it does not say why")
        await ada.answers("second")
        require(ada.count("first") == 0, "what the platform refused for good was sent again")
        require(ada.slot.state == "connected", "one chat's failure is no failure of the adapter")


async def sends_again_after_an_outage(rig: PlatformRig, kind: Trouble) -> None:
    """What could not be sent for a while is sent when it can be, before what was said later, and once."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(kind, Moment.SEND, times=2)
        await ada.bot.hear("first")
        await trio.sleep(5)
        await ada.bot.hear("second")
        await bob.answers("sibling", seconds=30)
        await ada.answered("second", seconds=900)
        await trio.sleep(300)
        order = [word for text in ada.texts for word in ("first", "second") if word in text]
        require(order == ["first", "second"], f"the answers arrived as {ada.texts}")


async def says_nothing_twice_unmarked(rig: PlatformRig) -> None:
    """An answer whose confirmation got lost is not repeated, or, where the platform has no keys, marked as such."""
    async with open_served_world(rig) as world:
        ada = world.ada
        await ada.answers("before")  # leaves a connection, on which an HTTP client may repeat a request by itself
        ada.bot.trouble(Trouble.DROP_AFTER, Moment.SEND, times=2)
        await ada.answers("hello")
        await trio.sleep(600)
        said = [text for text in ada.texts if "hello" in text]
        if rig.capabilities.idempotent_sends:
            require(len(said) == 1, f"it was said {len(said)} times")
        else:
            require(said[0] not in said[1:], f"it was repeated without a mark: {said}")
        require(not await outbox.failed(ada.scope), "it counts as failed")


async def sends_once_for_one_key(rig: PlatformRig) -> None:
    """The same part with the same key is one message."""
    async with open_served_world(rig) as world:
        ada = world.ada
        adapter = await ada.connected()
        target = Target(ada.bot.chat_id)
        await ada.answers("hello")
        sent = [await adapter.send(target, OutgoingText("once", idempotency_key="key-1")) for _ in range(3)]
        require(len({one.message_id for one in sent}) == 1, f"one key gave the messages {sent}")
        require(ada.count("once") == 1, f"one key was sent {ada.count('once')} times")


async def sends_several_at_once(rig: PlatformRig) -> None:
    """Sends may overlap, and go on while a message is being stored."""
    async with open_served_world(rig) as world:
        ada = world.ada
        adapter = await ada.connected()
        await ada.answers("hello")
        ada.observed.hold = trio.Event()
        await ada.bot.hear("held up")
        await eventually(lambda: len(ada.observed.offered) == 2, "the message is handed over", side=ada)
        texts, sent = [f"text {number}" for number in range(20)], dict[str, str]()

        async def send(text: str) -> None:
            message = await adapter.send(Target(ada.bot.chat_id), OutgoingText(text, idempotency_key=text))
            sent[message.message_id] = text

        with trio.move_on_after(30):
            async with trio.open_nursery() as nursery:
                for text in texts:
                    nursery.start_soon(send, text)
        arrived = {message.message_id: message.text for message in ada.messages}
        require(sorted(sent.values()) == sorted(texts), f"of {len(texts)} sends {len(sent)} were confirmed in 30 s")
        wrong = {key: (text, arrived.get(key)) for key, text in sent.items() if arrived.get(key) != text}
        require(not wrong, f"messages say something else: {wrong}")
        ada.observed.hold.set()
        await ada.answered("held up")


async def keeps_answers_while_the_credential_is_refused(rig: PlatformRig) -> None:
    """An answer that is refused for the credential is no lost answer: it is sent once that is mended."""
    async with open_served_world(rig) as world:
        ada = world.ada
        ada.bot.trouble(Trouble.CREDENTIAL_REFUSED, Moment.SEND, times=1)
        await ada.bot.hear("hello")
        await ada.answered("hello", seconds=900)
        require(ada.count("hello") == 1, f"it was said {ada.count('hello')} times")


def _words_for_parts(rig: PlatformRig, parts: int) -> int:
    """How many numbers, counted from 1 and divided by spaces, need so many messages."""
    limit, length, count = rig.capabilities.text_limit * parts, 0, 0
    while length <= limit:
        count += 1
        length += len(str(count)) + 1
    return count


async def _whole(side: Side, words: int) -> None:
    """Wait until all numbers have arrived, in order; numbers of parts may stand between them."""

    def there() -> bool:
        found = iter(_numbers(side))
        return all(number in found for number in range(1, words + 1))

    await eventually(there, f"all of {words} numbers arrive in order", side=side)


def _numbers(side: Side) -> list[int]:
    return [int(number) for text in side.texts for number in _NUMBER.findall(text)]


def _count(side: Side, character: str) -> int:
    return sum(text.count(character) for text in side.texts)


def _length(text: str, unit: TextUnit) -> int:
    if unit is TextUnit.CHARACTERS:
        return len(text)
    return len(text.encode()) if unit is TextUnit.BYTES else len(text.encode("utf-16-le")) // 2
