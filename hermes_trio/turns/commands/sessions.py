"""Commands for sessions: begin, name, list, resume, branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.access.commands import may_use_command
from hermes_trio.access.decision import Reason
from hermes_trio.store.session_edits import branch, set_title
from hermes_trio.store.session_ids import branch_session_id
from hermes_trio.store.session_list import ListedSession, SessionFilter, find_session, recent_sessions, session_totals
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.settings_reply import Consent, ask_consent, not_done
from hermes_trio.turns.commands.wording import ago, code, count, literal, shorten
from hermes_trio.turns.turn_hooks import (
    SESSION_FINALIZE,
    SESSION_RESET,
    tell_of_session_id,
    tell_session_end,
    tell_session_reset,
)

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope

MOST_LISTED: Final = 10
LONGEST_TITLE: Final = 100
_ALL: Final = "--all"
_CROSS_ROOM: Final = "--cross-room"


async def run_new(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Begin a new session under the conversation's key."""
    consent = await ask_consent(
        scope,
        call,
        "Begin a new conversation? I will not remember what we said here; `/resume` brings it back.",
        needed=scope.config.chat.destructive_slash_confirm,
        setting="approvals.destructive_slash_confirm",
    )
    if consent is not Consent.GIVEN:
        return CommandReply(not_done(consent))
    title = call.arguments[:LONGEST_TITLE]
    hooks, source = call.agent.workplace.hooks, call.message.source
    before = await call.conversation.session_id() if hooks.listens(SESSION_FINALIZE) else ""
    begun = await call.conversation.begin_session(title)
    told = {
        "platform": source.platform,
        "user_id": source.user_id or "",
        "session_key": str(call.conversation.session_key),
    }
    if before:
        await tell_of_session_id(hooks, SESSION_FINALIZE, session_id=before, **told)
    await tell_session_end(hooks, **told)
    await tell_session_reset(hooks, **told)
    await tell_of_session_id(hooks, SESSION_RESET, session_id=begun, **told)
    return CommandReply(
        f"🆕 A new conversation begins: **{literal(shorten(title, 60))}**" if title else "🆕 A new conversation begins."
    )


async def run_title(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show or set the session's title."""
    session_id = await call.conversation.session_id()
    if call.arguments:
        title = await set_title(scope, session_id, shorten(call.arguments, LONGEST_TITLE))
        return CommandReply(f"✏️ This conversation is called **{literal(title)}** now.")
    totals = await session_totals(scope, session_id)
    if totals is None or not totals.title:
        return CommandReply("This conversation has no title. `/title <text>` gives it one.")
    return CommandReply(f"This conversation is called **{literal(totals.title)}**.")


async def run_sessions(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """List the sessions of the chat."""
    which, words = await _which(call, call.arguments)
    if which is None:
        return CommandReply(_NOT_HERE)
    found = await recent_sessions(scope, which, limit=MOST_LISTED)
    if not found:
        return CommandReply("There are no earlier conversations here." + ("" if words else _HINT_ALL))
    listed = "\n".join(_line(scope, number, one) for number, one in enumerate(found, 1))
    return CommandReply(f"**Conversations**\n{listed}\n\n`/resume <number or title>` goes on with one.")


async def run_resume(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Go on with an earlier session."""
    which, wanted = await _which(call, call.arguments)
    if which is None:
        return CommandReply(_NOT_HERE)
    if not wanted:
        return await run_sessions(scope, call)
    found = await find_session(scope, wanted, which, limit=MOST_LISTED)
    if found is None:
        return CommandReply(f"I know no conversation {code(shorten(wanted, 60))} here. `/sessions` lists them.")
    await call.conversation.switch_session(found.session_id)
    name = found.title or found.preview or found.session_id
    said = count(found.message_count, "message")
    return CommandReply(f"↩️ Going on with **{literal(shorten(name, 60))}** ({said}, {_when(scope, found)}).")


async def run_branch(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Copy the session and go on with the copy."""
    session_id = await call.conversation.session_id()
    new_id = branch_session_id(scope.clock.local())
    title = await branch(scope, session_id, new_id, shorten(call.arguments, LONGEST_TITLE))
    await call.conversation.switch_session(new_id)
    name = f" **{literal(title)}**" if title else ""
    return CommandReply(f"🌿 This is a copy{name} now; the original stays as it is, `/sessions` lists it.")


_NOT_HERE: Final = f"⛔ {code(_CROSS_ROOM)} is for admins of this bot only."
_HINT_ALL: Final = f" {code(f'/sessions {_ALL}')} also looks at your other chats."


async def _which(call: CommandCall, text: str) -> tuple[SessionFilter | None, str]:
    """Which sessions may be looked at, and what else was written.

    Those of this chat; with ``--all`` those of the same person in other chats as well. Everybody's may be seen by whom
    the settings name as an admin, with ``--cross-room``. None when somebody else asks for that.
    """
    words = text.split()
    wanted = " ".join(word for word in words if word not in (_ALL, _CROSS_ROOM))
    source = call.message.source
    current = await call.conversation.session_id()
    if _CROSS_ROOM in words:
        decision = may_use_command(call.platform.access, source, "resume")
        return (SessionFilter(without=current) if decision.reason is Reason.ADMIN else None), wanted
    if _ALL in words and source.user_id:
        return SessionFilter(source=source.platform, user_id=source.user_id, without=current), wanted
    if source.chat_id:
        return SessionFilter(source=source.platform, chat_id=source.chat_id, without=current), wanted
    return SessionFilter(source=source.platform, user_id=source.user_id or "", without=current), wanted


def _line(scope: ProfileScope, number: int, one: ListedSession) -> str:
    name = literal(shorten(one.title or one.preview or one.session_id, 60))
    return f"{number}. **{name}** - {count(one.message_count, 'message')}, {_when(scope, one)}"


def _when(scope: ProfileScope, one: ListedSession) -> str:
    return ago(scope.clock.now() - one.last_active)


COMMANDS: Final = (
    Command("new", "Begin a new conversation", run_new, aliases=("reset",), usage="[title]", while_busy=True),
    Command("title", "Show or set this conversation's title", run_title, usage="[text]", while_busy=True),
    Command("sessions", "List earlier conversations", run_sessions, usage="[--all]", while_busy=True),
    Command("resume", "Go on with an earlier conversation", run_resume, usage="[number, title or id] [--all]"),
    Command("branch", "Go on in a copy of this conversation", run_branch, aliases=("fork",), usage="[title]"),
)
