"""The exit codes of ``hermes-trio``; service managers rely on 75 and 78."""

from __future__ import annotations

from hermes_trio.errors import ConfigError, GatewayBusy, HermesTrioError, HomeError, SecretsError

OK = 0
FAILED = 1
USAGE = 2
RESTART = 75
CONFIGURATION = 78
INTERRUPTED = 130


def exit_code_of(error: HermesTrioError) -> int:
    """The exit code for an error that ends a command.

    78 tells a service manager that a restart cannot help; a home that another gateway holds is not such a case.
    """
    if isinstance(error, GatewayBusy):
        return FAILED
    if isinstance(error, HomeError | ConfigError | SecretsError):
        return CONFIGURATION
    return FAILED
