"""What a tool knows of the turn it is called in, and whom it may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.tools.todo_list import TodoList

if TYPE_CHECKING:
    from hermes_trio.home.child_environment import Conversation
    from hermes_trio.tools.approval import ApprovalAnswer, ApprovalQuestion
    from hermes_trio.tools.workplace import Workplace


@dataclass(frozen=True, slots=True)
class AuxiliaryQuestion:
    """A question of a tool to a model.

    Attributes:
        task: Name of the auxiliary task, which may have a model of its own, e.g. ``vision`` or ``approval``.
        system: System text.
        content: What is asked: text, or parts in the chat-completions format.
    """

    task: str
    system: str
    content: str | tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class DelegatedTask:
    """Work for a child turn.

    Attributes:
        goal: What is to be done.
        context: What the child needs to know.
        toolsets: Toolsets it may use; empty for its parent's.
        orchestrates: Whether it may have children of its own, if the settings let it.
    """

    goal: str
    context: str = ""
    toolsets: tuple[str, ...] = ()
    orchestrates: bool = False


Approve = Callable[["ApprovalQuestion"], Awaitable["ApprovalAnswer"]]
AskModel = Callable[[AuxiliaryQuestion], Awaitable[str]]
AskUser = Callable[[str, Sequence[str]], Awaitable[str]]
Delegate = Callable[[Sequence[DelegatedTask]], Awaitable[Sequence[str]]]


class TurnMemo:
    """What tools remember during one turn; gone with it.

    Attributes:
        notes: Any tool's scratch values, by a name that begins with the tool's.
    """

    __slots__ = ("notes",)

    def __init__(self) -> None:
        self.notes: dict[str, object] = {}


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """The turn that a tool is called in.

    Attributes:
        turn_id: Names the turn in the log.
        session_id: The conversation.
        session_key: The stable key of the conversation's place, or empty.
        platform: Where the message came from, e.g. ``api_server``.
        user_id: Who asked, or empty.
        workplace: What the profile's turns share.
        approve: Asks whether a dangerous thing may be done; returns within ``approvals.timeout``.
        ask_model: Asks an auxiliary model.
        ask_user: Asks the user and waits for the answer; None where nobody can answer.
        delegate: Runs child turns and returns their answers in order; None where a child may not have children.
        memo: Scratch values of the turn.
        todo: The list of what is to be done: the session's, or a child's own.
        conversation: What child processes are told of it all; None for what is said here.
        hears_reports: Whether what happens in the background later is told to the conversation: in chats it is.
    """

    turn_id: str
    session_id: str
    session_key: str
    platform: str
    user_id: str
    workplace: Workplace
    approve: Approve
    ask_model: AskModel
    ask_user: AskUser | None = None
    delegate: Delegate | None = None
    memo: TurnMemo = field(default_factory=TurnMemo)
    todo: TodoList = field(default_factory=TodoList)
    conversation: Conversation | None = None
    hears_reports: bool = False
