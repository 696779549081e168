"""Takes in the files that came with messages, and describes them to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.history import GivenContent


async def take_in(scope: ProfileScope, senders: Senders, messages: Sequence[Accepted], text: str) -> GivenContent:
    """The content of a user's message: its text, and its files."""
    return text
