"""Health: of the process for anybody, of one profile in detail for the holder of its key."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from hermes_trio import __version__
from hermes_trio.errors import ModelError, StoreError
from hermes_trio.gateway.views import platform_status
from hermes_trio.http.health_objects import DetailedHealth, Health, Readiness
from hermes_trio.models.resolve import resolve_targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.home.status_file import PlatformStatus
    from hermes_trio.http.call import Call
    from hermes_trio.http.endpoint import PublicCall
    from hermes_trio.scope import ProfileScope

PLATFORM = "hermes-agent"
HEALTHY = msgspec.json.encode(Health("ok", PLATFORM, __version__))


async def serve_health(call: PublicCall) -> None:
    """The process lives; says nothing of any profile but that the one in the path serves.

    Raises:
        ProfileUnavailable: The profile in the path does not serve.
    """
    if call.profile is not None:
        await call.gateway.table[call.profile].ready_runtime()
    await call.responder.send(200, HEALTHY)


async def serve_detailed_health(scope: ProfileScope, call: Call) -> None:
    """How one profile is doing, for its owner."""
    gateway, runtime = call.gateway, call.runtime
    slot = gateway.table[scope.name]
    platforms = _platforms(runtime)
    checks = await _checks(gateway, runtime, platforms, call.state.runs.active)
    ready = all(check.get("status") != "error" for check in checks.values())
    state = "draining" if gateway.draining else str(slot.state)
    body = DetailedHealth(
        status="ok" if ready else "degraded",
        readiness=Readiness("ready" if ready else "not_ready", checks),
        platform=PLATFORM,
        version=__version__,
        profile=scope.name,
        gateway_state=state,
        platforms=dict(platforms),
        active_agents=runtime.active_turns,
        gateway_busy=runtime.active_turns > 0,
        gateway_drainable=slot.state.serves,
        exit_reason=None,
        updated_at=datetime.fromtimestamp(slot.since, UTC).isoformat(),
        pid=os.getpid(),
    )
    await call.responder.send(200, msgspec.json.encode(body))


def _platforms(runtime: ProfileRuntime) -> Mapping[str, PlatformStatus]:
    slots = {} if runtime.chats is None else runtime.chats.slots
    return {name: platform_status(slot) for name, slot in slots.items()}


async def _checks(
    gateway: Gateway, runtime: ProfileRuntime, platforms: Mapping[str, PlatformStatus], active_runs: int
) -> dict[str, dict[str, object]]:
    scope = runtime.scope
    return {
        "state_db": await _state_db(scope),
        "config": {"status": "ok"},
        "model": _model(scope),
        "disk": await scope.run_blocking(_disk, str(scope.home.root)),
        "gateway": {
            "status": "ok",
            "state": str(gateway.table[scope.name].state),
            "connected_platforms": [name for name, found in platforms.items() if found.state == "connected"],
            "platforms": platforms,
        },
        "background_queues": {
            "status": "ok",
            "active_api_runs": active_runs,
            "process_completions": 0,
            "active_delegations": 0,
        },
    }


async def _state_db(scope: ProfileScope) -> dict[str, object]:
    try:
        await scope.db.check()
    except StoreError as error:
        return {"status": "error", "code": error.code, "message": str(error)}
    return {"status": "ok"}


def _model(scope: ProfileScope) -> dict[str, object]:
    try:
        target = resolve_targets(scope.config, scope.secrets)[0]
    except ModelError as error:
        return {"status": "error", "code": error.code, "message": str(error)}
    return {"status": "ok", "provider": target.provider, "model": target.model}


def _disk(path: str) -> dict[str, object]:
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return {"status": "error", "message": error.strerror or str(error)}
    return {"status": "ok", "used_percent": round(100 * usage.used / usage.total, 1), "free_bytes": usage.free}
