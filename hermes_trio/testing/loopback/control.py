"""The control surface: lets a test drive a platform that runs in another process.

Everything lies under ``/_control/`` and speaks JSON. Unknown fields are refused with 400.

======  ========  ============================================================================================
POST    messages  ``{"token", "text", "chat"?, "user"?, "name"?, "kind"?, "thread"?}`` or a list of them: a person
                  writes; a token nobody registered is registered; answers ``{"message_ids"}``
POST    presses   ``{"token", "chat", "message_id", "button", "user"?}``: a person presses a button
POST    faults    ``{"kind", "token"?, "method"?, "times"?, "probability"?, "seconds"?, "status"?,
                  "description"?}``: see `Fault`
DELETE  faults    ends all faults
GET     state     ``{"bots": {token: {"polls", "is_polling", "pending"}}, "done", "errors"}``; ``errors`` is what went
                  wrong inside the server
GET     done      ``?since=N&wait=S``: ``{"next", "rows"}``, what bots did from index N on; waits up to S seconds
                  for something
======  ========  ============================================================================================
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import trio

from hermes_trio.testing.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from hermes_trio.http.types import Request, Responder
    from hermes_trio.testing.loopback.server import LoopbackServer

_Body = TypeVar("_Body")


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str
    text: str
    chat: str = "7"
    user: str = "7"
    name: str = "Alice"
    kind: str = "dm"
    thread: str | None = None


class _Press(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str
    chat: str
    message_id: str
    button: str
    user: str = "7"


def _read(request: Request, kind: type[_Body]) -> _Body:
    return msgspec.json.decode(request.body, type=kind)


async def _add_messages(server: LoopbackServer, request: Request) -> object:
    several = request.body.lstrip().startswith(b"[")
    items = _read(request, list[_Message]) if several else [_read(request, _Message)]
    return {"message_ids": [await _add_message(server, item) for item in items]}


async def _add_message(server: LoopbackServer, item: _Message) -> str:
    place = msgspec.structs.asdict(item)
    bot, text = server.bot(place.pop("token")), place.pop("text")
    return await server.says(bot, text, **place)


async def _press(server: LoopbackServer, request: Request) -> object:
    wanted = _read(request, _Press)
    bot = server.bot(wanted.token)
    return {"press": await server.presses(bot, wanted.chat, wanted.message_id, wanted.button, user=wanted.user)}


async def _add_fault(server: LoopbackServer, request: Request) -> object:
    server.faults.add(_read(request, Fault))
    return {}


async def _clear_faults(server: LoopbackServer, _request: Request) -> object:
    server.faults.clear()
    return {}


async def _state(server: LoopbackServer, _request: Request) -> object:
    bots = {
        token: {"polls": bot.polls, "is_polling": bot.poll is not None, "pending": len(bot.events)}
        for token, bot in server.state.bots.items()
    }
    errors = [repr(error) for error in server.request_errors]
    return {"bots": bots, "done": len(server.state.done), "errors": errors}


async def _done(server: LoopbackServer, request: Request) -> object:
    since, done = int(request.query.get("since", "0")), server.state.done
    with trio.move_on_after(float(request.query.get("wait", "0"))):
        while len(done) <= since:
            await server.state.changed.wait()
    return {"next": len(done), "rows": done[since:]}


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[LoopbackServer, Request], Awaitable[object]]]] = MappingProxyType(
    {
        ("POST", "messages"): _add_messages,
        ("POST", "presses"): _press,
        ("POST", "faults"): _add_fault,
        ("DELETE", "faults"): _clear_faults,
        ("GET", "state"): _state,
        ("GET", "done"): _done,
    }
)


async def answer_control(server: LoopbackServer, request: Request, responder: Responder) -> None:
    """Answer a request under ``/_control/``: 200 with a JSON object, or 400 or 404 with ``{"error"}``."""
    action = _ACTIONS.get((request.method, "/".join(request.segments[1:])))
    if action is None:
        await responder.send(404, msgspec.json.encode({"error": "see hermes_trio.testing.loopback.control"}))
        return
    try:
        answer = await action(server, request)
    except (ValueError, KeyError) as exc:  # msgspec's errors are ValueErrors
        await responder.send(400, msgspec.json.encode({"error": f"{type(exc).__name__}: {exc}"}))
    else:
        await responder.send(200, msgspec.json.encode(answer))
