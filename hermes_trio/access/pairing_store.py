"""Reads and writes pairing files under a lock. Everything here blocks.

Whoever changes the files of a profile, a gateway or the command line, holds the lock meanwhile; each file is replaced
as a whole, so that who only reads needs no lock. The files are their owner's alone.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.access.pairing_files import (
    ApprovedUser,
    BadPairingFile,
    Entries,
    PendingRequest,
    approved_in,
    decode_file,
    encode_file,
    number_in,
    pending_in,
)
from hermes_trio.access.pairing_places import (
    APPROVED,
    LIMITS,
    LOCK,
    PENDING,
    PairingError,
    PairingPlaces,
    is_platform,
    names_in,
)
from hermes_trio.errors import HomeError
from hermes_trio.home.file_lock import lock_file
from hermes_trio.home.text_file import SIZE_LIMIT, explain_os_error, read_text_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_ATTEMPTS: Final = 10
"""Each waits 0.2 s for the lock."""


@dataclass(frozen=True, slots=True)
class PairingFiles:
    """The files of one profile while their lock is held; made by `open_pairing_files`.

    Attributes:
        places: Where they are.
        written: The folder for what is new.
    """

    places: PairingPlaces
    written: Path

    def pending(self, platform: str) -> tuple[PendingRequest, ...]:
        """All requests, those that have expired too.

        Raises:
            PairingError: A file cannot be used.
        """
        files = self.places.files(platform, PENDING)
        return tuple(request for path in files for request in pending_in(read_entries(path, self.places.profile)))

    def approved(self, platform: str) -> tuple[ApprovedUser, ...]:
        """All approved people, each once; the place that is written to counts most.

        Raises:
            PairingError: A file cannot be used.
        """
        files = sorted(self.places.files(platform, APPROVED), key=lambda path: path.parent != self.written)
        people: dict[str, ApprovedUser] = {}
        for path in files:
            for user in approved_in(read_entries(path, self.places.profile)):
                people.setdefault(user.user_id, user)
        return tuple(people.values())

    def add_pending(self, platform: str, request: PendingRequest) -> None:
        """Add a request."""
        self._add(f"{platform}-{PENDING}.json", request.request_id, request.entry())

    def add_approved(self, platform: str, user: ApprovedUser) -> None:
        """Add an approved user, or approve again."""
        self._add(f"{platform}-{APPROVED}.json", user.user_id, user.entry())

    def remove(self, platform: str, kind: str, keys: Iterable[str], *, everywhere: bool = True) -> int:
        """Remove entries; gives how many were there.

        Args:
            platform: The platform.
            kind: `PENDING` or `APPROVED`.
            keys: Keys of the entries, without blanks around them.
            everywhere: Whether from all places, not only from the one that is written to.
        """
        unwanted, removed = frozenset(keys), 0
        paths = self.places.files(platform, kind)
        for path in paths if everywhere else [path for path in paths if path.parent == self.written]:
            entries = read_entries(path, self.places.profile)
            kept = {key: entry for key, entry in entries.items() if key.strip() not in unwanted}
            if len(kept) < len(entries):
                self._write(path, kept)
                removed += len(entries) - len(kept)
        return removed

    def limit(self, key: str) -> float | None:
        """A time or number from the limits: the largest of all places; None when none says one."""
        numbers = [number_in(self._limits(folder), key) for folder in self.places.folders]
        return max((number for number in numbers if number is not None), default=None)

    def change_limits(self, changed: Mapping[str, float | None], forget: Iterable[str] = ()) -> None:
        """Set limits in the place that is written to.

        Args:
            changed: Key -> value; None removes it.
            forget: Further keys that go.
        """
        before = self._limits(self.written)
        gone = {*forget, *(key for key, value in changed.items() if value is None)}
        after = {**before, **{key: value for key, value in changed.items() if value is not None}}
        after = {key: value for key, value in after.items() if key not in gone}
        if after != before:
            self._write(self.written / LIMITS, after)

    def own_limits(self) -> Mapping[str, object]:
        """The limits in the place that is written to."""
        return self._limits(self.written)

    def _limits(self, folder: Path) -> Entries:
        return read_entries(folder / LIMITS, self.places.profile)

    def _add(self, name: str, key: str, entry: Entries) -> None:
        path = self.written / name
        self._write(path, {**read_entries(path, self.places.profile), key: entry})

    def _write(self, path: Path, entries: Mapping[str, object]) -> None:
        data = encode_file(entries)
        if len(data) > SIZE_LIMIT:
            problem = "the file would become too large"
            raise PairingError(problem, code="pairing_file_invalid", profile=self.places.profile, where=str(path))
        _replace(path, data)


@contextmanager
def open_pairing_files(places: PairingPlaces) -> Iterator[PairingFiles]:
    """Hold the lock of a profile's pairing files; blocking, 2 s at most.

    Raises:
        PairingError: Somebody else holds it (``pairing_busy``), or the folder cannot be used.
    """
    with explaining(places):
        written = places.written()
        _make_folder(places, written)
        lock = _take(written / LOCK)
    if lock is None:
        raise PairingError(
            "another program is changing the pairing files",
            code="pairing_busy",
            profile=places.profile,
            where=str(written),
            mend="try again in a moment",
        )
    try:
        with explaining(places):
            yield PairingFiles(places, written)
    finally:
        os.close(lock)


def platforms_in(places: PairingPlaces) -> tuple[str, ...]:
    """The platforms that any file is about; blocking, needs no lock.

    Raises:
        PairingError: A folder cannot be read.
    """
    with explaining(places):
        names = [name for folder in places.folders for name in names_in(folder)]
    endings = (f"-{PENDING}.json", f"-{APPROVED}.json")
    found = {name.removesuffix(ending) for name in names for ending in endings if name.endswith(ending)}
    return tuple(sorted(filter(is_platform, found)))


def read_entries(path: Path, profile: str) -> Entries:
    """The content of a pairing file; blocking.

    Raises:
        PairingError: It cannot be used: ``pairing_file_unusable`` or ``pairing_file_invalid``.
    """
    try:
        text = read_text_file(path, HomeError, profile)
        return decode_file(None if text is None else text.encode())
    except HomeError as error:
        raise PairingError(
            error.problem,
            code="pairing_file_unusable",
            profile=profile,
            where=str(path),
            found=error.found,
            expected=error.expected,
            mend=error.mend or f"remove or mend {path}",
        ) from error
    except BadPairingFile as error:
        raise PairingError(
            "not a pairing file",
            code="pairing_file_invalid",
            profile=profile,
            where=str(path),
            found=str(error),
            expected="a JSON object",
            mend=f"mend or remove {path}; people approved in it then have to be approved again",
        ) from error


@contextmanager
def explaining(places: PairingPlaces) -> Iterator[None]:
    """Turn what the file system refuses into a `PairingError`."""
    try:
        yield
    except OSError as exc:
        path = places.folders[0]
        problem, mend = explain_os_error(exc, path)
        where = str(exc.filename or path)
        raise PairingError(
            problem, code="pairing_file_unusable", profile=places.profile, where=where, mend=mend
        ) from exc


def _make_folder(places: PairingPlaces, folder: Path) -> None:
    """Only what is below the home is made: a home that was deleted stays so."""
    for name in (folder.parent, folder):
        if name != places.home:
            with suppress(FileExistsError):
                name.mkdir(mode=0o700)


def _take(path: Path) -> int | None:
    for _ in range(_ATTEMPTS):
        lock = lock_file(path)
        if lock is not None:
            return lock
    return None


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  both are on one file system
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  mkstemp gives text
        raise
