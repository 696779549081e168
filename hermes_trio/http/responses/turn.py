"""Makes one response: finds what it continues, runs the turn, and keeps what came of it."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.api_turn import SESSION_HEADER, api_turn, session_headers
from hermes_trio.http.model_names import public_model_name
from hermes_trio.http.responses.history import decode_history, encode_history
from hermes_trio.http.responses.kept import find_continued
from hermes_trio.http.responses.objects import (
    ConversationId,
    FinishedResponse,
    IncompleteDetails,
    ResponseObject,
    response_usage,
)
from hermes_trio.http.responses.output import Begun, ResponseOutput
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.response_store import KeptResponse
from hermes_trio.store.sessions import load_conversation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.http.call import Call
    from hermes_trio.http.responses.output import OutputChange
    from hermes_trio.http.responses.request import ResponsesRequest
    from hermes_trio.http.turn_relay import Emit
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.response_store import ResponseStore
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnRequest, TurnResult

#: What ``truncation: auto`` leaves of the history.
NEWEST_MESSAGES: Final = 100


@dataclass(frozen=True, slots=True)
class _Start:
    """What a response starts from.

    Attributes:
        instructions: The client's instructions, perhaps those of the response before.
        turn: The turn to run.
    """

    instructions: str | None
    turn: TurnRequest


class ResponseTurn:
    """One response on its way.

    Args:
        scope: The profile that answers.
        call: The request.
        asked: What it asks for.

    Attributes:
        draft: The response as it is before anything has happened.
        output: Its output so far.
        headers: Headers of the answer; filled in once it is known which session it is.
    """

    def __init__(self, scope: ProfileScope, call: Call, asked: ResponsesRequest) -> None:
        self._call = call
        self._asked = asked
        self.draft = _draft(scope, asked)
        self.output = ResponseOutput()
        self.headers: list[tuple[str, str]] = []
        self._begun = False

    async def answer(self, scope: ProfileScope, emit: Emit[OutputChange]) -> FinishedResponse:
        """Answer, and keep the response if that is asked for; to be run in the profile's nursery.

        Raises:
            RequestError: 404 ``previous_response_not_found``.
            HermesTrioError: The turn failed, or the response could not be kept.

        Cancellation: ends the turn; then nothing is kept.
        """
        runtime, asked = self._call.runtime, self._asked
        continues = asked.previous_response_id or asked.conversation
        store = await runtime.response_store() if continues or asked.stores else None
        previous = await self._find_previous(scope, store) if store is not None else None
        start = self._start(scope, previous)
        self.draft = msgspec.structs.replace(self.draft, instructions=start.instructions)
        self.headers += session_headers(start.turn.session_id, start.turn.session_key)

        async def show(events: Sequence[TurnEvent]) -> None:
            changes = self.output.take(events)
            if changes:
                await emit(self._begin(changes))

        result = await runtime.run_turn(start.turn, show)
        changes = self.output.finish(result.text)
        response = _finish(self.draft, self.output, result, scope.clock.now())
        if store is not None and asked.stores:
            kept = KeptResponse(
                response=msgspec.Raw(msgspec.json.encode(response)),
                conversation_history=encode_history(await self._history(scope, start.turn)),
                instructions=start.instructions,
                session_id=start.turn.session_id,
            )
            await store.put(response.id, kept, asked.conversation)
        await emit(self._begin(changes))
        return FinishedResponse(response, start.turn.session_id)

    async def _find_previous(self, scope: ProfileScope, store: ResponseStore) -> KeptResponse | None:
        asked = self._asked
        if asked.conversation is not None:
            return await store.find_last(asked.conversation)
        if asked.previous_response_id is None:
            return None
        return await find_continued(scope, self._call.runtime, asked.previous_response_id)

    def _begin(self, changes: list[OutputChange]) -> list[OutputChange]:
        """Let the first changes be preceded by the beginning, which so waits until there is something to say."""
        if self._begun:
            return changes
        self._begun = True
        return [Begun(self.draft), *changes]

    def _start(self, scope: ProfileScope, previous: KeptResponse | None) -> _Start:
        asked, now = self._asked, scope.clock.now()
        instructions = asked.body.instructions
        if instructions is None and previous is not None:
            instructions = previous.instructions
        named = self._call.header(SESSION_HEADER.lower())
        history: tuple[StoredMessage, ...] | None = None
        if previous is not None or named is None:
            before = decode_history(previous.conversation_history, now) if previous is not None else ()
            history = before + asked.earlier.messages(now)
            if asked.body.truncation == "auto":
                history = history[-NEWEST_MESSAGES:]
        turn = api_turn(
            scope,
            self._call,
            model=asked.body.model,
            session_id=named or (previous.session_id if previous is not None else None) or str(uuid.uuid4()),
            user_message=asked.user_message,
            history=history,
            system_text="\n\n".join(text for text in (instructions, asked.system_text) if text),
        )
        return _Start(instructions, turn)

    async def _history(self, scope: ProfileScope, turn: TurnRequest) -> tuple[StoredMessage, ...]:
        """All that was said up to now."""
        if turn.history is None:
            stored = await load_conversation(scope, turn.session_id)
            return stored.messages if stored is not None else ()
        now = scope.clock.now()
        return (*turn.history, StoredMessage("user", self._asked.user_message, now), *self.output.messages(now))


def _draft(scope: ProfileScope, asked: ResponsesRequest) -> ResponseObject:
    body = asked.body
    return ResponseObject(
        id="resp_" + secrets.token_hex(14),
        created_at=int(scope.clock.now()),
        model=body.model or public_model_name(scope),
        instructions=body.instructions,
        previous_response_id=asked.previous_response_id,
        conversation=ConversationId(asked.conversation) if asked.conversation is not None else None,
        metadata=body.metadata or {},
        store=asked.stores,
        truncation=body.truncation or "disabled",
    )


def _finish(draft: ResponseObject, output: ResponseOutput, result: TurnResult, now: float) -> ResponseObject:
    missing: IncompleteDetails | None = None
    if result.finish_reason == "length":
        missing = IncompleteDetails("max_output_tokens")
    elif result.finish_reason == "content_filter":
        missing = IncompleteDetails("content_filter")
    return msgspec.structs.replace(
        draft,
        status="completed" if missing is None else "incomplete",
        completed_at=int(now) if missing is None else None,
        incomplete_details=missing,
        output=output.items,
        usage=response_usage(result.usage),
    )
