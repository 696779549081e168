"""From what a model writes to the messages that go out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.document import Paragraph, Text
from hermes_trio.adapter_api.outgoing import OutgoingText
from hermes_trio.delivery.markdown import parse_markdown
from hermes_trio.delivery.plain import plain_text
from hermes_trio.delivery.resent import leaving_room
from hermes_trio.delivery.split import numbered, split_document

if TYPE_CHECKING:
    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.outgoing import Button
    from hermes_trio.scope import ProfileScope

#: A text of up to so many characters is composed at once; a longer one goes to a worker.
SHORT_TEXT: Final = 4000


def compose(
    text: str,
    capabilities: Capabilities,
    *,
    reply_to: str | None = None,
    reply_to_mode: str = "first",
    buttons: tuple[tuple[Button, ...], ...] = (),
    footer: str = "",
) -> tuple[OutgoingText, ...]:
    """Compose the messages for a text in Markdown; an empty text makes none.

    Takes time proportional to the text's length; `compose_reply` does not hold up others with a long one.

    Args:
        text: What to say, in Markdown.
        capabilities: What the platform can do.
        reply_to: The platform's id of the message it answers, or None.
        reply_to_mode: Which parts quote that message: ``off``, ``first`` or ``all``.
        buttons: Rows of buttons below the last part.
        footer: A line at the end of the last part, without markup.
    """
    document = parse_markdown(text)
    if document and footer:
        document = (*document, Paragraph((Text(footer),)))
    parts = numbered(split_document(document, capabilities), capabilities)
    quoting = {"off": 0, "first": 1, "all": len(parts)}.get(reply_to_mode, 1)
    return tuple(
        OutgoingText(
            text=plain_text(part),
            formatted=capabilities.render(part) if capabilities.render is not None else None,
            reply_to=reply_to if index < quoting else None,
            buttons=buttons if capabilities.buttons and index == len(parts) - 1 else (),
        )
        for index, part in enumerate(parts)
    )


async def compose_reply(
    scope: ProfileScope,
    text: str,
    capabilities: Capabilities,
    *,
    reply_to: str | None = None,
    reply_to_mode: str = "first",
    buttons: tuple[tuple[Button, ...], ...] = (),
    footer: str = "",
) -> tuple[OutgoingText, ...]:
    """Do what `compose` does, for a long text in a worker, and with room for the mark of a part that is sent again.

    Raises:
        ScopeClosed: This generation of the profile is over.
    """
    work = partial(
        compose,
        text,
        leaving_room(capabilities, scope.config.chat),
        reply_to=reply_to,
        reply_to_mode=reply_to_mode,
        buttons=buttons,
        footer=footer,
    )
    return work() if len(text) <= SHORT_TEXT else await scope.run_blocking(work)
