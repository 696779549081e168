"""The server-sent events of a streamed response: pure functions from what changes to bytes.

Named events, each with its ``type`` and a ``sequence_number`` that counts from 0. Beside those of hermes-agent there
are those that OpenAI's SDKs need to put a response together: ``response.in_progress``, ``response.incomplete``,
``response.content_part.added`` and ``.done``, ``response.function_call_arguments.done``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.errors import error_answer, error_type
from hermes_trio.http.responses.objects import FunctionCall, OutputMessage, OutputText, ResponseError
from hermes_trio.http.responses.output import Begun, ItemAdded, ItemDone, TextAdded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.http.responses.objects import FinishedResponse, OutputItem, ResponseObject
    from hermes_trio.http.responses.output import OutputChange

_encode = msgspec.json.Encoder().encode
_NO_TEXT: Final = OutputText("")


class ResponseEncoder:
    """Encodes the events of one response.

    Args:
        draft: The response as it is before anything has happened.
        items: Tells the items that there are so far.
    """

    def __init__(self, draft: ResponseObject, items: Callable[[], tuple[OutputItem, ...]]) -> None:
        self._response = draft
        self._items = items
        self._begun = False
        self._number = 0
        self._grows = ""
        self._text_head = b""

    def opening(self) -> bytes:
        """Nothing: what comes before all else is a change as well."""
        return b""

    def events(self, events: Sequence[OutputChange]) -> bytes:
        """The events of some changes, in one piece of bytes."""
        pieces: list[bytes] = []
        for change in events:
            if type(change) is TextAdded:
                pieces.append(self._text_delta(change))
            elif isinstance(change, ItemAdded):
                pieces += self._added(change.index, change.item)
            elif isinstance(change, ItemDone):
                pieces += self._done(change.index, change.item)
            elif isinstance(change, Begun):
                pieces += self._begin(change.response)
        return b"".join(pieces)

    def closing(self, result: FinishedResponse) -> bytes:
        """The last event, with the whole response."""
        return self._whole(result.response)

    def failure(self, error: HermesTrioError) -> bytes:
        """The last event of a response that has failed, with what there is of it."""
        failed = msgspec.structs.replace(
            self._response,
            status="failed",
            error=ResponseError(error.code, str(error), error_type(error_answer(error).status)),
            output=self._items(),
        )
        begin = [] if self._begun else self._begin(self._response)
        return b"".join((*begin, self._whole(failed)))

    def _begin(self, response: ResponseObject) -> list[bytes]:
        self._begun, self._response = True, response
        return [
            self._event("response.created", response=response),
            self._event("response.in_progress", response=response),
        ]

    def _added(self, index: int, item: OutputItem) -> list[bytes]:
        events = [self._event("response.output_item.added", output_index=index, item=item)]
        if isinstance(item, OutputMessage):
            events.append(self._of_part("response.content_part.added", index, item.id, part=_NO_TEXT))
        return events

    def _done(self, index: int, item: OutputItem) -> list[bytes]:
        events = []
        if isinstance(item, OutputMessage):
            text = OutputText(item.text)
            events.append(self._of_part("response.output_text.done", index, item.id, text=item.text, logprobs=()))
            events.append(self._of_part("response.content_part.done", index, item.id, part=text))
        elif isinstance(item, FunctionCall):
            said = {"name": item.name, "arguments": item.arguments}
            name = "response.function_call_arguments.done"
            events.append(self._event(name, output_index=index, item_id=item.id, **said))
        return [*events, self._event("response.output_item.done", output_index=index, item=item)]

    def _text_delta(self, change: TextAdded) -> bytes:
        if self._grows != change.item_id:
            self._grows, self._text_head = change.item_id, _text_head(change)
        number = self._next_number()
        return b'%b%b,"sequence_number":%d}\n\n' % (self._text_head, _encode(change.text), number)

    def _whole(self, response: ResponseObject) -> bytes:
        return self._event(f"response.{response.status}", response=response)

    def _of_part(self, name: str, index: int, item_id: str, **rest: object) -> bytes:
        return self._event(name, item_id=item_id, output_index=index, content_index=0, **rest)

    def _event(self, name: str, /, **rest: object) -> bytes:
        return _frame(name, _encode({"type": name, **rest, "sequence_number": self._next_number()}))

    def _next_number(self) -> int:
        number = self._number
        self._number += 1
        return number


def _text_head(change: TextAdded) -> bytes:
    """What the events of all pieces of a message have in common, up to the text."""
    name = "response.output_text.delta"
    place = {"output_index": change.index, "content_index": 0, "logprobs": ()}
    common = _encode({"type": name, "item_id": change.item_id, **place})
    return b'event: %b\ndata: %b,"delta":' % (name.encode(), common[:-1])


def _frame(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
