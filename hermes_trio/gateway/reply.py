"""From what an agent says to the rows of the outbox that carry it to the chat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

from hermes_trio.adapter_api.messages import MediaKind
from hermes_trio.adapter_api.outgoing import OutgoingMedia, OutgoingText
from hermes_trio.delivery.compose import compose_reply
from hermes_trio.delivery.media import extract_media
from hermes_trio.delivery.outbound_media import MediaRefused, allowed_media
from hermes_trio.delivery.parts import encode_media, encode_removal, encode_text
from hermes_trio.delivery.silence import is_silence
from hermes_trio.delivery.thinking import without_thinking
from hermes_trio.store.outbox import NewOutboxRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.adapter_api.outgoing import Button
    from hermes_trio.delivery.media import MediaTag
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.outbox import OutboxKind


LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class ReplyPlace:
    """Where an answer goes, and through whom.

    Attributes:
        transport_profile: Whose bot sends it.
        platform: On which platform.
        chat_id: To which chat.
        thread_id: The thread or topic within it, or None.
        session_key: The conversation.
        key: Tells what is said from everything else that is ever said here; a second try has the same.
        reply_to: The platform's id of the message it answers, or None.
        reply_to_mode: Which parts quote that message: ``off``, ``first`` or ``all``.
        inbox_id: The message it answers, in the inbox, or None.
        capabilities: What the platform can do.
        says: What may be said there: ``all``, only ``answers`` of the agent, or ``nothing``.
        verbatim: Whether the place reads Markdown itself, so that a text goes there as it is.
    """

    transport_profile: str
    platform: str
    chat_id: str
    thread_id: str | None
    session_key: str
    key: str
    reply_to: str | None
    reply_to_mode: str
    inbox_id: int | None
    capabilities: Capabilities
    says: Literal["all", "answers", "nothing"] = "all"
    verbatim: bool = False

    def row(self, content: str, part: int, parts: int, kind: OutboxKind = "reply") -> NewOutboxRow:
        """One part for the outbox, counted from 1."""
        return NewOutboxRow(
            transport_profile=self.transport_profile,
            platform=self.platform,
            chat_id=self.chat_id,
            thread_id=self.thread_id,
            session_key=self.session_key,
            kind=kind,
            content=content,
            idempotency_key=f"{_portable(self.key)}:{part}",
            inbox_id=self.inbox_id,
            part=part,
            parts=parts,
        )


def _portable(key: str) -> str:
    """A key as every platform takes it, also in a header of HTTP: texts and ids of platforms may hold anything."""
    if key.isascii() and key.isprintable() and len(key) <= LONGEST_KEY:
        return key
    return f"sha256:{hashlib.sha256(key.encode(errors='replace')).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Grown:
    """The messages in which an answer has been growing.

    Attributes:
        messages: The platform's ids, oldest first; they become the first parts of the answer.
        anew: Whether the answer is sent anew all the same, and these are deleted.
    """

    messages: tuple[str, ...] = ()
    anew: bool = False


def reply_key(transport_profile: str, message: InboundMessage) -> str:
    """A key for what answers a message: the same after a crash."""
    source = message.source
    return f"{transport_profile}:{source.platform}:{source.chat_id}:{message.message_id}"


async def notice_rows(
    scope: ProfileScope, place: ReplyPlace, text: str, buttons: tuple[tuple[Button, ...], ...] = ()
) -> list[NewOutboxRow]:
    """The rows for something that is said beside the conversation, such as a command's reply.

    Raises:
        ScopeClosed: This generation of the profile is over.
    """
    if place.says != "all":
        return []
    texts = await _compose(scope, place, text, buttons=buttons)
    return _text_rows(place, texts, "notice", (), len(texts))


async def answer_rows(
    scope: ProfileScope, place: ReplyPlace, text: str, *, grown: Grown = Grown(), footer: str = ""
) -> list[NewOutboxRow]:
    """The rows for an agent's answer: its text, then its files. A reply that only says to be silent has none.

    Args:
        scope: The runtime profile, whose files may be sent.
        place: Where it goes.
        text: What the agent said, in Markdown, with tags for files.
        grown: The messages in which it has been growing.
        footer: A line below the answer.

    Raises:
        ScopeClosed: This generation of the profile is over.

    Cancellation: copies of files may be left behind, and are swept later.
    """
    if place.says == "nothing":
        return []
    said = extract_media(without_thinking(text))
    media, refused = await _take_out(scope, place, said.media)
    words = "" if is_silence(said.text, narration=scope.config.chat.filter_silence_narration) else said.text
    texts = await _compose(scope, place, "\n\n".join(part for part in (words, *refused) if part), footer=footer)
    parts = len(texts) + len(media)
    edited = () if grown.anew else grown.messages[: len(texts)]
    rows = _text_rows(place, texts, "reply", edited, parts)
    rows += [
        place.row(encode_media(one), number, parts, "media") for number, one in enumerate(media, start=len(texts) + 1)
    ]
    surplus = enumerate(grown.messages[len(edited) :], start=parts + 1)
    return rows + [place.row(encode_removal(one), number, parts) for number, one in surplus]


async def _take_out(
    scope: ProfileScope, place: ReplyPlace, tags: Sequence[MediaTag]
) -> tuple[list[OutgoingMedia], list[str]]:
    """The files that may be sent, and what is said of the others."""
    media: list[OutgoingMedia] = []
    refused: list[str] = []
    for tag in tags:
        name = PurePosixPath(tag.path).name
        kind = tag.kind if tag.kind in place.capabilities.media else MediaKind.DOCUMENT
        if kind not in place.capabilities.media:
            refused.append(f"({name}: {place.platform} takes no files here)")
            continue
        try:
            media.append(OutgoingMedia(kind, await allowed_media(scope, tag.path), name))
        except MediaRefused as error:
            scope.log.bind(component="delivery").warning(f"a file is not sent: {error}", code=error.code)
            refused.append(f"({name} was not sent: {error.problem})")
    return media, refused


def _text_rows(
    place: ReplyPlace, texts: Sequence[OutgoingText], kind: OutboxKind, edited: Sequence[str], parts: int
) -> list[NewOutboxRow]:
    edits = [*edited, *[None] * (len(texts) - len(edited))]
    return [
        replace(place.row(encode_text(one, edit=edit), number, parts, kind), reply_to=one.reply_to)
        for number, (one, edit) in enumerate(zip(texts, edits, strict=True), start=1)
    ]


async def compose_at(scope: ProfileScope, place: ReplyPlace, text: str) -> tuple[OutgoingText, ...]:
    """The messages that a text in Markdown makes there."""
    return await _compose(scope, place, text)


async def _compose(
    scope: ProfileScope,
    place: ReplyPlace,
    text: str,
    *,
    footer: str = "",
    buttons: tuple[tuple[Button, ...], ...] = (),
) -> tuple[OutgoingText, ...]:
    if place.verbatim:
        return (OutgoingText(text[: place.capabilities.text_limit]),) if text.strip() else ()
    return await compose_reply(
        scope,
        text,
        place.capabilities,
        reply_to=place.reply_to,
        reply_to_mode=place.reply_to_mode,
        footer=footer,
        buttons=buttons,
    )
