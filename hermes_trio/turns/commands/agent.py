"""Commands for what the agent is and knows: personality, skills, memory, MCP servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.access.identity import is_direct
from hermes_trio.settings_edit import update_config
from hermes_trio.tools.skill_index import load_skills, skill_reader
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.settings_reply import AFTER_RESTART, Consent, admins_only, ask_consent, not_done
from hermes_trio.turns.commands.skill_commands import skill_command_name
from hermes_trio.turns.commands.wording import bullets, code, count, shorten
from hermes_trio.turns.memory_files import parse_memory_file

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.home.skill_files import Skill
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.memory_files import MemoryFile

MOST_SKILLS: Final = 50
LONGEST_ENTRY: Final = 300
_NONE: Final = frozenset({"none", "default", "neutral", "off"})


async def run_personality(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """List the personalities, or choose one."""
    known, wanted = scope.config.chat.personalities, call.arguments.strip().lower()
    if not wanted:
        return CommandReply(_personalities(scope))
    if not call.conversation.is_admin:
        return CommandReply(admins_only("Choosing a personality"))
    if wanted not in _NONE and wanted not in known:
        return CommandReply(f"I know no personality {code(shorten(wanted, 40))}.\n{_personalities(scope)}")
    await update_config(scope, "agent.system_prompt", "" if wanted in _NONE else known[wanted])
    chosen = "No personality" if wanted in _NONE else f"Personality **{wanted}**"
    return CommandReply(f"🎭 {chosen} is set. {AFTER_RESTART} Conversations that run keep theirs, `/new` begins one.")


def _personalities(scope: ProfileScope) -> str:
    known, current = scope.config.chat.personalities, scope.config.agent.system_prompt.strip()
    if not known:
        return "There are no personalities: `agent.personalities` of config.yaml names them."
    listed = bullets(
        f"**{name}**{' (now)' if text == current else ''}: {shorten(text, 80)}" for name, text in sorted(known.items())
    )
    return f"**Personalities**\n{listed}\n`/personality <name>` chooses one, `/personality none` none."


async def run_skills(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """List the skills, all or those whose name, category or description has a word."""
    skills = (await load_skills(scope, call.message.source.platform)).skills
    word = call.arguments.lower()
    found = [one for one in skills if word in f"{one.name}\n{one.category}\n{one.description}".lower()]
    if not found:
        return CommandReply("There are no skills yet." if not skills else f"No skill has {code(shorten(word, 40))}.")
    shown = bullets(_skill(one) for one in found[:MOST_SKILLS])
    rest = f"\n... and {len(found) - MOST_SKILLS} more: `/skills <word>` searches" if len(found) > MOST_SKILLS else ""
    return CommandReply(f"**{count(len(found), 'skill')}**\n{shown}{rest}")


def _skill(skill: Skill) -> str:
    name = skill_command_name(skill)
    return f"{code(f'/{name}') if name else code(skill.name)} {shorten(skill.description, 100)}".rstrip()


async def run_reload_skills(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Look at the skills on disk again."""
    skill_reader(scope).forget()
    skills = (await load_skills(scope, call.message.source.platform)).skills
    return CommandReply(f"🔄 {count(len(skills), 'skill')} read. New conversations know them; `/new` begins one.")


async def run_memory(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show what is remembered; among several people only how much."""
    memory = scope.config.memory
    notes, person = await scope.run_blocking(_read_memory, scope.home.memory_md, scope.home.user_md)
    in_full = is_direct(call.message.source)
    parts = [
        _memory("My notes", notes, memory.memory_char_limit, in_full, used=memory.memory_enabled),
        _memory("About the user", person, memory.user_char_limit, in_full, used=memory.user_profile_enabled),
    ]
    if not in_full and (notes.entries or person.entries):
        parts.append("What it says is shown in direct messages only.")
    return CommandReply("\n\n".join(parts))


def _read_memory(notes: Path, person: Path) -> tuple[MemoryFile, MemoryFile]:
    """Blocking."""
    return parse_memory_file(_content(notes), notes.name), parse_memory_file(_content(person), person.name)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _memory(title: str, memory: MemoryFile, limit: int, in_full: bool, *, used: bool) -> str:
    share = f"{memory.characters:,} of {limit:,} characters"
    head = f"**{title}**: {count(len(memory.entries), 'entry', 'entries')}, {share}{'' if used else ' (switched off)'}"
    if not in_full or not memory.entries:
        return head
    return f"{head}\n{bullets(shorten(entry, LONGEST_ENTRY) for entry in memory.entries)}"


async def run_reload_mcp(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Connect to the MCP servers anew, by a new start of the profile, which also reads their settings again."""
    consent = await ask_consent(
        scope,
        call,
        "Connect to all MCP servers again? The profile starts anew for that, once what runs has ended.",
        needed=scope.config.chat.mcp_reload_confirm,
        setting="approvals.mcp_reload_confirm",
    )
    if consent is not Consent.GIVEN:
        return CommandReply(not_done(consent))
    call.conversation.restart_profile()
    servers = call.agent.workplace.mcp.status()
    known = ", ".join(f"{one.server} ({one.state})" for one in servers) or "none are configured"
    return CommandReply(f"🔄 The profile starts anew and connects to its MCP servers. Until now: {known}.")


COMMANDS: Final = (
    Command("personality", "Show or choose my personality", run_personality, usage="[name|none]"),
    Command("skills", "List my skills", run_skills, usage="[word]", while_busy=True),
    Command("memory", "Show what I remember", run_memory, while_busy=True),
    Command("reload-skills", "Read my skills again", run_reload_skills),
    Command("reload-mcp", "Connect to MCP servers again", run_reload_mcp),
)
