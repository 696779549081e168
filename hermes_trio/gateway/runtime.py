"""One generation of one profile while it serves: its nursery and the work that outsiders ask it to do."""

from __future__ import annotations

import traceback
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

import trio

from hermes_trio.errors import HermesTrioError, ProfileUnavailable, TurnCrashed
from hermes_trio.io.supervise import describe, main_leaf
from hermes_trio.store.response_store import serve_response_store
from hermes_trio.turns.turn import run_turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from pathlib import Path

    from hermes_trio.gateway.capacity import TurnCapacity
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.response_store import ResponseStore
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.turn import Emit, TurnRequest, TurnResult

CLEAN_UP_SECONDS = 10.0

T = TypeVar("T")
P = ParamSpec("P")


class _Call(Generic[T]):
    """A piece of work that runs in the profile's nursery while its caller waits elsewhere."""

    __slots__ = ("done", "error", "scope", "value")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.scope = trio.CancelScope()
        self.value: list[T] = []
        self.error: Exception | None = None

    async def run(self, work: Callable[[], Awaitable[T]]) -> None:
        """Do the work and keep its outcome; an error belongs to the caller, not to the profile."""
        try:
            with self.scope:
                self.value.append(await work())
        except Exception as error:  # noqa: BLE001  handed to the caller below
            self.error = error
        finally:
            self.done.set()


class SessionLocks:
    """Lets the turns of one session run one after the other, in the order in which they came."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[trio.Lock, int]] = {}

    def is_used(self, session_id: str) -> bool:
        """Whether a turn of the session runs or waits."""
        return session_id in self._locks

    @asynccontextmanager
    async def turn_of(self, session_id: str) -> AsyncIterator[None]:
        """Hold the session; waiting is cancellable and bounded by the caller's patience."""
        with self.used(session_id) as lock:
            async with lock:
                yield

    @contextmanager
    def used(self, session_id: str) -> Iterator[trio.Lock]:
        """Note that the session is used, without waiting for others."""
        lock, users = self._locks.get(session_id, (None, 0))
        lock = lock or trio.Lock()
        self._locks[session_id] = (lock, users + 1)
        try:
            yield lock
        finally:
            users = self._locks[session_id][1] - 1
            if users:
                self._locks[session_id] = (lock, users)
            else:
                del self._locks[session_id]


