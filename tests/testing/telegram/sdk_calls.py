"""Calls of the official SDK whose answers it has to understand; run as a script, prints what came as JSON."""

from __future__ import annotations

import asyncio
import json
import sys

from telegram import BotCommand, InputMediaPhoto
from telegram.error import BadRequest, ChatMigrated, Forbidden
from telegram.ext import ExtBot


async def main(address: str, token: str, chat: str, forum: str, migrated: str) -> None:
    told: dict[str, object] = {}
    async with ExtBot(token, base_url=f"{address}/bot", base_file_url=f"{address}/file/bot") as bot:
        updates = await bot.get_updates(allowed_updates=["my_chat_member", "message_reaction", "message"])
        told["updates"] = sorted({next(name for name in update.to_dict() if name != "update_id") for update in updates})
        full = await bot.get_chat(forum)
        told["chat"] = [full.title, full.is_forum, full.type]
        topic = await bot.create_forum_topic(forum, "Plans")
        sent = await bot.send_message(forum, "x", message_thread_id=topic.message_thread_id)
        told["topic"] = [topic.name, sent.is_topic_message]
        album = await bot.send_media_group(chat, [InputMediaPhoto(b"one"), InputMediaPhoto(b"two")])
        told["album"] = len({message.media_group_id for message in album})
        photo = await bot.send_photo(chat, b"picture", caption="a_b", parse_mode="HTML")
        told["photo"] = [len(photo.photo), photo.caption]
        told["reaction"] = await bot.set_message_reaction(chat, photo.message_id, "👍")
        told["action"] = await bot.send_chat_action(chat, "typing")
        await bot.set_my_commands([BotCommand("help", "Says what there is")])
        told["commands"] = [command.command for command in await bot.get_my_commands()]
        told["webhook"] = (await bot.get_webhook_info()).url
        told["deleted"] = await bot.delete_message(chat, photo.message_id)
        for name, error, arguments in (
            ("migrated", ChatMigrated, (migrated, "x")),
            ("not found", BadRequest, (999, "x")),
            ("blocked", Forbidden, (8, "x")),
        ):
            try:
                await bot.send_message(*arguments)
            except error as refusal:
                told[name] = getattr(refusal, "new_chat_id", None) or refusal.message
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
