"""One holder in the world for a credential such as a bot token, by a lock file that Hermes' own gateways understand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import CredentialBusy, HomeError
from hermes_trio.home.file_lock import lock_file, rewrite
from hermes_trio.home.process_record import (
    RECORD_LIMIT,
    ProcessRecord,
    SystemProcesses,
    closing_descriptor,
    is_live_gateway,
    parse_process_record,
)
from hermes_trio.home.text_file import explain_os_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from hermes_trio.home.process_record import Processes


def credential_lock_directory(environ: Mapping[str, str], user_home: Path) -> Path:
    """The folder of these locks: ``HERMES_GATEWAY_LOCK_DIR``, else ``hermes/gateway-locks`` below the state folder."""
    named = environ.get("HERMES_GATEWAY_LOCK_DIR", "").strip()
    if named:
        return user_home / named
    state = environ.get("XDG_STATE_HOME", "").strip()
    return (user_home / (state or ".local/state")) / "hermes" / "gateway-locks"


def credential_lock_path(directory: Path, scope: str, identity: str) -> Path:
    """The lock file of a credential; its name holds a hash of the credential, never the credential."""
    return directory / f"{re.sub(r'[^A-Za-z0-9._-]', '-', scope)}-{identity_digest(identity)}.lock"


def identity_digest(identity: str) -> str:
    """What stands for a credential wherever it is written down: 16 digits of its SHA-256."""
    return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:16]


@contextlib.contextmanager
def hold_credential_lock(
    directory: Path,
    scope: str,
    identity: str,
    record: ProcessRecord,
    metadata: Mapping[str, object],
    *,
    now: datetime,
    processes: Processes | None = None,
) -> Iterator[None]:
    """Hold a credential for this process; blocking, at most 0.2 s. A stale file is taken over, ours removed at the end.

    Stale is a file whose process is dead, suspended, another one of the same number, or no gateway.

    Args:
        directory: Folder of the lock files, made when missing.
        scope: Kind of credential, e.g. ``telegram-bot-token``.
        identity: The credential itself; only its hash is written.
        record: This process.
        metadata: Whatever helps a person to find the holder; no secrets.
        now: The time, with its zone.
        processes: What is known about other processes; this machine's unless a test says otherwise.

    Raises:
        CredentialBusy: A live gateway holds it, or this very process does, for another profile.
        HomeError: The lock file cannot be written.
    """
    path = credential_lock_path(directory, scope, identity)
    content = {
        **record.to_json(),
        "scope": scope,
        "identity_hash": identity_digest(identity),
        "metadata": dict(metadata),
        "updated_at": now.isoformat(),
    }
    descriptor = _acquire(path, scope, record, json.dumps(content).encode(), processes or SystemProcesses())
    with closing_descriptor(descriptor):
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # unlocked and of a dead process it is stale anyway
                path.unlink()


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds a credential now.

    Attributes:
        digest: Stands for the credential.
        record: The process.
        profile: The profile that uses it, where that is written down.
    """

    digest: str
    record: ProcessRecord
    profile: str | None


def live_holders(directory: Path, processes: Processes | None = None) -> Iterator[LockHolder]:
    """All credentials that live gateways hold, ours and Hermes' own, as far as they can be read; blocking."""
    used = processes or SystemProcesses()
    with contextlib.suppress(OSError):  # a folder that is not there, or that is somebody else's
        for path in sorted(directory.glob("*.lock")):
            text = _content_of(path).decode(errors="replace")
            holder = parse_process_record(text)
            if holder is not None and _is_live(holder, used):
                yield LockHolder(path.stem.rpartition("-")[2], holder, _profile_in(text))


def _acquire(path: Path, scope: str, record: ProcessRecord, data: bytes, processes: Processes) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = lock_file(path)
        if descriptor is None:
            raise _busy(path, scope, _content_of(path), record)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(os.close, descriptor)
            # Hermes' own gateways take no flock on this file; for them its content decides.
            content = os.pread(descriptor, RECORD_LIMIT, 0)
            holder = parse_process_record(content.decode(errors="replace"))
            if holder is not None and not holder.is_same_process(record) and _is_live(holder, processes):
                raise _busy(path, scope, content, record)
            rewrite(descriptor, data)
            on_failure.pop_all()
        return descriptor
    except OSError as exc:
        problem, mend = explain_os_error(exc, path)
        raise HomeError(problem, code="lock_unwritable", where=str(path), mend=mend) from exc


def _content_of(path: Path) -> bytes:
    """What the holder wrote; nothing when it gives the lock back just now."""
    with contextlib.suppress(OSError):
        return path.read_bytes()[:RECORD_LIMIT]
    return b""


def _is_live(holder: ProcessRecord, processes: Processes) -> bool:
    return is_live_gateway(holder, processes) and not processes.is_stopped(holder.pid)


def _busy(path: Path, scope: str, content: bytes, record: ProcessRecord) -> CredentialBusy:
    text = content.decode(errors="replace")
    holder, profile = parse_process_record(text), _profile_in(text)
    of = "" if profile is None else f"profile '{profile}' of "
    own = "give this profile a credential of its own"
    if holder is None:
        found, mend = "a lock of a process that is not visible here", own
    elif holder.is_same_process(record):
        found, mend = f"{of or 'another profile of '}this gateway", own
    else:
        found, mend = (
            f"{of}pid {holder.pid}: {holder.command}",
            f"stop the other one with `kill {holder.pid}`, or {own}",
        )
    return CredentialBusy(
        f"another gateway or profile holds this {scope}",
        where=str(path),
        found=found,
        expected="one holder",
        mend=mend,
    )


def _profile_in(text: str) -> str | None:
    """The profile that the holder has written down, if it has."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    metadata = data.get("metadata") if isinstance(data, dict) else None
    profile = metadata.get("profile") if isinstance(metadata, dict) else None
    return profile if isinstance(profile, str) else None
