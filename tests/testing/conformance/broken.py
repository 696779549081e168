"""Adapters for the loopback platform, each wrong in one way that the kit has to find."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import ClassVar

import httpx
import trio

from hermes_trio.adapter_api import (
    BotIdentity,
    ChatGone,
    CredentialConflict,
    CredentialRefused,
    HermesTrioError,
    MarkupRefused,
    RateLimited,
    Refused,
    SentMessage,
    Unreachable,
)
from hermes_trio.testing.loopback import wire
from hermes_trio.testing.loopback.adapter import LoopbackAdapter
from hermes_trio.testing.loopback.rig import LoopbackRig

HERE = __name__


class Proxy:
    """Something with a few things replaced."""

    def __init__(self, real, **replaced) -> None:
        self.__dict__.update(replaced)
        self._real = real

    def __getattr__(self, name):
        return getattr(self._real, name)


def translating(wanted, instead, *paths):
    """An adapter that takes one error for another, when it calls one of the paths or any."""

    class Translating(LoopbackAdapter):
        async def _ask(self, method, path, body, headers, seconds):
            try:
                return await super()._ask(method, path, body, headers, seconds)
            except wanted as error:
                if paths and not path.startswith(paths):
                    raise
                raise instead(error) from error

    return Translating


def unreachable(error):
    return Unreachable(str(error))


def refused(error):
    return Refused(str(error))


class SameIdentity(LoopbackAdapter):
    async def run(self, context, *, task_status):
        started = Proxy(task_status, started=lambda _: task_status.started(BotIdentity("1", "the bot")))
        await super().run(context, task_status=started)


class StartsEarly(LoopbackAdapter):
    """Says that it has connected before it has asked the platform anything."""

    async def run(self, context, *, task_status):
        task_status.started(BotIdentity("1", "the bot"))
        await super().run(context, task_status=Proxy(task_status, started=lambda _: None))


class Impatient(LoopbackAdapter):
    async def run(self, context, *, task_status):
        while True:
            try:
                await self._call("GET", "/me", wire.Me)
                break
            except Unreachable as error:
                context.troubled(error.code, str(error), 1.0)
                await trio.sleep(1)
        await super().run(context, task_status=task_status)


class Silent(LoopbackAdapter):
    async def run(self, context, *, task_status):
        await super().run(Proxy(context, troubled=lambda *_: None), task_status=task_status)


class ConfirmsAll(LoopbackAdapter):
    """Goes on behind what it could not hand over."""

    async def _receive(self, context, nursery, after):
        answer = await self._call("GET", f"/events?after={after}&wait=50", wire.Events, seconds=65)
        messages = [wire.to_message(event.message) for event in answer.events]
        try:
            await context.receive(messages)
        except HermesTrioError as error:
            context.troubled(error.code, str(error))
        return answer.events[-1].cursor if answer.events else after


class ReceivesBeside(LoopbackAdapter):
    """Confirms a message while it is being stored."""

    async def _receive(self, context, nursery, after):
        beside = Proxy(context, receive=lambda messages: self._beside(context, nursery, messages))
        return await super()._receive(beside, nursery, after)

    async def _beside(self, context, nursery, messages):
        await trio.lowlevel.checkpoint()
        nursery.start_soon(context.receive, messages)


class DropsPending(LoopbackAdapter):
    async def run(self, context, *, task_status):
        pending = await self._call("GET", "/events?after=0&wait=0", wire.Events)
        if pending.events:
            await self._call("GET", f"/events?after={pending.events[-1].cursor}&wait=0", wire.Events)
        await super().run(context, task_status=task_status)


class Renames(LoopbackAdapter):
    """Gives each delivery of a message an id of its own."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self._numbers = itertools.count(1000)

    async def _receive(self, context, nursery, after):
        async def receive(messages):
            await context.receive([replace(one, message_id=str(next(self._numbers))) for one in messages])

        return await super()._receive(Proxy(context, receive=receive), nursery, after)


class Timeless(LoopbackAdapter):
    async def _receive(self, context, nursery, after):
        async def receive(messages):
            await context.receive([replace(one, at=12.0) for one in messages])

        return await super()._receive(Proxy(context, receive=receive), nursery, after)


class LastTokenWins(LoopbackAdapter):
    """Keeps the credential where all adapters share it."""

    shared: ClassVar[dict[str, str]] = {}

    def __init__(self, scope, url, token) -> None:
        super().__init__(scope, url, token)
        self.shared["token"] = token

    async def send(self, target, text):
        self._token, own = self.shared["token"], self._token
        try:
            return await super().send(target, text)
        finally:
            self._token = own


class CountsTogether(LoopbackAdapter):
    sent: ClassVar[list[str]] = []

    async def send(self, target, text):
        self.sent.append(target.chat_id)
        return await super().send(target, text)


class NotExclusive(LoopbackAdapter):
    exclusive_resources = ()


class Threadless(LoopbackAdapter):
    async def send(self, target, text):
        return await super().send(replace(target, thread_id=None), text)


