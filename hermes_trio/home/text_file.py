"""Reads the small text files of a home and says precisely what stands in the way."""

from __future__ import annotations

import codecs
import errno
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.errors import HermesTrioError

#: Far above any settings file; keeps a mistaken link to a log from filling the memory.
SIZE_LIMIT: Final = 4_000_000


def read_text_file(path: Path, error: type[HermesTrioError], profile: str | None) -> str | None:
    """Read a UTF-8 file (a byte-order mark is dropped); None when there is no such file.

    Args:
        path: The file; links are followed, anything but a regular file is refused (opening a pipe would wait for ever).
        error: Class of the error to raise.
        profile: Profile named in the error.

    Raises:
        HermesTrioError: Of class ``error``: not a file, not allowed, too large, not UTF-8.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "a pipe, socket or device"
            raise error("not a file", profile=profile, where=str(path), found=kind, expected="a text file")
        if found.st_size > SIZE_LIMIT:
            size = f"{found.st_size} bytes"
            raise error("too large", profile=profile, where=str(path), found=size, expected=f"at most {SIZE_LIMIT}")
        data = path.read_bytes()
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        problem, mend = explain_os_error(exc, path)
        raise error(problem, profile=profile, where=str(path), mend=mend) from exc
    try:
        return _decode(data)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise error(
            "not UTF-8 text",
            profile=profile,
            where=f"{path}:{line}",
            found=f"the byte 0x{exc.object[exc.start]:02x}" if exc.start < len(exc.object) else "a cut-off character",
            expected="UTF-8",
            mend=f"save the file as UTF-8, for example `iconv -f latin1 -t utf-8 {path} -o {path}.new`",
        ) from None  # the decoder's error carries the whole file


def _decode(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def explain_os_error(exc: OSError, path: Path) -> tuple[str, str | None]:
    """Put an operating-system error into a problem and, where there is one, a mend."""
    reason = exc.strerror or type(exc).__name__
    if exc.errno in (errno.EACCES, errno.EPERM):
        return (
            "not allowed",
            f"give the user that runs the gateway access: `ls -ld {path.parent} {path}` shows who has it",
        )
    if exc.errno == errno.EROFS:
        return "the file system is read-only", "mount it writable, or choose another home with --home"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full", "free some space"
    if exc.errno == errno.ELOOP:
        return "the link leads in a circle", f"replace the link {path}"
    if exc.errno == errno.EMFILE:
        return "too many open files", "raise the limit with `ulimit -n`"
    return f"cannot be used: {reason}", None
