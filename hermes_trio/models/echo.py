"""``builtin/echo``: a model that needs no key, no network and no disk, and answers the same question always alike.

It speaks in the persona's name, word by word: ``Ada here. You said: hello``. The name is found in the system prompt:
the first line that is a Markdown heading (``# Ada``) or says ``You are Ada`` gives it; headings such as ``# Soul`` do
not count.

A message that begins with one of these commands scripts the answer:

====================  ==============================================================================================
``!say TEXT``         answers TEXT and nothing else
``!persona``          the persona's name
``!model``            the model's name
``!system``           the system prompt's length and the first 16 digits of its SHA-256
``!system text``      the system prompt itself
``!history``          how many messages came before this one, and what the user's first one was
``!usage``            how many words the conversation has
``!sleep SECONDS``    waits, then answers
``!tokens N [MS]``    N words, each MS milliseconds after the one before
``!think TEXT``       reasons TEXT, then answers
``!fail STATUS [S]``  fails like a provider that answers with this HTTP status, and with ``Retry-After: S``
``!drop [TEXT]``      breaks off in the middle of the answer
``!hang``             never answers
====================  ==============================================================================================

Lines that begin with ``!tool NAME JSON`` make it use tools, one step for each line; a line ``!also NAME JSON`` adds a
call to the step before it. At the end it says what the tools said.

Tokens are words. What fails goes the way of a real provider's failure: retries, fallbacks, typed errors.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.models import failures
from hermes_trio.models.echo_tools import next_calls, quote_results
from hermes_trio.models.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.request import ChatMessage, ModelRequest, ToolCall
    from hermes_trio.models.target import ModelTarget

NAMELESS: Final = "Echo"
MOST_TOKENS: Final = 100_000
FLOOD_BATCH: Final = 16
"""Words together when nothing paces them, as a fast provider sends them."""

_COMMAND = re.compile(r"!([a-z]+)(?:\s+(.*))?$", re.DOTALL)
_WORD = re.compile(r"\S+\s*|\s+")
_YOU_ARE = re.compile(r"[Yy]ou are (?:called |named )?\**([A-Z][\w'-]*(?: [A-Z][\w'-]*){0,3})")
_HEADING = re.compile(r"#{1,3}\s+[^\w\s]*\s*([^\W\d_][\w'-]*(?: [^\W_][\w'-]*){0,3})")
_NO_NAMES: Final = frozenset(
    {"about", "identity", "instructions", "memory", "persona", "personality", "role", "soul", "system", "user"}
)


def find_persona(system_text: str) -> str:
    """The name that the system prompt's first 4000 characters give, or `NAMELESS`; see the module's text."""
    for line in system_text[:4000].splitlines():
        heading = _HEADING.match(line.strip())
        if heading and heading[1].split()[0].lower() not in _NO_NAMES:
            return heading[1]
        if said := _YOU_ARE.search(line):
            return said[1]
    return NAMELESS


@dataclass(frozen=True, slots=True)
class Script:
    """What one answer does.

    Attributes:
        pieces: The answer's text, cut into tokens.
        reasoning: Said before it.
        wait: Seconds before the first token.
        pause: Seconds before each further token.
        together: Tokens in one batch.
        status: HTTP status to fail with, or None.
        retry_after: What the failure says about it.
        drop: Whether the answer breaks off in the middle.
        hang: Whether there never is one.
        calls: Tools to use instead of an answer.
    """

    pieces: Sequence[str] = ()
    reasoning: str = ""
    wait: float = 0.0
    pause: float = 0.0
    together: int = 1
    status: int | None = None
    retry_after: str = ""
    drop: bool = False
    hang: bool = False
    calls: tuple[ToolCall, ...] = ()


def write_script(messages: Sequence[ChatMessage]) -> Script:
    """What to answer to a conversation; a command with arguments it cannot use is answered with how to use it."""
    system = "\n".join(message.text for message in messages if message.role == "system")
    said = [message for message in messages if message.role != "system"]
    text = said[-1].text.strip() if said else ""
    if calls := next_calls(said):
        return Script(calls=calls)
    if (quoted := quote_results(said)) is not None:
        return _say(quoted)
    name = find_persona(system)
    command = _COMMAND.match(text)
    if command is not None:
        script = _scripted(command[1], (command[2] or "").strip(), name, system, said)
        if script is not None:
            return script
    return _say(f"{name} here. You said: {text}" if text else f"{name} here. You said nothing.")


def _say(text: str) -> Script:
    return Script(pieces=_WORD.findall(text))


def _scripted(verb: str, argument: str, name: str, system: str, said: Sequence[ChatMessage]) -> Script | None:
    """The script of a command, or None for something that only looks like one."""
    match verb:
        case "say":
            return _say(argument)
        case "persona":
            return _say(name)
        case "model":
            return _say("builtin/echo")
        case "system":
            return _say(system if argument == "text" else _describe(system))
        case "history":
            return _say(_history(said))
        case "usage":
            return _say(f"{_count_words(said)} words in {len(said)} messages")
        case "think":
            return Script(pieces=_WORD.findall(f"{name} has thought about it."), reasoning=argument or "Hm.")
        case _:
            return _misbehaving(verb, argument, name)


def _misbehaving(verb: str, argument: str, name: str) -> Script | None:
    """The scripts that play a slow or failing provider."""
    first, second, *_ = (*argument.split(), "", "")
    match verb:
        case "sleep":
            return Script(pieces=_WORD.findall(f"{name} slept {first or 0} s."), wait=_number(first))
        case "tokens":
            pause = _number(second) / 1000
            count = min(int(_number(first)), MOST_TOKENS)
            pieces = [f"{number} " for number in range(1, count + 1)]
            return Script(pieces=pieces, pause=pause, together=1 if pause else FLOOD_BATCH)
        case "fail":
            return Script(status=int(_number(first)) or 500, retry_after=second)
        case "drop":
            return Script(pieces=_WORD.findall(argument or f"{name} was about to say something."), drop=True)
        case "hang":
            return Script(hang=True)
        case _:
            return None


def _number(text: str) -> float:
    """A number of at most 9 digits, or 0 for what is none."""
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII) else 0.0


def _describe(system: str) -> str:
    digest = hashlib.sha256(system.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{len(system)} characters, sha256 {digest}"


def _history(said: Sequence[ChatMessage]) -> str:
    earlier = said[:-1]
    first = next((message.text for message in earlier if message.role == "user"), None)
    return f"{len(earlier)} messages before this one" + (f", the first was: {first}" if first is not None else "")


def _count_words(messages: Sequence[ChatMessage]) -> int:
    return sum(len(message.text.split()) for message in messages)


class EchoAttempt:
    """One answer of ``builtin/echo``; see `hermes_trio.models.wire.Attempt`."""

    def __init__(self, target: ModelTarget, request: ModelRequest) -> None:
        self._target = target
        self._script = write_script(request.messages)
        self._input_words = _count_words(request.messages)
        self._said = 0  # pieces of the answer already said
        self._over = False
        self._reasoned = not self._script.reasoning

    @property
    def ending(self) -> bool:
        """Never: nothing comes after the answer."""
        return False

    async def open(self) -> None:
        """Fail or hang if the script says so. Always a checkpoint."""
        await trio.lowlevel.checkpoint()
        if self._script.hang:
            await trio.sleep_forever()
        if self._script.status is not None:
            headers = {"retry-after": self._script.retry_after}
            body = b'{"error": {"message": "as the message asked for"}}'
            raise failures.error_from_status(self._target, self._script.status, headers, body, now=0.0)
        await trio.sleep(self._script.wait)

    async def receive(self) -> Sequence[ModelEvent] | None:
        """The next words. Always a checkpoint."""
        script = self._script
        await trio.sleep(script.pause if self._said and not self._over else 0)
        if self._over:
            return None
        if script.calls:
            deltas = [ToolCallDelta(i, call.id, call.name, call.arguments) for i, call in enumerate(script.calls)]
            return [*deltas, *self._last_events("tool_calls")]
        if not self._reasoned:
            self._reasoned = True
            return [ReasoningDelta(script.reasoning)]
        if script.drop and self._said >= len(script.pieces) / 2:
            raise failures.interrupted(self._target, "the answer broke off, as the message asked for")
        end = self._said + script.together
        batch: list[ModelEvent] = [TextDelta(piece) for piece in script.pieces[self._said : end]]
        self._said = end
        return batch + self._last_events() if end >= len(script.pieces) else batch

    def conclude(self) -> Sequence[ModelEvent]:
        """Never needed, see `ending`."""
        return ()

    def _last_events(self, reason: str = "stop") -> list[ModelEvent]:
        self._over = True
        words = len("".join(self._script.pieces).split())
        return [Usage(input_tokens=self._input_words, output_tokens=words), Finish(reason)]

    async def close(self) -> None:
        """Nothing is open."""
