"""The loopback platform's interface for bots: JSON over HTTP.

Every request carries ``Authorization: Bearer <token>``. Bodies and answers are JSON objects but for files.

======  ==========  ==========================================================================================
GET     /me         ``{"id", "name"}``
GET     /events     ``?after=N&wait=S``: ``{"events": [...]}``, oldest first, at most 100; waits up to S seconds for
                    one. Events up to cursor N are confirmed and come no more. A request that waits ends with 409 when
                    the bot asks again.
POST    /send       ``{"chat", "thread"?, "text", "markup"?, "reply_to"?, "buttons"?, "silent"?}``: ``{"id"}``
POST    /upload     ``?chat=&thread=&kind=&name=&caption=&reply_to=``, the file as body: ``{"id"}``
POST    /edit       ``{"chat", "id", "text", "markup"?, "buttons"?}``
POST    /delete     ``{"chat", "id"}``
POST    /typing     ``{"chat", "thread"?}``
POST    /react      ``{"chat", "id", "reaction"}``
POST    /answer     ``{"press", "text"}``: what whoever pressed a button is told
GET     /files/ID   The bytes of a file
======  ==========  ==========================================================================================

``/send`` and ``/upload`` take an ``Idempotency-Key``: the same key again sends nothing and answers as the first time.
A refusal is ``{"error", "message", "retry_after"?}`` with 400, 401, 403, 404, 409, 429 or 500.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import trio

from hermes_trio.http.types import ClientGone
from hermes_trio.testing.faults import FaultKind, FaultPlan
from hermes_trio.testing.loopback.refusals import ApiRefusal, strike
from hermes_trio.testing.loopback.state import (
    LONGEST_CAPTION,
    LONGEST_TEXT,
    BotState,
    Json,
    LoopbackMessage,
    LoopbackState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermes_trio.http.types import Request, Responder

MOST_AT_ONCE: Final = 100
LONGEST_WAIT_SECONDS: Final = 60.0
_Buttons = tuple[tuple[tuple[str, str], ...], ...]
_Body = TypeVar("_Body")


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Send(_Strict, frozen=True):
    chat: str
    text: str
    thread: str | None = None
    markup: bool = False
    reply_to: str | None = None
    buttons: _Buttons = ()
    silent: bool = False


class _Edit(_Strict, frozen=True):
    chat: str
    id: str
    text: str
    markup: bool = False
    buttons: _Buttons = ()


class _Place(_Strict, frozen=True):
    chat: str
    thread: str | None = None


class _Which(_Strict, frozen=True):
    chat: str
    id: str


class _Reaction(_Strict, frozen=True):
    chat: str
    id: str
    reaction: str


class _Answer(_Strict, frozen=True):
    press: str
    text: str


class LoopbackApi:
    """Answers bots.

    Args:
        state: What it works on.
        faults: What goes wrong on order; a fault's ``method`` is the first part of the path.
    """

    def __init__(self, state: LoopbackState, faults: FaultPlan) -> None:
        self._state = state
        self._faults = faults

    async def answer(self, request: Request, responder: Responder) -> None:
        """Answer one request."""
        try:
            body = await self._answer(request, responder)
        except ApiRefusal as refusal:
            await responder.send(refusal.status, msgspec.json.encode(refusal.body))
        else:
            if body is not None:
                kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
                await responder.send(200, body if isinstance(body, bytes) else msgspec.json.encode(body), (), kind)

    async def _answer(self, request: Request, responder: Responder) -> Json | bytes | None:
        token = (request.headers.get("authorization") or "").removeprefix("Bearer ")
        method = request.segments[0] if request.segments else ""
        fault = self._faults.take(token, method)
        if fault is not None and await strike(fault, responder):
            return None
        bot = self._find_bot(token)
        if request.method == "GET" and method == "events":
            answer: Json | bytes = await self._events(bot, request, responder)
        else:
            action = _ACTIONS.get((request.method, method))
            if action is None:
                raise ApiRefusal(404, "not_found", "there is nothing here")
            try:
                answer = action(self._state, bot, request)
            except msgspec.MsgspecError as exc:
                raise ApiRefusal(400, "bad_request", str(exc)) from exc
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            raise ClientGone
        return answer

    def _find_bot(self, token: str) -> BotState:
        bot = self._state.bots.get(token)
        if bot is None and self._state.any_token and token:
            bot = self._state.bot(token)
        if bot is None or bot.revoked:
            raise ApiRefusal(401, "bad_token", "no bot has this token")
        return bot

    async def _events(self, bot: BotState, request: Request, responder: Responder) -> Json:
        bot.polls += 1
        if bot.poll is not None:
            bot.poll.set()
        try:
            after, wait = int(request.query.get("after", "0")), float(request.query.get("wait", "0"))
        except ValueError as exc:
            raise ApiRefusal(400, "bad_request", "after and wait are numbers") from exc
        bot.events.confirm(after)
        self._state.wake()
        if not len(bot.events):
            await self._wait(bot, responder, min(wait, LONGEST_WAIT_SECONDS))
        return {"events": bot.events.first(MOST_AT_ONCE)}

    async def _wait(self, bot: BotState, responder: Responder, seconds: float) -> None:
        ousted = bot.poll = trio.Event()
        try:
            with trio.move_on_after(seconds):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_watch, responder, nursery.cancel_scope)
                    while not len(bot.events) and not ousted.is_set() and not bot.revoked:
                        await self._state.changed.wait()
                    nursery.cancel_scope.cancel()
        finally:
            if bot.poll is ousted:
                bot.poll = None
        if ousted.is_set():
            raise ApiRefusal(409, "conflict", "somebody else asks for this bot's events")
        if bot.revoked:
            raise ApiRefusal(401, "bad_token", "no bot has this token")


async def _watch(responder: Responder, waiting: trio.CancelScope) -> None:
    await responder.wait_client_gone()
    waiting.cancel()


def _read(request: Request, kind: type[_Body]) -> _Body:
    return msgspec.json.decode(request.body, type=kind)


def _me(_state: LoopbackState, bot: BotState, _request: Request) -> Json:
    return {"id": bot.id, "name": bot.name}


def _send(state: LoopbackState, bot: BotState, request: Request) -> Json:
    wanted = _read(request, _Send)
    _check_text(wanted.text, LONGEST_TEXT)
    if not wanted.text:
        raise ApiRefusal(400, "empty", "a message needs a text")
    message = LoopbackMessage("", wanted.chat, wanted.thread, wanted.text, wanted.markup, wanted.buttons)
    return _deliver(state, bot, request, message, {"action": "send", "reply_to": wanted.reply_to})


def _upload(state: LoopbackState, bot: BotState, request: Request) -> Json:
    query = request.query
    caption = query.get("caption", "")
    _check_text(caption, LONGEST_CAPTION)
    message = LoopbackMessage("", query.get("chat", ""), query.get("thread") or None, caption)
    kind, name = query.get("kind", "document"), query.get("name", "")
    noted: Json = {"action": "upload", "reply_to": query.get("reply_to"), "kind": kind, "name": name}
    return _deliver(state, bot, request, message, noted | {"content": request.body})


def _deliver(state: LoopbackState, bot: BotState, request: Request, message: LoopbackMessage, noted: Json) -> Json:
    """Put a message into its chat, unless its key says that it is there already."""
    key = request.headers.get("idempotency-key") or ""
    if key and key in bot.keys:
        return {"id": bot.keys[key]}
    message.id = bot.next_id(message.chat)
    bot.messages[message.chat, message.id] = message
    if key:
        bot.keys[key] = message.id
    if "content" in noted:
        message.file = state.add_file(str(noted["kind"]), str(noted["name"]), request.body).id
    action = str(noted.pop("action"))
    state.note(bot, action, {**_described(message), **noted, "key": key})
    return {"id": message.id}


def _edit(state: LoopbackState, bot: BotState, request: Request) -> Json:
    wanted = _read(request, _Edit)
    _check_text(wanted.text, LONGEST_TEXT)
    message = _find(bot, wanted.chat, wanted.id)
    if (message.text, message.buttons) == (wanted.text, wanted.buttons):
        raise ApiRefusal(400, "not_modified", "the message says that already")
    message.text, message.markup, message.buttons = wanted.text, wanted.markup, wanted.buttons
    state.note(bot, "edit", _described(message))
    return {}


def _delete(state: LoopbackState, bot: BotState, request: Request) -> Json:
    wanted = _read(request, _Which)
    message = _find(bot, wanted.chat, wanted.id)
    del bot.messages[wanted.chat, wanted.id]
    state.note(bot, "delete", _described(message))
    return {}


def _typing(state: LoopbackState, bot: BotState, request: Request) -> Json:
    wanted = _read(request, _Place)
    state.note(bot, "typing", {"chat": wanted.chat, "thread": wanted.thread})
    return {}


def _react(state: LoopbackState, bot: BotState, request: Request) -> Json:
    wanted = _read(request, _Reaction)
    state.note(bot, "react", {"chat": wanted.chat, "message_id": wanted.id, "text": wanted.reaction})
    return {}


def _answer_press(state: LoopbackState, bot: BotState, request: Request) -> Json:
    wanted = _read(request, _Answer)
    state.note(bot, "answer", {"message_id": wanted.press, "text": wanted.text})
    return {}


def _file(state: LoopbackState, _bot: BotState, request: Request) -> bytes:
    file = state.files.get(request.segments[-1])
    if file is None:
        raise ApiRefusal(404, "no_file", "there is no such file")
    return file.content


def _find(bot: BotState, chat: str, message_id: str) -> LoopbackMessage:
    message = bot.messages.get((chat, message_id))
    if message is None:
        raise ApiRefusal(404, "no_message", "there is no such message")
    return message


def _check_text(text: str, longest: int) -> None:
    if len(text) > longest:
        raise ApiRefusal(400, "too_long", f"{len(text)} characters, at most {longest}")


def _described(message: LoopbackMessage) -> Json:
    return {
        "chat": message.chat,
        "thread": message.thread,
        "message_id": message.id,
        "text": message.text,
        "markup": message.markup,
        "buttons": tuple(tuple(label for label, _ in row) for row in message.buttons),
    }


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[LoopbackState, BotState, Request], Json | bytes]]] = (
    MappingProxyType(
        {
            ("GET", "me"): _me,
            ("POST", "send"): _send,
            ("POST", "upload"): _upload,
            ("POST", "edit"): _edit,
            ("POST", "delete"): _delete,
            ("POST", "typing"): _typing,
            ("POST", "react"): _react,
            ("POST", "answer"): _answer_press,
            ("GET", "files"): _file,
        }
    )
)
