"""Comments on pull requests, written with GitHub's own program ``gh`` and the profile's own token.

To the outbox it is one more adapter: a comment that could not be written is tried again for a day. What was being
written when the process died may be written twice; it then says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import trio

from hermes_trio.adapter_api.capabilities import Capabilities
from hermes_trio.adapter_api.errors import AdapterError, CredentialMissing, Refused, Unreachable
from hermes_trio.adapter_api.outgoing import SentMessage
from hermes_trio.home.child_environment import Conversation
from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_process import ChildCommand, ChildError, run_child
from hermes_trio.tools.terminal_launch import profile_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api.adapter import ExclusiveResource
    from hermes_trio.adapter_api.outgoing import OutgoingText, Target
    from hermes_trio.scope import ProfileScope

#: GitHub's own limit is 65536 characters.
GITHUB_CAPABILITIES: Final = Capabilities(text_limit=65_000)
GH_SECONDS: Final = 45.0
_TOKENS: Final = ("GH_TOKEN", "GITHUB_TOKEN")
_OUTPUT_BYTES: Final = 4000
#: What ``gh`` says when trying again cannot help.
_FINAL: Final = ("could not resolve to", "http 404", "http 403", "http 422", "not found", "no pull requests found")
#: What it says when GitHub may have written the comment all the same.
_UNSURE: Final = ("http 5", "timeout", "eof", "connection reset")
_BAD_TOKEN: Final = ("http 401", "bad credentials", "authentication", "gh auth login")


def has_github_token(scope: ProfileScope) -> bool:
    """Whether the profile can write comments at all."""
    return _token(scope) is not None


def _token(scope: ProfileScope) -> str | None:
    return next((value for name in _TOKENS if (value := scope.secrets.get(name))), None)


class GithubComments:
    """Writes comments: the chat of a target is the repository, its thread the number of the pull request.

    See `hermes_trio.adapter_api.adapter.Adapter`; it can do nothing but `send`.
    """

    def __init__(self, scope: ProfileScope) -> None:
        self._scope = scope
        self._log = scope.log.bind(component="delivery.github")

    @property
    def capabilities(self) -> Capabilities:
        """What a comment can hold."""
        return GITHUB_CAPABILITIES

    @property
    def exclusive_resources(self) -> Sequence[ExclusiveResource]:
        """Any number of programs may use a token."""
        return ()

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        """Write one comment.

        Raises:
            AdapterError: It was not written, or (``may_have_arrived``) nobody knows.
        """
        where = f"{target.chat_id}#{target.thread_id}"
        argv = ("gh", "pr", "comment", target.thread_id or "", "--repo", target.chat_id, "--body-file", "-")
        output, errors = HeadAndTail(_OUTPUT_BYTES), HeadAndTail(_OUTPUT_BYTES)
        command = ChildCommand(argv, await self._environment(), self._scope.home.root, stdin=text.text.encode())
        try:
            ended = await run_child(command, output, errors, deadline=trio.current_time() + GH_SECONDS)
        except ChildError as error:
            raise Unreachable(f"gh cannot be run: {error.problem}", where=where, mend="install GitHub's gh") from error
        if ended.timed_out:
            raise AdapterError(f"gh took more than {GH_SECONDS:g} s", where=where, may_have_arrived=True)
        said = " ".join(errors.text().split())[:300]
        if ended.code != 0:
            raise _failure(ended.code, self._scope.log.redact(said), where)
        self._log.info(f"commented on {where}")
        return SentMessage(output.text().strip()[-200:])

    async def _environment(self) -> dict[str, str]:
        token = _token(self._scope)
        if token is None:
            raise CredentialMissing("this profile has no GH_TOKEN", profile=self._scope.name)
        environment = await profile_environment(self._scope, Conversation())
        # Whoever is logged in as the user that runs the gateway is nobody of this profile.
        own = {"GH_TOKEN": token, "GH_CONFIG_DIR": str(self._scope.home.root / "cache" / "gh")}
        return {**environment, **own, "GH_PROMPT_DISABLED": "1", "NO_COLOR": "1", "GH_NO_UPDATE_NOTIFIER": "1"}

    async def run(self, *_: object, **__: object) -> None:
        """Nothing comes in."""
        await trio.sleep_forever()

    async def edit(self, *_: object, **__: object) -> NoReturn:
        """Not possible."""
        raise _refusal()

    async def delete(self, *_: object, **__: object) -> NoReturn:
        """Not possible."""
        raise _refusal()

    async def upload(self, *_: object, **__: object) -> NoReturn:
        """Not possible."""
        raise _refusal()

    async def show_typing(self, *_: object, **__: object) -> NoReturn:
        """Not possible."""
        raise _refusal()

    async def react(self, *_: object, **__: object) -> NoReturn:
        """Not possible."""
        raise _refusal()

    async def fetch(self, *_: object, **__: object) -> NoReturn:
        """Not possible."""
        raise _refusal()


def _refusal() -> Refused:
    return Refused("comments on GitHub can only be written")


def _failure(code: int, said: str, where: str) -> AdapterError:
    text = f"gh ended with status {code}: {said}"
    lower = said.lower()
    if any(part in lower for part in _BAD_TOKEN):
        return Refused(text, code="bad_credential", where=where)
    if any(part in lower for part in _FINAL):
        return Refused(text, where=where)
    return Unreachable(text, where=where, may_have_arrived=any(part in lower for part in _UNSURE))