class FetchesAnySize(LoopbackAdapter):
    async def fetch(self, attachment, path, limit):
        await super().fetch(attachment, path, 10**9)


class CutsOff(LoopbackAdapter):
    async def send(self, target, text):
        return await super().send(target, replace(text, text=text.text[:900], formatted=None))


class AsciiOnly(LoopbackAdapter):
    async def send(self, target, text):
        plain = text.text.encode("ascii", "ignore").decode() or "?"
        return await super().send(target, replace(text, text=plain, formatted=None))


class NewKeys(LoopbackAdapter):
    def __init__(self, *args) -> None:
        super().__init__(*args)
        self._keys = itertools.count()

    async def send(self, target, text):
        return await super().send(target, replace(text, idempotency_key=f"key-{next(self._keys)}"))


class OneAtATime(LoopbackAdapter):
    """Sends nothing while it hands messages over."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self._lock = trio.Lock()

    async def _receive(self, context, nursery, after):
        async def receive(messages):
            async with self._lock:
                await context.receive(messages)

        return await super()._receive(Proxy(context, receive=receive), nursery, after)

    async def send(self, target, text):
        async with self._lock:
            return await super().send(target, text)


class OneBuffer(LoopbackAdapter):
    async def send(self, target, text):
        self._text = text
        await trio.lowlevel.checkpoint()
        return await super().send(target, self._text)


class LosesAnswers(LoopbackAdapter):
    async def send(self, target, text):
        try:
            return await super().send(target, text)
        except Unreachable as error:
            raise refused(error) from error


class LeavesFilesOpen(LoopbackAdapter):
    async def run(self, context, *, task_status):
        os.dup(2)
        await super().run(context, task_status=task_status)


class SpawnsSystemTasks(LoopbackAdapter):
    async def run(self, context, *, task_status):
        trio.lowlevel.spawn_system_task(trio.sleep, 1000)
        await super().run(context, task_status=task_status)


class Shields(LoopbackAdapter):
    async def run(self, context, *, task_status):
        try:
            await super().run(context, task_status=task_status)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(20)


class WorksOnce(LoopbackAdapter):
    async def run(self, context, *, task_status):
        if self._scope.generation > 1:
            raise CredentialRefused("works in the first generation only")
        await super().run(context, task_status=task_status)


class Hectic(LoopbackAdapter):
    async def _receive(self, context, nursery, after):
        await trio.sleep(2)
        answer = await self._call("GET", f"/events?after={after}&wait=0", wire.Events)
        await context.receive([wire.to_message(event.message) for event in answer.events])
        return answer.events[-1].cursor if answer.events else after


class ReadsEnvironment(LoopbackAdapter):
    async def send(self, target, text):
        os.environ.get("HTTP_PROXY")
        return await super().send(target, text)


class ReadsEnvironmentThroughALibrary(LoopbackAdapter):
    async def send(self, target, text):
        httpx.AsyncClient(trust_env=True)
        return await super().send(target, text)


class TellsSecrets(LoopbackAdapter):
    async def _ask(self, method, path, body, headers, seconds):
        secret = self._scope.secrets.get("CONFORMANCE_CANARY")
        return await super()._ask(method, path, body, {**headers, "x-debug": secret}, seconds)


class SendsInsteadOfEditing(LoopbackAdapter):
    async def edit(self, target, message_id, text):
        await self.send(target, text)


class DeletesOnce(LoopbackAdapter):
    async def delete(self, target, message_id):
        await self._call("POST", "/delete", wire.Nothing, {"chat": target.chat_id, "id": message_id})


class NeverTypes(LoopbackAdapter):
    async def show_typing(self, target):
        await trio.lowlevel.checkpoint()


class ReactsToTheFirst(LoopbackAdapter):
    async def react(self, target, message_id, reaction):
        await super().react(target, "1", reaction)


class NoButtons(LoopbackAdapter):
    async def send(self, target, text):
        return await super().send(target, replace(text, buttons=()))


class EmptyFiles(LoopbackAdapter):
    async def upload(self, target, media):
        query = httpx.QueryParams(chat=target.chat_id, kind=media.kind, caption=media.caption.text)
        return SentMessage((await self._call("POST", f"/upload?{query}", wire.Sent)).id)


Stubborn = translating(CredentialRefused, unreachable)
TakesConflictForOutage = translating(CredentialConflict, unreachable)
TakesRateLimitForOutage = translating(RateLimited, unreachable)
GivesUpOnMarkup = translating(MarkupRefused, refused)
TriesGoneChats = translating(ChatGone, unreachable)
LosesAnswersWithItsToken = translating(CredentialRefused, refused, "/send")


class BrokenRig(LoopbackRig):
    """The loopback platform with one of these adapters."""

    packages = (HERE,)

    def __init__(self, adapter: type[LoopbackAdapter], *, token: str | None = None) -> None:
        self._adapter = adapter
        self._token = token

    @property
    def factory(self):
        def make(scope, config):
            return self._adapter(scope, config.extra["url"], config.token or self._token or "")

        return make
