"""The adapter for the loopback platform: the example for authors of adapters.

It imports nothing of hermes_trio but `hermes_trio.adapter_api`, keeps nothing in its module, and reads no environment:
what it needs stands in its settings, and its way out is the profile's HTTP client. The platform's interface is
described in `hermes_trio.testing.loopback.api`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import msgspec
import trio

from hermes_trio.adapter_api import (
    AdapterError,
    BotIdentity,
    Capabilities,
    ChatGone,
    ConfigError,
    CredentialConflict,
    CredentialMissing,
    CredentialRefused,
    ExclusiveResource,
    HermesTrioError,
    MarkupRefused,
    MediaKind,
    NotModified,
    RateLimited,
    Refused,
    SentMessage,
    Unreachable,
)
from hermes_trio.testing.loopback import wire
from hermes_trio.testing.loopback.markup import render_markup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hermes_trio.adapter_api import (
        Adapter,
        AdapterContext,
        Attachment,
        OutgoingMedia,
        OutgoingText,
        PlatformConfig,
        ProfileScope,
        Target,
    )

T = TypeVar("T")

POLL_SECONDS: Final = 50.0
ANSWER_SECONDS: Final = 30.0
LONGEST_PAUSE: Final = 30.0

CAPABILITIES: Final = Capabilities(
    text_limit=1000,
    render=render_markup,
    edits=True,
    deletes=True,
    threads=True,
    typing=True,
    reactions=True,
    buttons=True,
    media=frozenset(MediaKind),
    caption_limit=200,
    idempotent_sends=True,
    requires_mention=False,
)

_ERRORS: Final[Mapping[str, type[AdapterError]]] = {
    "bad_token": CredentialRefused,
    "conflict": CredentialConflict,
    "rate_limited": RateLimited,
    "chat_gone": ChatGone,
    "bad_markup": MarkupRefused,
    "not_modified": NotModified,
}


def make_adapter(scope: ProfileScope, config: PlatformConfig) -> Adapter:
    """Make the adapter of a profile's bot; the entry point. Touches no network.

    Raises:
        ConfigError: The platform's address is missing.
        CredentialMissing: There is no token.
    """
    url = str(config.extra.get("url") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ConfigError(
            "the loopback platform's address is missing",
            profile=scope.name,
            where="config.yaml platforms.loopback.extra.url",
            expected="http://host:port",
            mend="set it to where `python -m hermes_trio.testing.loopback` listens",
        )
    if not config.token:
        raise CredentialMissing(
            "there is no token", profile=scope.name, where=".env LOOPBACK_BOT_TOKEN", mend="put the bot's token there"
        )
    return LoopbackAdapter(scope, url, config.token)


class LoopbackAdapter:
    """One bot of the loopback platform; see `hermes_trio.adapter_api.Adapter` for the methods.

    Args:
        scope: Whose bot it is.
        url: Where the platform is.
        token: The bot's token.
    """

    def __init__(self, scope: ProfileScope, url: str, token: str) -> None:
        self._scope = scope
        self._url = url
        self._token = token

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""
        return CAPABILITIES

    @property
    def exclusive_resources(self) -> Sequence[ExclusiveResource]:
        """The token: a second reader would take away the first one's events."""
        return (ExclusiveResource("loopback-bot-token", self._token),)

    async def run(self, context: AdapterContext, *, task_status: trio.TaskStatus[BotIdentity]) -> None:
        """Connect, and receive until cancelled."""
        # A failure here ends the run, and the core tries again with growing pauses.
        me = await self._call("GET", "/me", wire.Me)
        task_status.started(BotIdentity(me.id, me.name))
        after, failures = 0, 0
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    after = await self._receive(context, nursery, after)
                except (CredentialRefused, CredentialConflict):
                    raise
                except HermesTrioError as error:
                    # Also what the core could not keep: as it is not confirmed, the platform delivers it again.
                    failures += 1
                    asked = error.retry_after if isinstance(error, AdapterError) else None
                    pause = min(2.0**failures, LONGEST_PAUSE) if asked is None else asked
                    context.troubled(error.code, str(error), pause)
                    await trio.sleep(pause)
                else:
                    failures = 0
                    context.connected()

    async def _receive(self, context: AdapterContext, nursery: trio.Nursery, after: int) -> int:
        """Ask for events once; the cursor up to which all is safe. The next request confirms that much."""
        path = f"/events?after={after}&wait={POLL_SECONDS:g}"
        # Longer than the platform takes to say that there is nothing: what answers later is dead.
        answer = await self._call("GET", path, wire.Events, seconds=POLL_SECONDS + 15)
        await context.receive([wire.to_message(event.message) for event in answer.events if event.message is not None])
        for event in answer.events:
            if event.press is not None:
                # Somebody waits for it, but messages must not.
                nursery.start_soon(self._press, context, event.press)
        return answer.events[-1].cursor if answer.events else after

    async def _press(self, context: AdapterContext, press: wire.Press) -> None:
        try:
            notice = await context.press(wire.to_press(press))
            await self._call("POST", "/answer", wire.Nothing, {"press": press.id, "text": notice})
        except HermesTrioError as error:
            self._scope.log.warning("a press of a button could not be answered", why=str(error))

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        """Send a text."""
        body = {"chat": target.chat_id, "thread": target.thread_id, "reply_to": text.reply_to, "silent": text.silent}
        sent = await self._call("POST", "/send", wire.Sent, {**body, **_words(text)}, key=text.idempotency_key)
        return SentMessage(sent.id)

    async def edit(self, target: Target, message_id: str, text: OutgoingText) -> None:
        """Replace the text and buttons of a sent message."""
        await self._call("POST", "/edit", wire.Nothing, {"chat": target.chat_id, "id": message_id, **_words(text)})

    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a sent message."""
        try:
            await self._call("POST", "/delete", wire.Nothing, {"chat": target.chat_id, "id": message_id})
        except Refused as error:
            if error.found != "no_message":  # gone already is fine
                raise

    async def upload(self, target: Target, media: OutgoingMedia) -> SentMessage:
        """Send a file."""
        content = await self._scope.run_blocking(media.path.read_bytes)
        query = httpx.QueryParams(
            chat=target.chat_id,
            thread=target.thread_id or "",
            kind=media.kind,
            name=media.name,
            caption=media.caption.text if media.caption is not None else "",
            **({"reply_to": media.reply_to} if media.reply_to else {}),
        )
        sent = await self._call("POST", f"/upload?{query}", wire.Sent, content, key=media.idempotency_key)
        return SentMessage(sent.id)

    async def show_typing(self, target: Target) -> None:
        """Show that the bot is writing."""
        await self._call("POST", "/typing", wire.Nothing, {"chat": target.chat_id, "thread": target.thread_id})

    async def react(self, target: Target, message_id: str, reaction: str) -> None:
        """React to a message."""
        body = {"chat": target.chat_id, "id": message_id, "reaction": reaction}
        await self._call("POST", "/react", wire.Nothing, body)

    async def fetch(self, attachment: Attachment, path: Path, limit: int) -> None:
        """Fetch a file that came in."""
        if attachment.size is not None and attachment.size > limit:
            raise Refused("the file is too large", found=f"{attachment.size} bytes, at most {limit}")
        content = await self._ask("GET", f"/files/{attachment.reference}", b"", {}, ANSWER_SECONDS)
        if len(content) > limit:
            raise Refused("the file is too large", found=f"{len(content)} bytes, at most {limit}")
        await self._scope.run_blocking(path.write_bytes, content)

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[T],
        body: Mapping[str, object] | bytes = b"",
        *,
        key: str = "",
        seconds: float = ANSWER_SECONDS,
    ) -> T:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"idempotency-key": key} if key else {}
        said = await self._ask(method, path, content, headers, seconds)
        try:
            return msgspec.json.decode(said, type=answer)
        except msgspec.MsgspecError as exc:
            raise Unreachable("the answer cannot be read", where=path, may_have_arrived=True) from exc

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float) -> bytes:
        """Make a request; whatever goes wrong becomes the error that tells the core what to do about it."""
        headers = {"authorization": f"Bearer {self._token}", **headers}
        where = path.partition("?")[0]
        # On a connection that broke the HTTP client may ask again by itself; without a key that could say things twice.
        once = method == "POST" and "idempotency-key" not in headers
        try:
            response = await self._scope.http.client().request(
                method, self._url + path, content=body, headers=headers, timeout=seconds, extensions={"once": once}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise Unreachable(f"cannot be reached: {exc}", where=where) from exc
        except httpx.HTTPError as exc:
            # From here on the platform may have done it.
            raise Unreachable(
                f"gave no answer: {str(exc) or type(exc).__name__}", where=where, may_have_arrived=True
            ) from exc
        if response.status_code == 200:
            return response.content
        raise _failure(response, where)


def _failure(response: httpx.Response, where: str) -> AdapterError:
    status = response.status_code
    try:
        refusal = msgspec.json.decode(response.content, type=wire.Refusal)
    except msgspec.MsgspecError:
        refusal = wire.Refusal("", f"HTTP status {status}")
    kind = _ERRORS.get(refusal.error, Unreachable if status >= 500 else Refused)
    return kind(
        refusal.message,
        where=where,
        found=refusal.error,
        retry_after=refusal.retry_after,
        may_have_arrived=status >= 500,
    )


def _words(text: OutgoingText) -> dict[str, object]:
    return {
        "text": text.text if text.formatted is None else text.formatted,
        "markup": text.formatted is not None,
        "buttons": [[(button.label, button.data) for button in row] for row in text.buttons],
    }
