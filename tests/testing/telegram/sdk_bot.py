"""A small bot on the official SDK, python-telegram-bot: it judges the fake. Run as a script in a process of its own.

What happens is told in lines of JSON on standard output; a line on standard input ends the bot in an orderly way.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import RetryAfter
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, MessageHandler, filters

KEYBOARD = InlineKeyboardMarkup(
    [[InlineKeyboardButton("Yes", callback_data="y"), InlineKeyboardButton("No", callback_data="n")]]
)


def tell(event: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


async def start(update, _context):
    await update.message.reply_text("<b>Shall I?</b>", parse_mode="HTML", reply_markup=KEYBOARD)


async def pressed(update, _context):
    query = update.callback_query
    await query.answer("noted")
    await query.edit_message_text(f"You said {query.data}")


async def text(update, _context):
    reply = await update.message.reply_text(f"echo: {update.message.text}", do_quote=True)
    await reply.edit_text(f"final: {update.message.text}")


async def flood(update, _context):
    try:
        await update.message.reply_text("one too many")
    except RetryAfter as error:
        seconds = error.retry_after
        await update.message.reply_text(f"waited {getattr(seconds, 'seconds', seconds)}")


async def document(update, _context):
    file = await update.message.document.get_file()
    content = bytes(await file.download_as_bytearray())
    answer = io.BytesIO(content.upper())
    await update.message.reply_document(answer, filename="answer.txt", caption=update.message.document.file_name)


async def main(address: str, token: str) -> None:
    builder = ApplicationBuilder().token(token).base_url(f"{address}/bot").base_file_url(f"{address}/file/bot")
    application = builder.build()
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CommandHandler("flood", flood))
    application.add_handler(CallbackQueryHandler(pressed))
    application.add_handler(MessageHandler(filters.Document.ALL, document))
    application.add_handler(MessageHandler(filters.TEXT, text))
    async with application:
        await application.start()
        await application.updater.start_polling(
            timeout=10,
            allowed_updates=["message", "callback_query"],
            error_callback=lambda error: tell("error", name=type(error).__name__),
        )
        me = await application.bot.get_me()
        tell("polling", username=me.username)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await application.updater.stop()
        await application.stop()
    tell("stopped")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
