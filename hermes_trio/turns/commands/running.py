"""Commands for what runs and waits: stop, queue, steer, background, and answers to questions for consent."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.access.commands import may_consent
from hermes_trio.tools.approval import ApprovalChoice
from hermes_trio.turns.commands.context import ActiveConversation, Command, CommandCall, CommandReply
from hermes_trio.turns.commands.wording import bullets, code, count, duration, shorten

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.background import BackgroundProcess
    from hermes_trio.turns.commands.context import RunningTurn

LONGEST_REASON: Final = 280
MOST_PROCESSES: Final = 20
QUEUED: Final = "⏳ Queued: it is answered after what runs now."
_FULL: Final = "⏳ Too many messages wait already. Try again when some are answered, or `/stop` drops them."
_ALL: Final = "all"
_SCOPES: Final = MappingProxyType({"session": ApprovalChoice.SESSION, "always": ApprovalChoice.ALWAYS})


async def run_stop(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """End the running turn and drop what waits."""
    ran, dropped = await call.conversation.stop()
    if not ran and not dropped:
        return CommandReply("Nothing is running.")
    parts = ["⏹ Stopped." if ran else "Nothing was running."]
    if dropped:
        parts.append(f"{count(dropped, 'waiting message')} dropped.")
    return CommandReply(" ".join(parts))


async def run_queue(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Answer a text after what runs and waits."""
    if not call.arguments:
        waiting = call.conversation.queued()
        return CommandReply(f"{count(waiting, 'message')} waiting. `/queue <text>` adds one.")
    running = call.conversation.running_turn() is not None
    if not await call.conversation.submit(call.arguments):
        return CommandReply(_FULL)
    return CommandReply(QUEUED if running else "")


async def run_steer(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Put a text into the running turn, or queue it when that is not possible."""
    if not call.arguments:
        return CommandReply("Write what I am to know: `/steer <text>`")
    running = call.conversation.running_turn() is not None
    if running and call.conversation.steer(call.arguments):
        return CommandReply("🧭 Noted: I will take it into account after the next tool.")
    if not await call.conversation.submit(call.arguments):
        return CommandReply(_FULL)
    return CommandReply(QUEUED if running else "")


async def run_background(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Answer a prompt in a session of its own."""
    if not call.arguments:
        return CommandReply("Write what is to be done: `/background <text>`")
    session_id = await call.conversation.run_in_background(call.arguments)
    return CommandReply(f"🌙 Working on it in the background; the answer comes here. Session {code(session_id)}")


async def run_agents(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show what runs in the profile; people who are no admins see their own conversation only."""
    own = str(call.conversation.session_key)
    sees_all = call.conversation.is_admin
    active = [one for one in call.conversation.active() if sees_all or one.session_key == own]
    processes = [
        process
        for process in call.agent.workplace.processes.list()
        if process.is_running and (sees_all or process.entry.session_key == own)
    ]
    parts = []
    if active:
        parts.append("**Conversations**\n" + bullets(_conversation(one, own) for one in active))
    if processes:
        shown = processes[:MOST_PROCESSES]
        rest = f"\n... and {len(processes) - len(shown)} more" if len(processes) > len(shown) else ""
        parts.append("**Background processes**\n" + bullets(_process(call, one) for one in shown) + rest)
    return CommandReply("\n\n".join(parts) or "Nothing is running.")


async def run_approve(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Allow what the agent asked for."""
    words = call.arguments.lower().split()
    unknown = [word for word in words if word not in _SCOPES and word != _ALL]
    if unknown:
        return CommandReply(f"I do not know {code(shorten(unknown[0], 40))}. Use `/approve [session|always|all]`.")
    choice = next((_SCOPES[word] for word in words if word in _SCOPES), ApprovalChoice.ONCE)
    may = may_consent(call.platform.access, call.message.source, always=choice is ApprovalChoice.ALWAYS)
    if not may.allowed:
        return CommandReply(f"⛔ {may.text}")
    settled = call.agent.workplace.approvals.answer_next(
        choice, session_key=str(call.conversation.session_key), everything=_ALL in words
    )
    if not settled:
        return CommandReply("Nothing waits for your consent.")
    until = {ApprovalChoice.SESSION: " for this session", ApprovalChoice.ALWAYS: " for always"}.get(choice, "")
    return CommandReply(f"✅ {count(settled, 'request')} approved{until}.")


async def run_deny(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Refuse what the agent asked for, and tell it why."""
    first, _, rest = call.arguments.partition(" ")
    everything = first.lower() == _ALL
    reason = (rest if everything else call.arguments).strip()[:LONGEST_REASON]
    approvals, key = call.agent.workplace.approvals, str(call.conversation.session_key)
    if not approvals.pending(session_key=key):
        return CommandReply("Nothing waits for your consent.")
    if reason:
        call.conversation.steer(f"I denied that, because: {reason}")
    settled = approvals.answer_next(ApprovalChoice.DENY, session_key=key, everything=everything)
    return CommandReply(f"🚫 {count(settled, 'request')} denied.")


async def run_yolo(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Switch questions for consent off or on for this session."""
    approvals, key = call.agent.workplace.approvals, str(call.conversation.session_key)
    switched_on = not approvals.is_bypassed(key)
    approvals.bypass(key, on=switched_on)
    scope.log.bind(component="approvals").info(f"yolo {'on' if switched_on else 'off'}", session=key)
    if switched_on:
        return CommandReply(
            "⚡ I do not ask before dangerous commands in this session any more. `/yolo` again undoes it."
        )
    return CommandReply("🛡 I ask before dangerous commands again.")


def turn_line(turn: RunningTurn) -> str:
    """What a running turn does, in one line."""
    calls = count(turn.api_calls, "model call")
    doing = f"at {code(turn.tool)}" if turn.tool else "thinking"
    idle = f", quiet for {duration(turn.idle_seconds)}" if turn.idle_seconds >= 60 else ""
    return f"turn {code(turn.turn_id)}, {duration(turn.seconds)}, {doing}, {calls}{idle}"


def _conversation(one: ActiveConversation, own: str) -> str:
    name = "here" if one.session_key == own else code(one.session_key)
    what = turn_line(one.turn) if one.turn is not None else "no turn"
    return f"{name}: {what}" + (f", {count(one.queued, 'message')} waiting" if one.queued else "")


def _process(call: CommandCall, process: BackgroundProcess) -> str:
    command = call.agent.workplace.approvals.redact(process.entry.command)
    return f"{code(process.process_id)} {code(shorten(command, 80))}"


COMMANDS: Final = (
    Command("stop", "Stop what I am doing and drop waiting messages", run_stop, while_busy=True),
    Command("queue", "Answer this after what runs now", run_queue, ("q",), "<text>", while_busy=True),
    Command("steer", "Tell me something while I work", run_steer, usage="<text>", while_busy=True),
    Command(
        "background",
        "Answer this in the background",
        run_background,
        aliases=("bg", "btw"),
        usage="<text>",
        while_busy=True,
    ),
    Command("agents", "Show what runs now", run_agents, aliases=("tasks",), while_busy=True),
    Command("approve", "Allow what I asked for", run_approve, usage="[session|always|all]", while_busy=True),
    Command("deny", "Refuse what I asked for", run_deny, usage="[all] [reason]", while_busy=True),
    Command("yolo", "Do not ask before dangerous commands, or ask again", run_yolo, while_busy=True),
)
