"""Commands that change what the model sees of a conversation: retry, undo, compress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.store.exchanges import text_of_content
from hermes_trio.store.routing_index import lookup
from hermes_trio.store.session_edits import last_user_message, undo
from hermes_trio.turns.commands.chat_model import chat_route
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.parsing import whole_number
from hermes_trio.turns.commands.settings_reply import Consent, ask_consent, not_done
from hermes_trio.turns.commands.wording import count, literal, shorten, size
from hermes_trio.turns.compression_now import compress_session

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope

LONGEST_FOCUS: Final = 500
_PREVIEWS: Final = frozenset({"--preview", "--dry-run"})
_NOTHING_SAID: Final = "Nothing has been said here yet."


async def run_retry(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Answer the last message again as if it had not been answered."""
    session_id = await call.conversation.session_id()
    last = await last_user_message(scope, session_id)
    text = text_of_content(last.content).strip() if last is not None else ""
    if not text:
        return CommandReply("There is no message with a text that I could answer again.")
    # Only what is sure to be answered again may be taken back.
    if not await call.conversation.submit(text):
        return CommandReply("⏳ Too many messages wait already. Try again when some are answered.")
    await undo(scope, session_id)
    return CommandReply(f"🔁 Once more: {literal(shorten(text, 80))}")


async def run_undo(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Take back the last exchanges."""
    wanted = whole_number(call.arguments or "1")
    if not wanted:
        return CommandReply("How many exchanges? For example `/undo 2`.")
    consent = await ask_consent(
        scope,
        call,
        f"Take back the last {count(wanted, 'exchange')}? I will not know of what was said in them.",
        needed=scope.config.chat.destructive_slash_confirm and wanted > 1,
        setting="approvals.destructive_slash_confirm",
    )
    if consent is not Consent.GIVEN:
        return CommandReply(not_done(consent))
    undone = await undo(scope, await call.conversation.session_id(), wanted)
    if not undone.count:
        return CommandReply("There is nothing to take back.")
    since = (
        f' It began with: "{literal(shorten(undone.texts[0], 80))}"' if undone.texts and undone.texts[0].strip() else ""
    )
    return CommandReply(f"↩️ {count(undone.count, 'exchange')} taken back.{since}")


async def run_compress(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Let a summary take the place of the older part of the conversation."""
    preview, exchanges, focus = _compress_wish(call.arguments)
    session_id = await call.conversation.session_id()
    route = chat_route(call, await lookup(scope, call.conversation.session_key))
    outcome = await compress_session(
        scope, call.agent, session_id, route, focus=focus, exchanges=exchanges, preview=preview
    )
    if not outcome.messages:
        return CommandReply(_NOTHING_SAID)
    if not outcome.folded:
        now = f"{count(outcome.messages, 'message')}, about {size(outcome.tokens)} tokens"
        return CommandReply(f"There is nothing to gain from a summary yet ({now}).")
    change = (
        f"{count(outcome.folded, 'message')} of {outcome.messages:,}, about {size(outcome.tokens)} -> "
        f"{size(outcome.tokens_after)} tokens"
    )
    if preview:
        return CommandReply(f"🗜 A summary would take the place of {change}. `/compress` does it.")
    return CommandReply(f"🗜 A summary has taken the place of {change}.")


def _compress_wish(arguments: str) -> tuple[bool, int | None, str]:
    """Whether it is only to be told, how many exchanges at the end are to stay, and what is to be kept above all."""
    words = [word for word in arguments.split() if word not in _PREVIEWS]
    preview = not _PREVIEWS.isdisjoint(arguments.split())
    if not words or words[0].lower() != "here":
        return preview, None, " ".join(words)[:LONGEST_FOCUS]
    number = whole_number(words[1]) if len(words) > 1 else None
    focus = " ".join(words[1:] if number is None else words[2:])
    return preview, 1 if number is None else number, focus[:LONGEST_FOCUS]


COMMANDS: Final = (
    Command("retry", "Answer my last message again", run_retry),
    Command("undo", "Take back the last exchange, or several", run_undo, usage="[number]"),
    Command(
        "compress",
        "Summarise the older part of this conversation",
        run_compress,
        aliases=("compact",),
        usage="[here N] [focus] [--preview]",
    ),
)
