"""Session ids in the forms hermes-agent gives them, so that both programs' sessions sort and read alike."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def new_session_id(now: datetime) -> str:
    """A new id for a chat or the command line: ``20261120_202520_1de4570a``; ``now`` is the local time."""
    return f"{now:%Y%m%d_%H%M%S}_{secrets.token_hex(4)}"


def branch_session_id(now: datetime) -> str:
    """A new id for a branch of a session: ``20261120_202520_1de457``; ``now`` is the local time."""
    return f"{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"


def created_session_id(now: float) -> str:
    """A new id for a session created over HTTP: ``api_1790000000_1de4570a``; ``now`` in seconds since the epoch."""
    return f"api_{int(now)}_{secrets.token_hex(4)}"


def cron_session_id(job_id: str, now: datetime) -> str:
    """The id of a scheduled job's run: ``cron_<job>_20261120_202520``; ``now`` is the local time."""
    return f"cron_{job_id}_{now:%Y%m%d_%H%M%S}"


def api_session_id(system_text: str, first_user_text: str) -> str:
    """The id of an HTTP conversation without a session header: the same start of a conversation gives the same id."""
    start = f"{system_text}\n{first_user_text}".encode("utf-8", "replace")
    return f"api-{hashlib.sha256(start).hexdigest()[:16]}"