class ProfileRuntime:
    """A profile that serves.

    Args:
        scope: The profile's scope of this generation.
        agent: The profile's agent of this generation.
        nursery: The profile's nursery; ends with the generation.
        capacity: The seats for turns that the gateway's profiles share.
        root_db: The root home's ``state.db``; None for the default profile, whose own it is.

    Attributes:
        accepting: Whether it takes on work.
        chats: Its conversations on platforms, once they have begun.
    """

    def __init__(
        self,
        scope: ProfileScope,
        agent: Agent,
        nursery: trio.Nursery,
        capacity: TurnCapacity,
        root_db: Path | None = None,
    ) -> None:
        self.scope = scope
        self.agent = agent
        self.root_db = root_db
        self.capacity = capacity
        self.accepting = True
        self.chats: Chats | None = None
        self._begin_chats: Callable[[ProfileScope], Awaitable[Chats]] | None = None
        self._beginning = trio.Lock()
        self._responses: ResponseStore | None = None
        self._opening_responses = trio.Lock()
        self._nursery = nursery
        self._sessions = SessionLocks()
        self._calls: set[_Call[Any]] = set()
        self._idle = trio.Event()

    @property
    def active_turns(self) -> int:
        """Turns of this profile that run now."""
        return self.capacity.running(self.scope.name)

    def check_accepting(self) -> None:
        """Go on only while the profile takes on work.

        Raises:
            ProfileUnavailable: It does not.
        """
        if not self.accepting:
            raise self._gone()

    async def call(
        self, fn: Callable[Concatenate[ProfileScope, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``fn(scope, ...)`` in this profile's nursery for a caller outside of it.

        An exception of ``fn`` is raised here and does not touch the profile. A cancelled caller takes the work with it.

        Raises:
            ProfileUnavailable: The profile does not accept work, or went away during it.
        """
        self.check_accepting()
        return await self._call(fn, *args, **kwargs)

    async def _call(
        self, fn: Callable[Concatenate[ProfileScope, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        call: _Call[T] = _Call()
        self._calls.add(call)
        try:
            self._nursery.start_soon(call.run, lambda: fn(self.scope, *args, **kwargs), name=self._task_name(fn))
            await self._wait(call)
        finally:
            self._finished(call)
        if call.error is not None:
            raise call.error
        if not call.value:
            raise self._gone()
        return call.value[0]

    @contextmanager
    def admission(self) -> Iterator[None]:
        """Let a drain wait for the block, which a task of the profile's own nursery runs.

        What has been begun is brought to its end: within the block `run_turn` takes ``admitted``.

        Raises:
            ProfileUnavailable: The profile does not accept work, or a drain has waited long enough and ended the block.
        """
        self.check_accepting()
        call: _Call[None] = _Call()
        self._calls.add(call)
        try:
            with call.scope:
                yield
        finally:
            self._finished(call)
        if call.scope.cancelled_caught:
            raise self._gone()

    def begin(self, fn: Callable[[ProfileScope], Awaitable[None]]) -> trio.CancelScope:
        """Let ``fn(scope)`` go on in this profile's nursery after its caller has gone; a drain waits for it.

        What it raises is logged and harms nobody.

        Returns:
            What ends it.

        Raises:
            ProfileUnavailable: The profile does not accept work.
        """
        self.check_accepting()
        call: _Call[None] = _Call()
        self._calls.add(call)
        self._nursery.start_soon(self._run_begun, call, fn, name=self._task_name(fn))
        return call.scope

    async def _run_begun(self, call: _Call[None], fn: Callable[[ProfileScope], Awaitable[None]]) -> None:
        try:
            await call.run(lambda: fn(self.scope))
        finally:
            self._finished(call)
        if call.error is not None:
            text = "".join(traceback.format_exception(call.error))
            self.scope.log.bind(component="gateway").error(f"something crashed: {self.scope.log.redact(text)}")

    def prepare_chats(self, chats: Chats, begin: Callable[[], Awaitable[None]]) -> None:
        """Say how the profile's conversations are begun when somebody needs them.

        Args:
            chats: The conversations.
            begin: Begins them in the profile's nursery.
        """

        async def begin_once(_scope: ProfileScope) -> Chats:
            async with self._beginning:
                if self.chats is None:
                    # Takes no time; cut off in between, nobody would know that they have begun.
                    with trio.CancelScope(shield=True):
                        await begin()
                    self.chats = chats
            await chats.recovered.wait()
            return chats

        self._begin_chats = begin_once

    async def ready_chats(self) -> Chats:
        """The profile's conversations on platforms, begun if they have not been, with what was left taken up.

        Raises:
            ProfileUnavailable: The profile does not accept work, or went away meanwhile.
        """
        if self.chats is not None and self.chats.recovered.is_set():
            return self.chats
        if self._begin_chats is None:
            raise self._gone()
        return await self.call(self._begin_chats)

    async def response_store(self) -> ResponseStore:
        """The profile's kept responses; opened when first asked for, closed with the generation.

        Raises:
            ProfileUnavailable: The profile does not accept work, or went away meanwhile.
            StoreError: The file cannot be used.
        """
        if self._responses is not None:
            return self._responses
        return await self.call(self._open_responses)

    async def _open_responses(self, scope: ProfileScope) -> ResponseStore:
        async with self._opening_responses:
            if self._responses is not None:
                return self._responses
            # Bounded by the check of the file; cut off in between, nobody would know that it is open.
            with trio.CancelScope(shield=True):
                name = f"{scope.name}#{scope.generation} responses"
                store: ResponseStore = await self._nursery.start(serve_response_store, scope, name=name)
            self._responses = store
            return store

    async def run_turn(self, request: TurnRequest, emit: Emit, *, admitted: bool = False) -> TurnResult:
        """Run a turn in this profile's nursery.

        Turns of one stored session wait for each other, because each builds on the history that the one before left.

        Args:
            request: The turn.
            emit: Told what happens in it.
            admitted: Whether a drain waits for the caller (`admission`, `begin`), so that the turn runs during it too.

        Raises:
            CapacityExceeded: No seat is free.
            ProfileUnavailable: See `call`.
            ModelError: The model failed.
            StoreError: The store failed.
            HermesTrioError: Whatever else went wrong; the profile's log has the details.
        """
        with self._seat():
            call = self._call if admitted else self.call
            return await call(self._run_seated, request, emit)

    def begin_turn(
        self, request: TurnRequest, emit: Emit, ended: Callable[[TurnResult | HermesTrioError | None], None]
    ) -> trio.CancelScope:
        """Let a turn go on in this profile's nursery after its caller has gone; it has its seat when this returns.

        Args:
            request: What is asked.
            emit: See `run_turn`.
            ended: Told once of what came of it, when its seat is free again: its result, its error (see `run_turn`),
                or None when it was cancelled by whoever holds it or by the profile's end. Must not fail.

        Returns:
            What ends it.

        Raises:
            CapacityExceeded: No seat is free.
            ProfileUnavailable: The profile does not accept work.
        """
        self.check_accepting()  # also when no seat is free: one that is freed would not help
        with ExitStack() as taken:
            taken.enter_context(self._seat())

            async def turn(scope: ProfileScope) -> None:
                outcome: TurnResult | HermesTrioError | None = None
                try:
                    with seat:
                        outcome = await self._run_seated(scope, request, emit)
                except HermesTrioError as error:
                    outcome = error
                finally:
                    ended(outcome)

            hold = self.begin(turn)
            seat = taken.pop_all()
        return hold

    def _seat(self) -> AbstractContextManager[None]:
        return self.capacity.seat(self.scope.name, self.scope.config.max_concurrent_sessions)

    async def _run_seated(self, scope: ProfileScope, request: TurnRequest, emit: Emit) -> TurnResult:
        run = self._run_beside if request.history is not None else self._run_in_order
        return await run(scope, self.agent, request, emit)

    def session_is_used(self, session_id: str, session_keys: Collection[str] = ()) -> bool:
        """Whether a turn of a session runs or waits, or something happens in one of its chats.

        Args:
            session_id: The session.
            session_keys: The keys of the chats that stand for it.
        """
        lanes = () if self.chats is None else self.chats.lanes
        return self._sessions.is_used(session_id) or any(lane.session_key in session_keys for lane in lanes)

    def hold_session(self, session_id: str) -> AbstractAsyncContextManager[None]:
        """Let no turn that builds on what is stored of a session run within the ``async with``; later ones wait.

        Where nothing uses the session, it is held without a checkpoint in between.
        """
        return self._sessions.turn_of(session_id)

    async def _run_beside(self, scope: ProfileScope, agent: Agent, request: TurnRequest, emit: Emit) -> TurnResult:
        with self._sessions.used(request.session_id):
            return await _run_turn(scope, agent, request, emit)

    async def _run_in_order(self, scope: ProfileScope, agent: Agent, request: TurnRequest, emit: Emit) -> TurnResult:
        async with self._sessions.turn_of(request.session_id):
            return await _run_turn(scope, agent, request, emit)

    async def drain(self, seconds: float) -> bool:
        """Stop accepting work and wait for what runs; returns whether all of it ended within ``seconds``.

        What did not is cancelled: its callers get `ProfileUnavailable`. What is to be sent to chats then gets 5 s.
        """
        self.accepting = False
        self.capacity.look_again()
        if self._calls:
            with trio.move_on_after(seconds):
                await self._idle.wait()
        ended = not self._calls
        for call in self._calls:
            call.scope.cancel()
        if self.chats is not None:
            await self.chats.close(orderly=ended)
        return ended

    async def _wait(self, call: _Call[T]) -> None:
        try:
            await call.done.wait()
        except BaseException:
            call.scope.cancel()
            with trio.move_on_after(CLEAN_UP_SECONDS, shield=True):
                await call.done.wait()
            raise

    def _finished(self, call: _Call[Any]) -> None:
        self._calls.discard(call)
        if not self._calls and not self.accepting:
            self._idle.set()

    def _task_name(self, fn: object) -> str:
        return f"{self.scope.name}#{self.scope.generation} {getattr(fn, '__name__', 'call')}"

    def _gone(self) -> ProfileUnavailable:
        return ProfileUnavailable(
            "the profile stopped or restarted", code="gateway_draining", profile=self.scope.name, retry_after=1.0
        )


async def _run_turn(scope: ProfileScope, agent: Agent, request: TurnRequest, emit: Emit) -> TurnResult:
    """Run a turn; a foreign error goes to the profile's own log, which redacts it, and to nobody else."""
    try:
        return await run_turn(scope, agent, request, emit)
    except HermesTrioError:
        raise
    except Exception as error:
        # The boundary of one turn: its other end is a client, and the log of all profiles.
        leaf = main_leaf(error)
        if isinstance(leaf, HermesTrioError):
            raise leaf from error
        log = scope.log.bind(session=request.session_id, turn=request.turn_id, component="gateway.turn")
        log.error(f"turn crashed: {describe(leaf)}", where=_innermost(leaf))  # noqa: TRY400  our logger has no `exception`
        raise TurnCrashed("the turn crashed; the profile's log says more", profile=scope.name) from None


def _innermost(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{frames[0].filename}:{frames[0].lineno}" if frames else ""
