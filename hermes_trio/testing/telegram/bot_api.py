"""The Bot API over HTTP: finds the bot and the method, applies faults and limits, answers."""

from __future__ import annotations

import contextlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.http.types import ClientGone
from hermes_trio.testing.faults import Fault, FaultKind, FaultPlan
from hermes_trio.testing.telegram.answers import (
    ApiRefusal,
    bad_request,
    conflict,
    encode_result,
    not_found,
    too_many_requests,
    unauthorized,
)
from hermes_trio.testing.telegram.call import Call, read_parameters
from hermes_trio.testing.telegram.context import Context, Method
from hermes_trio.testing.telegram.methods_bot import BOT_METHODS
from hermes_trio.testing.telegram.methods_media import MEDIA_METHODS
from hermes_trio.testing.telegram.methods_messages import MESSAGE_METHODS
from hermes_trio.testing.telegram.polling import get_updates
from hermes_trio.testing.telegram.state import TOKEN, BotState, TelegramState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.http.types import Request, Responder
    from hermes_trio.testing.telegram.model import Json
    from hermes_trio.testing.telegram.rate_limits import RateLimits

_POLL: Final = "getUpdates"
_METHODS: Final[Mapping[str, Method]] = MappingProxyType({**BOT_METHODS, **MESSAGE_METHODS, **MEDIA_METHODS})
_NAMES: Final[Mapping[str, str]] = MappingProxyType({name.lower(): name for name in (*_METHODS, _POLL)})
_BAD_GATEWAY: Final = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"


class BotApi:
    """Answers ``/bot<token>/<method>`` and ``/file/bot<token>/<file_path>``.

    Args:
        state: What it works on.
        faults: What goes wrong on order.

    Attributes:
        limits: Flood control; None for none.
    """

    def __init__(self, state: TelegramState, faults: FaultPlan) -> None:
        self.limits: RateLimits | None = None
        self._state = state
        self._faults = faults

    async def answer(self, request: Request, responder: Responder) -> None:
        """Answer one request."""
        try:
            result = await self._answer(request, responder)
        except ApiRefusal as refusal:
            await responder.send(refusal.status, refusal.encode())
        else:
            if result is not None:
                await responder.send(200, result)

    def call_from_webhook(self, bot: BotState, values: Json) -> None:
        """Perform the call that a webhook gave as its answer; like Telegram, without telling whether it worked."""
        name = _NAMES.get(str(values["method"]).lower(), "")
        method = _METHODS.get(name)
        if method is not None:
            with contextlib.suppress(ApiRefusal):
                method(Context(self._state, bot, Call(bot.token, name, values)))

    async def _answer(self, request: Request, responder: Responder) -> bytes | None:
        """The body of a good answer, or None when it has been sent already."""
        parts = request.segments
        if parts and parts[0] == "file":
            await self._send_file(parts[1:], responder)
            return None
        if len(parts) != 2 or not parts[0].startswith("bot"):
            raise not_found()
        token = parts[0].removeprefix("bot")
        name = _NAMES.get(parts[1].lower(), parts[1])
        self._state.calls[name] += 1
        fault = self._faults.take(token, name)
        if fault is not None and await _strike(fault, responder):
            return None
        context = Context(self._state, self._find_bot(token), Call(token, name, *read_parameters(request)))
        body = encode_result(await self._perform(context, responder))
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            raise ClientGone
        return body

    def _find_bot(self, token: str) -> BotState:
        if not TOKEN.fullmatch(token):
            raise not_found()
        bot = self._state.bot(token)
        if bot is None or bot.revoked:
            raise unauthorized()
        if bot.logged_out:
            raise bad_request("Logged out")
        return bot

    async def _perform(self, context: Context, responder: Responder) -> object:
        call = context.call
        if call.method == _POLL:
            return await get_updates(context, responder)
        method = _METHODS.get(call.method)
        if method is None:
            raise ApiRefusal(404, "Not Found: method not found")
        if self.limits is not None and call.method.startswith(("send", "edit")) and call.method != "sendChatAction":
            self.limits.check(call.token, call.text("chat_id"))
        return method(context)

    async def _send_file(self, parts: tuple[str, ...], responder: Responder) -> None:
        token = parts[0].removeprefix("bot") if parts and parts[0].startswith("bot") else ""
        fault = self._faults.take(token, "file")
        if fault is not None and await _strike(fault, responder):
            return
        self._find_bot(token)
        path = "/".join(parts[1:])
        file = next((file for file in self._state.files.values() if file.path == path), None)
        if file is None:
            raise not_found()
        await responder.send(200, file.content, content_type="application/octet-stream")


async def _strike(fault: Fault, responder: Responder) -> bool:
    """Let a fault happen; whether the call is over with it.

    Raises:
        ApiRefusal: The fault is an answer of the Bot API.
        ClientGone: The fault is a dropped connection.
    """
    refusals = {
        FaultKind.TOO_MANY_REQUESTS: too_many_requests(max(round(fault.seconds), 1)),
        FaultKind.SERVER_ERROR: ApiRefusal(500, "Internal Server Error"),
        FaultKind.UNAUTHORIZED: unauthorized(),
        FaultKind.CONFLICT: conflict(
            "terminated by other getUpdates request; make sure that only one bot instance is running"
        ),
        FaultKind.ERROR: ApiRefusal(fault.status, fault.description),
    }
    if fault.kind in refusals:
        raise refusals[fault.kind]
    if fault.kind is FaultKind.DROP_BEFORE:
        raise ClientGone
    if fault.kind is FaultKind.BAD_GATEWAY:
        await responder.send(502, _BAD_GATEWAY, content_type="text/html")
    elif fault.kind is FaultKind.MALFORMED:
        await responder.send(200, b'{"ok":true,"result":{"message_id":')
    elif fault.kind is FaultKind.HANG:
        await responder.wait_client_gone()
        raise ClientGone
    else:
        if fault.kind is FaultKind.SLOW:
            await trio.sleep(fault.seconds)
        return False
    return True
