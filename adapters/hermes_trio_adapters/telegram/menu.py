"""The command menu that people see in the bot's chats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api import HermesTrioError
from hermes_trio_adapters.telegram.wire import BotCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api import AdapterContext, CommandInfo, ProfileScope
    from hermes_trio_adapters.telegram.client import BotApi

#: The menu can wait until all bots of a gateway have connected.
PAUSE_SECONDS: Final = 4.0
MOST_COMMANDS: Final = 100
LONGEST_DESCRIPTION: Final = 256
_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")


def menu_of(commands: Sequence[CommandInfo]) -> list[BotCommand]:
    """The menu for commands, as Telegram takes it; what it cannot name is left out."""
    menu: dict[str, BotCommand] = {}
    for command in commands:
        name = command.name.lower().replace("-", "_")
        if _NAME.fullmatch(name) and name not in menu:
            menu[name] = BotCommand(name, command.description.strip()[:LONGEST_DESCRIPTION] or command.name)
    return list(menu.values())[:MOST_COMMANDS]


async def publish_menu(scope: ProfileScope, api: BotApi, context: AdapterContext) -> None:
    """Set the menu, unless it is set already; without a menu the bot works as well, so failing only logs."""
    await trio.sleep(PAUSE_SECONDS * (0.5 + scope.shared.jitter()))
    try:
        menu = menu_of(await context.load_commands())
        if menu and await api.call("getMyCommands", {}, list[BotCommand]) != menu:
            await api.call("setMyCommands", {"commands": menu}, bool)
    except HermesTrioError as exc:
        scope.log.warning("the menu of commands could not be set", why=str(exc))
