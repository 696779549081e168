"""Whether a route wants a delivery: its filters, then its script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.text_file import read_text_file
from hermes_trio.http.webhooks.events import UNPARSED, parse_json
from hermes_trio.http.webhooks.filters import FilterInvalid, compile_filter
from hermes_trio.http.webhooks.scripts import ScriptCall, ScriptMissing, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.home.webhook_config import WebhookRoute
    from hermes_trio.scope import ProfileScope

FILTER: Final = "filter"
SCRIPT: Final = "script"


class ScreenBroken(HermesTrioError):
    """A route's filters or script cannot be used. Nothing passes, because nobody knows what was to be kept out."""

    default_code = "webhook_route_misconfigured"


@dataclass(frozen=True, slots=True)
class Screened:
    """What came of the screening.

    Attributes:
        reason: Why the delivery is ignored: ``filter``, ``script``, or empty when it is wanted.
        detail: More of that, for the log.
        payload: The payload, as the script wants it to be.
        text: The text that the script wants in the place of the prompt, or empty.
    """

    reason: str = ""
    detail: str = ""
    payload: object = None
    text: str = ""


async def screen(
    scope: ProfileScope,
    operator: ProfilePaths,
    route: WebhookRoute,
    variables: Mapping[str, str],
    payload: object,
    seconds: float,
) -> Screened:
    """Ask a route's filters and script about a delivery.

    A script that says a JSON object replaces the payload by it, for the template; any other text is the prompt.

    Args:
        scope: The profile that the delivery is for.
        operator: The default profile's home, where scripts and lists are.
        route: The route.
        variables: What the script is told besides.
        payload: The payload.
        seconds: How long the script may take.

    Raises:
        ScreenBroken: Filters or script cannot be used.

    Cancellation: the script is ended first, within 4 s.
    """
    try:
        rule = compile_filter(route.filters)
        lists = {name: await scope.run_blocking(_read_list, operator.root, name) for name in rule.files}
    except FilterInvalid as error:
        raise ScreenBroken(str(error)) from error
    if not rule.accepts(payload, lists):
        return Screened(FILTER)
    if not route.script:
        return Screened(payload=payload)
    try:
        said = await run_script(scope, ScriptCall(operator.scripts, route.script, payload, variables, seconds))
    except ScriptMissing as error:
        raise ScreenBroken(str(error)) from error
    if not said.text:
        return Screened(SCRIPT, f"script: {said.problem or 'said so'}")
    replaced = parse_json(said.text.encode())
    if replaced is UNPARSED or not isinstance(replaced, dict):
        return Screened(payload=payload, text=said.text)
    return Screened(payload=replaced)


def _read_list(root: Path, name: str) -> frozenset[str]:
    """The lines of a file, without empty ones and remarks; a relative path begins at the default profile's home."""
    text = read_text_file(root / name, ScreenBroken, None)
    if text is None:
        raise ScreenBroken("there is no such list", where=f"filters in_file {root / name}")
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))
