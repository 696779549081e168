"""Profiles that ask whether something dangerous may be done, a person who may answer, and a model that may judge."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import ModelError
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.scope import ProfileScope, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.tools.approval import ApprovalAnswer, ApprovalChoice, ApprovalQuestion, ApprovalRequest
from hermes_trio.tools.approval_ledger import ApprovalLedger
from hermes_trio.tools.approval_policy import check_command, make_approve
from hermes_trio.tools.tool_turn import ToolTurn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.tools.hooks import Hooks
    from hermes_trio.tools.tool_turn import Approve, AuxiliaryQuestion

QUESTION = ApprovalQuestion("rm -rf build", ("rm_recursive",), "deletes a folder with all that is in it")


@dataclass
class Person:
    """Somebody who is shown questions; answers at once, with the next of ``answers``, as long as there are any."""

    ledger: ApprovalLedger
    answers: list[ApprovalChoice] = field(default_factory=list)
    shown: list[ApprovalRequest] = field(default_factory=list)

    async def show(self, request: ApprovalRequest) -> None:
        self.shown.append(request)
        if self.answers:
            self.ledger.answer(request.id, self.answers.pop(0))

    async def until_shown(self, count: int) -> None:
        while len(self.shown) < count:
            await trio.lowlevel.checkpoint()


@dataclass
class Judge:
    """A model that judges commands: says ``words``, or fails."""

    words: str = "escalate"
    fails: bool = False
    seconds: float = 0.0
    asked: list[AuxiliaryQuestion] = field(default_factory=list)

    async def ask(self, question: AuxiliaryQuestion) -> str:
        self.asked.append(question)
        await trio.sleep(self.seconds)
        if self.fails:
            raise ModelError("nobody there", code="model_unreachable")
        return self.words


@dataclass
class Desk:
    """One profile's approvals."""

    scope: ProfileScope
    ledger: ApprovalLedger
    person: Person
    judge: Judge

    def approver(
        self, *, session: str = "s1", platform: str = "telegram", alone: bool = False, hooks: Hooks | None = None
    ) -> Approve:
        return make_approve(
            self.scope,
            self.ledger,
            session,
            self.judge.ask,
            turn_id=f"turn-of-{session}",
            platform=platform,
            announce=None if alone else self.person.show,
            hooks=hooks,
        )

    async def check(self, command: str, **options: object) -> ApprovalAnswer:
        """Ask the way the terminal does."""
        approve = self.approver(**options)
        turn = ToolTurn("t", "s1", "s1", "telegram", "7", None, approve, ask_model=self.judge.ask)
        return await check_command(self.scope, turn, command)

    @property
    def config_text(self) -> str:
        return self.scope.home.config.read_text()


@asynccontextmanager
async def open_desks(
    root: Path, configs: Mapping[str, str], env: Mapping[str, Mapping[str, str]] | None = None
) -> AsyncIterator[list[Desk]]:
    """Open profiles with these settings; blocking work runs in the calling task, so that time can jump."""
    files = {name: ProfileFiles(config=text, env=(env or {}).get(name, {})) for name, text in configs.items()}
    home = write_home(root, files)
    clock, workers = FixedClock(), InlineWorkers()
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_log_writer(workers, clock))
        shared = make_shared(writer, workers=workers, clock=clock)
        desks = []
        for name in configs:
            settings = load_profile_settings(home, name, {})
            scope = await stack.enter_async_context(open_scope(settings, 1, shared, prepare))
            ledger = ApprovalLedger(scope)
            desks.append(Desk(scope, ledger, Person(ledger), Judge()))
        yield desks
