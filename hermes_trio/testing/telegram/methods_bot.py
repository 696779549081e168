"""What a bot asks and sets about itself and its chats: identity, commands, webhook, topics."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.testing.telegram.answers import bad_request, conflict
from hermes_trio.testing.telegram.model import ChatKind
from hermes_trio.testing.telegram.places import TOPIC_COLOUR, open_topic
from hermes_trio.testing.telegram.state import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.testing.telegram.context import Context, Method
    from hermes_trio.testing.telegram.model import Json

MOST_COMMANDS: Final = 100
LONGEST_DESCRIPTION: Final = 256
_COMMAND: Final = re.compile(r"[a-z0-9_]{1,32}")
_GIFTS: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "unlimited_gifts": False,
        "limited_gifts": False,
        "unique_gifts": False,
        "premium_subscription": False,
        "gifts_from_channels": False,
    }
)
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{0,256}")


def get_me(context: Context) -> object:
    """``getMe``."""
    return {
        **context.bot.account.as_json(),
        "can_join_groups": True,
        "can_read_all_group_messages": context.bot.reads_all,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _scope_of(context: Context) -> str:
    scope = context.call.json("scope", "bot command scope") or {"type": "default"}
    return msgspec.json.encode([scope, context.call.text("language_code")], order="sorted").decode()


def set_my_commands(context: Context) -> object:
    """``setMyCommands``."""
    given = context.call.json("commands", "commands")
    commands: list[Json] = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    if len(commands) > MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(str(command.get("command", "")).lstrip("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= LONGEST_DESCRIPTION:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    context.bot.commands[_scope_of(context)] = commands
    context.record()
    return True


def get_my_commands(context: Context) -> object:
    """``getMyCommands``."""
    return context.bot.commands.get(_scope_of(context), [])


def delete_my_commands(context: Context) -> object:
    """``deleteMyCommands``."""
    context.bot.commands.pop(_scope_of(context), None)
    context.record()
    return True


def set_webhook(context: Context) -> object:
    """``setWebhook``; plain ``http``, any port and local addresses are fine, as with a local Bot API server."""
    call, bot = context.call, context.bot
    url = call.text("url")
    if not url:
        return delete_webhook(context)
    if not url.startswith(("https://", "http://")):
        raise bad_request("bad webhook: invalid webhook URL specified")
    secret = call.text("secret_token")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    _allow(context)
    if call.flag("drop_pending_updates"):
        bot.queue.clear()
    bot.webhook = Webhook(url, secret)
    bot.end_poll(conflict("terminated by setWebhook request"))
    context.record()
    bot.queue.wake()
    return True


def _allow(context: Context) -> None:
    kinds = context.call.json("allowed_updates", "allowed updates")
    if isinstance(kinds, list):
        context.bot.queue.allow(str(kind) for kind in kinds)


def delete_webhook(context: Context) -> object:
    """``deleteWebhook``."""
    if context.call.flag("drop_pending_updates"):
        context.bot.queue.clear()
    context.bot.webhook = None
    context.bot.queue.wake()
    context.record()
    return True


def get_webhook_info(context: Context) -> object:
    """``getWebhookInfo``."""
    bot = context.bot
    webhook = bot.webhook or Webhook("")
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(bot.queue),
    }
    if webhook.last_error:
        info.update(last_error_date=webhook.last_error_date, last_error_message=webhook.last_error)
    if bot.queue.allowed:
        info["allowed_updates"] = sorted(bot.queue.allowed)
    return info


def log_out(context: Context) -> object:
    """``logOut``: this server takes no further call of the bot."""
    context.bot.logged_out = True
    context.record()
    return True


def close(context: Context) -> object:
    """``close``."""
    context.record()
    return True


def get_chat(context: Context) -> object:
    """``getChat``."""
    return {
        **context.chat().as_json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict(_GIFTS),
    }


def leave_chat(context: Context) -> object:
    """``leaveChat``."""
    chat = context.chat()
    if chat.kind is ChatKind.PRIVATE:
        raise bad_request("chat member status can't be changed in private chats")
    chat.members.discard(context.bot.account.id)
    context.record(chat)
    return True


def create_forum_topic(context: Context) -> object:
    """``createForumTopic``."""
    chat = context.chat(writing=True)
    name = context.call.text("name")
    if not chat.forum:
        raise bad_request("the chat is not a forum")
    if not name:
        raise bad_request("topic name must be non-empty")
    service = open_topic(context.state, chat, context.bot.account, name)
    context.record(chat, service, text=name)
    return {"message_thread_id": service.id, "name": name, "icon_color": TOPIC_COLOUR}


BOT_METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getMe": get_me,
        "setMyCommands": set_my_commands,
        "getMyCommands": get_my_commands,
        "deleteMyCommands": delete_my_commands,
        "setWebhook": set_webhook,
        "deleteWebhook": delete_webhook,
        "getWebhookInfo": get_webhook_info,
        "logOut": log_out,
        "close": close,
        "getChat": get_chat,
        "leaveChat": leave_chat,
        "createForumTopic": create_forum_topic,
    }
)
