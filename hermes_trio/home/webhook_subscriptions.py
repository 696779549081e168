"""``webhook_subscriptions.json``: routes of the webhook platform that are made at run time.

The format is hermes-agent's: a mapping of names to routes, with ``created_at``; ours may have a ``profile``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.decode_webhook import decode_routes
from hermes_trio.home.file_edit import edit_file
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.provenance import WEBHOOK_ROUTE_INVALID
from hermes_trio.home.section import Origin, Section
from hermes_trio.home.text_file import explain_os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hermes_trio.home.provenance import Notice
    from hermes_trio.home.webhook_config import WebhookRoute

SUBSCRIPTION_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


class SubscriptionsError(HermesTrioError):
    """``webhook_subscriptions.json`` cannot be read or written."""

    default_code = "webhook_subscriptions_invalid"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What the file says.

    Attributes:
        routes: The routes that can be used.
        notices: Remarks about the others.
    """

    routes: Mapping[str, WebhookRoute]
    notices: tuple[Notice, ...]


def parse_subscriptions(content: bytes | None, path: Path) -> Subscriptions:
    """Read the file's content; pure.

    Args:
        content: The bytes; None when there is no file.
        path: The file, for remarks.

    Raises:
        SubscriptionsError: It is no JSON object.
    """
    notices: list[Notice] = []
    values = _load(content or b"", path)
    origin = Origin(path, DEFAULT_PROFILE, MappingProxyType({}), MappingProxyType({}), notices)
    named = {name: value for name, value in values.items() if SUBSCRIPTION_NAME.fullmatch(name)}
    section = Section(origin, _freeze_mapping(named), "")
    for name in (name for name in values if name not in named):
        section.note(WEBHOOK_ROUTE_INVALID, name, "this route is not served: not a name for one")
    return Subscriptions(decode_routes(section), tuple(notices))


def edit_subscriptions(path: Path, edit: Callable[[dict[str, object]], None]) -> None:
    """Change the file atomically, under a lock; blocking, 5 s at most. What it holds besides stays as it is.

    Args:
        path: The file; made with mode 0600 when it is missing.
        edit: Changes the mapping of names to routes in place; may be called again.

    Raises:
        SubscriptionsError: The file cannot be read or written. It is as it was.
    """

    def edit_text(text: str) -> str:
        values = _load(text.encode("utf-8", "surrogateescape"), path)
        before = json.dumps(values)
        edit(values)
        return text if json.dumps(values) == before else json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    try:
        done = edit_file(path, edit_text)
        if path.exists():
            path.chmod(path.stat().st_mode & 0o600)
    except OSError as error:
        problem, mend = explain_os_error(error, path)
        raise SubscriptionsError(problem, where=str(path), mend=mend) from error
    if done is None:
        raise SubscriptionsError("others keep changing it", where=str(path), mend="try again")


def _load(content: bytes, path: Path) -> dict[str, object]:
    if not content.strip():
        return {}
    try:
        values = msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SubscriptionsError(
            "not valid JSON", where=str(path), found=str(error)[:200], mend=f"mend or remove {path}"
        ) from None
    if not isinstance(values, dict):
        raise SubscriptionsError(
            "not a JSON object", where=str(path), expected='{"<name>": {...}}', mend=f"mend or remove {path}"
        )
    return values


def _freeze_mapping(values: Mapping[str, object]) -> Mapping[object, object]:
    return MappingProxyType({key: _freeze(value) for key, value in values.items()})


def _freeze(value: object) -> object:
    if isinstance(value, dict):
        return _freeze_mapping(value)
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value
