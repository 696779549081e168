"""Tells a conversation that a background command it waits for has ended or said something: as a message of its own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.chat_request import source_of, transport_of
from hermes_trio.store import routing_index
from hermes_trio.tools.background_watch import ProcessNotice, describe_notice

if TYPE_CHECKING:
    from hermes_trio.gateway.chats import Chats

MOST_WAITING: Final = 256


class ProcessReports:
    """The reports of one generation of a profile, on their way to its conversations."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[ProcessNotice](MOST_WAITING)

    def put(self, notice: ProcessNotice) -> None:
        """Take a report; when too many wait it is forgotten, because nobody could read them all."""
        try:
            self._send.send_nowait(notice)
        except trio.WouldBlock:
            return

    async def serve(self, chats: Chats) -> None:
        """Bring reports into their conversations until cancelled."""
        async for notice in self._receive:
            try:
                await _report(chats, notice)
            except HermesTrioError as error:
                chats.log.warning(f"nobody was told of a background process: {error}")


async def _report(chats: Chats, notice: ProcessNotice) -> None:
    scope, key = chats.scope, notice.entry.session_key
    entry = await routing_index.lookup(scope, key) if key else None
    origin = entry.more.get("origin") if entry is not None else None
    source = source_of(origin)
    transport = chats.transport_to(source, transport_of(origin)) if source is not None else None
    if source is None or transport is None:
        return  # a conversation over HTTP: whoever asks there asks again
    message = InboundMessage(source, f"process:{uuid.uuid4().hex}", describe_notice(notice), scope.clock.now())
    await chats.tell_agent(message, transport, key)
