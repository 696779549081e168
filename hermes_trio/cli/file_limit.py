"""How many files the process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress


def raise_file_limit() -> int:
    """Raise the soft limit on open files to the hard one; returns the limit that holds.

    Many systems start programs with a soft limit of 1024, for the sake of those that use ``select``; here every
    connection and every open database needs descriptors of its own.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # a system may refuse its own hard limit; the old one will do then
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
