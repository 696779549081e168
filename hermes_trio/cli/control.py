"""Asks the running gateway over its control socket (HTTP on a unix socket in the home)."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import msgspec

from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.report import GatewayReport
from hermes_trio.gateway.route_report import Explanation, RoutesReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.home.paths import HomePaths

T = TypeVar("T")

CONTROL_TIMEOUT = 5.0
"""Seconds to wait for the gateway's answer; it answers from memory."""


class ControlError(HermesTrioError):
    """The gateway's control socket answers wrongly or not in time."""

    default_code = "control_failed"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CONTROL_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def fetch_status(home: HomePaths) -> tuple[GatewayReport, bytes] | None:
    """The running gateway's report, typed and as the JSON that came; None when no gateway of ours runs on this home.

    Raises:
        ControlError: Something listens but gives no sensible answer.
    """
    answer = _ask(home.control_socket, "GET", "/control/status")
    return None if answer is None else (_decode(home, answer, GatewayReport), answer)


def require_status(home: HomePaths, start: str) -> tuple[GatewayReport, bytes]:
    """Like `fetch_status`, for commands that need a gateway.

    Args:
        home: The home.
        start: The command line that starts a gateway on it.

    Raises:
        ControlError: No gateway runs on this home (``gateway_not_running``), or it does not answer.
    """
    found = fetch_status(home)
    if found is None:
        raise not_running(home, start)
    return found


def not_running(home: HomePaths, start: str) -> ControlError:
    """The error that says that no gateway of ours runs on ``home``, and whether another kind does."""
    from hermes_trio.home.process_record import read_live_gateway

    other = read_live_gateway(home)
    if other is not None:
        return ControlError(
            "a gateway runs on this home, but it has no control socket of hermes-trio",
            code="gateway_foreign",
            where=str(home.root),
            found=f"pid {other.pid}: {' '.join(other.argv)}",
            mend=f"ask that gateway, or stop it and run `{start}`",
        )
    return ControlError(
        "no gateway runs on this home",
        code="gateway_not_running",
        where=str(home.root),
        mend=f"start it with `{start}`",
    )


def tell_inbox_changed(home: HomePaths, profile: str) -> bool:
    """Tell the running gateway that messages of a profile wait again; False when no gateway of ours runs on this home.

    Raises:
        ControlError: It does not answer, or refuses.
    """
    body = msgspec.json.encode({"profile": profile})
    return _ask(home.control_socket, "POST", "/control/inbox-changed", body) is not None


def cancel_turn(home: HomePaths, turn: str) -> bool:
    """Let the running gateway end a turn; False when it knows none of this id, or when no gateway runs on this home.

    Raises:
        ControlError: It does not answer, or refuses.
    """
    body = msgspec.json.encode({"turn": turn})
    return _ask(home.control_socket, "POST", "/control/cancel-turn", body, missing_is_none=True) is not None


def fetch_routes(home: HomePaths) -> RoutesReport | None:
    """The routes in force in the running gateway; None when no gateway of ours runs on this home.

    Raises:
        ControlError: Something listens but gives no sensible answer.
    """
    return _fetch(home, "/control/routes", RoutesReport)


def fetch_explanations(home: HomePaths, query: Mapping[str, str]) -> list[Explanation] | None:
    """The running gateway's explanation of a message's way; None when no gateway of ours runs on this home.

    Args:
        home: The home.
        query: The message's fields, or ``message`` with the id of one that has come: then there are as many as have
            come with this id lately.

    Raises:
        ControlError: Something listens but gives no sensible answer.
    """
    return _fetch(home, f"/control/route/explain?{urlencode(query)}", list[Explanation])


def _fetch(home: HomePaths, target: str, kind: type[T]) -> T | None:
    answer = _ask(home.control_socket, "GET", target)
    return None if answer is None else _decode(home, answer, kind)


def _decode(home: HomePaths, answer: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as exc:
        raise ControlError(
            "the gateway's report cannot be read",
            where=str(home.control_socket),
            found=str(exc),
            mend="use the hermes-trio version that the gateway runs, or restart the gateway",
        ) from exc


def _ask(
    path: Path, method: str, target: str, content: bytes | None = None, *, missing_is_none: bool = False
) -> bytes | None:
    connection = _UnixConnection(path)
    try:
        connection.request(method, target, content)
        response = connection.getresponse()
        body = response.read()
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError as exc:
        raise ControlError(
            "this user may not ask the gateway",
            code="control_forbidden",
            where=str(path),
            mend="run the command as the user that runs the gateway",
        ) from exc
    except (OSError, http.client.HTTPException) as exc:
        raise ControlError(
            "the gateway does not answer", where=str(path), found=f"{type(exc).__name__}: {exc}"
        ) from exc
    finally:
        connection.close()
    if missing_is_none and response.status == http.client.NOT_FOUND:
        return None
    if response.status not in (http.client.OK, http.client.NO_CONTENT):
        problem = "the gateway refuses to report" if method == "GET" else "the gateway refuses"
        raise ControlError(problem, where=str(path), found=f"HTTP {response.status}")
    return body
