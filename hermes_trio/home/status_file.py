"""``gateway_state.json`` in the root home: how the gateway is doing, for programs that read files instead of asking."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from hermes_trio.errors import HomeError
from hermes_trio.home.process_record import ProcessRecord, record_from_json
from hermes_trio.home.text_file import explain_os_error

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.home.paths import HomePaths


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """One platform connection.

    Attributes:
        state: ``connecting``, ``connected``, ``retrying``, ``fatal`` or ``disconnected``.
        error_code: Stable code of what is wrong, or None.
        error_message: What is wrong, or None.
        updated_at: ISO 8601, UTC.
    """

    state: str
    error_code: str | None = None
    error_message: str | None = None
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class ProfileStatus:
    """One profile; our addition to the file.

    Attributes:
        state: Its state.
        reason: Stable reason code, or None.
        since: ISO 8601, UTC.
        next_retry: When it is tried again, ISO 8601, UTC; None when it is not waiting.
        generation: How often it was started.
        problem: What is wrong, for people; None when nothing is.
    """

    state: str
    reason: str | None = None
    since: str = ""
    next_retry: str | None = None
    generation: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """The whole file.

    Attributes:
        record: The gateway's process.
        gateway_state: ``starting``, ``running``, ``draining``, ``degraded``, ``stopped`` or ``startup_failed``.
        updated_at: ISO 8601, UTC.
        exit_reason: Why it stopped, or None.
        restart_requested: Whether it exits to be started again.
        active_agents: Turns running now.
        platforms: Platform (of the default profile) or ``<profile>:<platform>`` -> its connection.
        served_profiles: Names of the served profiles.
        profiles: Name -> how it is doing.
    """

    record: ProcessRecord
    gateway_state: str
    updated_at: str
    exit_reason: str | None = None
    restart_requested: bool = False
    active_agents: int = 0
    platforms: Mapping[str, PlatformStatus] = field(default_factory=lambda: MappingProxyType({}))
    served_profiles: tuple[str, ...] = ()
    profiles: Mapping[str, ProfileStatus] = field(default_factory=lambda: MappingProxyType({}))


def write_status(home: HomePaths, status: GatewayStatus) -> None:
    """Replace the file at once as a whole, readable by its owner only; blocking.

    Raises:
        HomeError: ``home_unwritable``.
    """
    content = {
        **status.record.to_json(),
        "gateway_state": status.gateway_state,
        "exit_reason": status.exit_reason,
        "restart_requested": status.restart_requested,
        "active_agents": status.active_agents,
        "platforms": {name: _plain(platform) for name, platform in status.platforms.items()},
        "updated_at": status.updated_at,
        "served_profiles": list(status.served_profiles),
        "profiles": {name: _plain(profile) for name, profile in status.profiles.items()},
    }
    try:
        _replace(home.gateway_state, json.dumps(content, separators=(",", ":")).encode())
    except OSError as exc:
        problem, mend = explain_os_error(exc, home.gateway_state)
        raise HomeError(problem, code="home_unwritable", where=str(home.gateway_state), mend=mend) from exc


def read_status(home: HomePaths) -> GatewayStatus | None:
    """Read the file, ours or one of Hermes' own; None when it is missing or garbled. Blocking.

    Raises:
        HomeError: ``home_unreadable``.
    """
    try:
        data = json.loads(home.gateway_state.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return None
    except OSError as exc:
        problem, mend = explain_os_error(exc, home.gateway_state)
        raise HomeError(problem, code="home_unreadable", where=str(home.gateway_state), mend=mend) from exc
    record = record_from_json(data) if isinstance(data, Mapping) else None
    return None if record is None else _parse(data, record)


def _parse(data: Mapping[str, object], record: ProcessRecord) -> GatewayStatus:
    served = data.get("served_profiles")
    agents = data.get("active_agents")
    return GatewayStatus(
        record=record,
        gateway_state=str(data.get("gateway_state") or ""),
        updated_at=str(data.get("updated_at") or ""),
        exit_reason=_text(data, "exit_reason"),
        restart_requested=data.get("restart_requested") is True,
        active_agents=agents if isinstance(agents, int) else 0,
        platforms=MappingProxyType({name: _platform(entry) for name, entry in _entries(data, "platforms")}),
        served_profiles=tuple(map(str, served)) if isinstance(served, list) else (),
        profiles=MappingProxyType({name: _profile(entry) for name, entry in _entries(data, "profiles")}),
    )


def _entries(data: Mapping[str, object], key: str) -> list[tuple[str, Mapping[str, object]]]:
    found = data.get(key)
    if not isinstance(found, Mapping):
        return []
    return [(str(name), entry) for name, entry in found.items() if isinstance(entry, Mapping)]


def _platform(entry: Mapping[str, object]) -> PlatformStatus:
    return PlatformStatus(
        state=str(entry.get("state") or ""),
        error_code=_text(entry, "error_code"),
        error_message=_text(entry, "error_message"),
        updated_at=str(entry.get("updated_at") or ""),
    )


def _profile(entry: Mapping[str, object]) -> ProfileStatus:
    generation = entry.get("generation")
    return ProfileStatus(
        state=str(entry.get("state") or ""),
        reason=_text(entry, "reason"),
        since=str(entry.get("since") or ""),
        next_retry=_text(entry, "next_retry"),
        generation=generation if isinstance(generation, int) else 0,
        problem=_text(entry, "problem"),
    )


def _text(data: Mapping[str, object], key: str) -> str | None:
    value = data.get(key)
    return None if value is None else str(value)


def _plain(status: PlatformStatus | ProfileStatus) -> dict[str, object]:
    return {name: getattr(status, name) for name in status.__slots__}


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105  both are on one file system
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  mkstemp gives text
        raise
