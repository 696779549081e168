"""The control surface: lets a test drive a fake that runs in another process.

Everything lies under ``/_control/`` and speaks JSON. Unknown fields are refused with 400.

======  ========  ============================================================================================
POST    bots      ``{"token", "username"?, "privacy"?}``: registers a bot
POST    chats     ``{"kind", "title", "tokens"?, "forum"?, "username"?}``: a group, supergroup or channel;
                  answers ``{"id"}``
POST    topics    ``{"chat", "name"}``: opens a forum topic; answers ``{"thread"}``
POST    messages  ``{"token" or "chat", "user"?, "name"?, "username"?, "text"?, "thread"?, "reply_to"?,
                  "edit"?, "file"?: {"kind", "content" in base64, "name"?, "mime_type"?}}`` or a list of them: a
                  person writes, or changes message ``edit``; a token nobody registered is registered; answers
                  ``{"message_ids"}``
POST    presses   ``{"token", "chat", "message_id", "button", "user"?, "name"?}``: a person presses a button;
                  answers ``{"query_id"}``
POST    faults    ``{"kind", "token"?, "method"?, "times"?, "probability"?, "seconds"?, "status"?,
                  "description"?}``: see `Fault`
DELETE  faults    ends all faults
POST    limits    ``{"per_bot"?, "per_chat"?}``: switches flood control on
DELETE  limits    switches it off
GET     state     ``{"bots": {token: {"polls", "is_polling", "pending", "conflicts", "webhook"}}, "calls", "sent",
                  "errors"}``; ``errors`` is what went wrong inside the fake
GET     sent      ``?since=N&wait=S``: ``{"next", "rows"}``, calls with an effect from index N on; waits up to S
                  seconds for one
======  ========  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec
import trio

from hermes_trio.testing.faults import Fault
from hermes_trio.testing.telegram.bots import FakeBot
from hermes_trio.testing.telegram.model import ChatKind, Message
from hermes_trio.testing.telegram.places import Attachment
from hermes_trio.testing.telegram.rate_limits import RateLimits
from hermes_trio.testing.telegram.sent import Sent

if TYPE_CHECKING:
    from hermes_trio.http.types import Request, Responder
    from hermes_trio.testing.telegram.fake import FakeTelegram
    from hermes_trio.testing.telegram.people import FakeUser
    from hermes_trio.testing.telegram.state import BotState

_Body = TypeVar("_Body")
_Action: TypeAlias = Callable[["FakeTelegram", "Request"], Awaitable[object]]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Bot(_Strict, frozen=True):
    token: str
    username: str = ""
    privacy: bool = False


class _Chat(_Strict, frozen=True):
    kind: ChatKind
    title: str
    tokens: tuple[str, ...] = ()
    forum: bool = False
    username: str = ""


class _Topic(_Strict, frozen=True):
    chat: int
    name: str


class _File(_Strict, frozen=True):
    kind: str
    content: bytes
    name: str = ""
    mime_type: str = ""


class _Person(_Strict, frozen=True, kw_only=True):
    user: int = 1001
    name: str = "Alice"
    username: str = ""

    def of(self, fake: FakeTelegram) -> FakeUser:
        return fake.user(self.user, self.name, self.username)


class _Message(_Person, frozen=True, kw_only=True):
    token: str = ""
    chat: int | None = None
    text: str = ""
    thread: int | None = None
    reply_to: int | None = None
    edit: int | None = None
    file: _File | None = None


class _Press(_Person, frozen=True, kw_only=True):
    token: str
    chat: int
    message_id: int
    button: str


class _Limits(_Strict, frozen=True):
    per_bot: int = 30
    per_chat: int = 1


def _read(request: Request, kind: type[_Body]) -> _Body:
    return msgspec.json.decode(request.body or b"{}", type=kind)


async def _add_bot(fake: FakeTelegram, request: Request) -> object:
    wanted = _read(request, _Bot)
    bot = fake.bot(wanted.token, wanted.username, privacy=wanted.privacy)
    return {"id": bot.id, "username": bot.username}


async def _add_chat(fake: FakeTelegram, request: Request) -> object:
    wanted = _read(request, _Chat)
    bots = [fake.bot(token) for token in wanted.tokens]
    if wanted.kind is ChatKind.GROUP:
        return {"id": fake.group(wanted.title, *bots).id}
    if wanted.kind is ChatKind.SUPERGROUP:
        return {"id": fake.supergroup(wanted.title, *bots, forum=wanted.forum, username=wanted.username).id}
    if wanted.kind is ChatKind.CHANNEL:
        return {"id": fake.channel(wanted.title, *bots, username=wanted.username).id}
    raise ValueError("a private chat is opened by the first message")


async def _add_topic(fake: FakeTelegram, request: Request) -> object:
    wanted = _read(request, _Topic)
    return {"thread": await fake.chat(wanted.chat).opens_topic(wanted.name)}


async def _add_messages(fake: FakeTelegram, request: Request) -> object:
    several = request.body.lstrip().startswith(b"[")
    items = _read(request, list[_Message]) if several else [_read(request, _Message)]
    return {"message_ids": [(await _add_message(fake, item)).id for item in items]}


async def _add_message(fake: FakeTelegram, item: _Message) -> Message:
    person = item.of(fake)
    where = fake.bot(item.token) if item.chat is None else fake.chat(item.chat)
    messages = (person.opens(where) if isinstance(where, FakeBot) else where.chat).messages
    if item.edit is not None:
        await person.edits(messages[item.edit], item.text)
        return messages[item.edit]
    file = item.file
    attachment = None if file is None else Attachment(file.kind, file.content, file.name, file.mime_type)
    reply_to = None if item.reply_to is None else messages[item.reply_to]
    return await person.sends(where, attachment, item.text, thread=item.thread, reply_to=reply_to)


async def _press(fake: FakeTelegram, request: Request) -> object:
    wanted = _read(request, _Press)
    bot = fake.bot(wanted.token).bot_state
    chat = bot.chats.get(wanted.chat) or fake.state.chats[wanted.chat]
    pressed = await wanted.of(fake).presses(chat.messages[wanted.message_id], wanted.button)
    return {"query_id": pressed.query_id}


async def _add_fault(fake: FakeTelegram, request: Request) -> object:
    fake.faults.add(_read(request, Fault))
    return {}


async def _clear_faults(fake: FakeTelegram, _request: Request) -> object:
    fake.faults.clear()
    return {}


async def _set_limits(fake: FakeTelegram, request: Request) -> object:
    wanted = _read(request, _Limits)
    fake.limit_rates(RateLimits(wanted.per_bot, wanted.per_chat))
    return {}


async def _clear_limits(fake: FakeTelegram, _request: Request) -> object:
    fake.limit_rates(None)
    return {}


async def _state(fake: FakeTelegram, _request: Request) -> object:
    return {
        "bots": {token: _describe(bot) for token, bot in fake.state.bots.items()},
        "calls": fake.state.calls,
        "sent": len(fake.sent),
        "errors": [repr(error) for error in fake.request_errors],
    }


def _describe(bot: BotState) -> dict[str, object]:
    return {
        "polls": bot.polls,
        "is_polling": bot.poll is not None,
        "pending": len(bot.queue),
        "conflicts": bot.conflicts,
        "webhook": "" if bot.webhook is None else bot.webhook.url,
    }


async def _sent(fake: FakeTelegram, request: Request) -> object:
    since = int(request.query.get("since", "0"))
    with trio.move_on_after(float(request.query.get("wait", "0"))):
        while len(fake.sent) <= since:
            await fake.state.changed.wait()
    return {"next": len(fake.sent), "rows": [_row(sent) for sent in fake.sent[since:]]}


def _row(sent: Sent) -> dict[str, object]:
    """A record without the live message, which is no value."""
    names = (each.name for each in fields(Sent) if each.name != "message")
    return {name: getattr(sent, name) for name in names}


_ACTIONS: Final[Mapping[tuple[str, str], _Action]] = MappingProxyType(
    {
        ("POST", "bots"): _add_bot,
        ("POST", "chats"): _add_chat,
        ("POST", "topics"): _add_topic,
        ("POST", "messages"): _add_messages,
        ("POST", "presses"): _press,
        ("POST", "faults"): _add_fault,
        ("DELETE", "faults"): _clear_faults,
        ("POST", "limits"): _set_limits,
        ("DELETE", "limits"): _clear_limits,
        ("GET", "state"): _state,
        ("GET", "sent"): _sent,
    }
)


async def answer_control(fake: FakeTelegram, request: Request, responder: Responder) -> None:
    """Answer a request under ``/_control/``: 200 with a JSON object, or 400 or 404 with ``{"error"}``."""
    action = _ACTIONS.get((request.method, "/".join(request.segments[1:])))
    if action is None:
        await responder.send(404, msgspec.json.encode({"error": "see hermes_trio.testing.telegram.control"}))
        return
    try:
        answer = await action(fake, request)
    except (ValueError, KeyError) as exc:  # msgspec's errors are ValueErrors
        await responder.send(400, msgspec.json.encode({"error": f"{type(exc).__name__}: {exc}"}))
    else:
        await responder.send(200, msgspec.json.encode(answer))
