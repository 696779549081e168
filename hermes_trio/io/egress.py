"""The egress policy of a profile at the place where connections are made; `EgressRulesLike` says what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_REMEMBERED = 1000
"""Hosts that are not reported again; a model that makes up host names must not fill the memory."""


class EgressDenied(HermesTrioError):
    """The profile may not connect to this host."""

    default_code = "egress_denied"


class EgressRulesLike(Protocol):
    """Says which hosts are allowed."""

    def allows(self, host: str, port: int) -> bool:
        """Whether a connection to a host and port is allowed."""
        ...


class EgressGate:
    """Lets requests of one profile out, or not.

    Args:
        rules: What is allowed.
        enforce: Whether what is not allowed is stopped, or only reported.
        report: Writes a line to the profile's log; called once for a host.
        profile: Named in errors.
    """

    def __init__(
        self, rules: EgressRulesLike, *, enforce: bool, report: Callable[[str], object], profile: str = ""
    ) -> None:
        self._rules = rules
        self._enforce = enforce
        self._report = report
        self._profile = profile
        self._reported: set[tuple[str, int]] = set()

    def check(self, host: str, port: int) -> None:
        """Let a connection through, report it, or stop it.

        Args:
            host: A name in ASCII, or an address.
            port: The port.

        Raises:
            EgressDenied: It is not allowed, and the policy is enforced.
        """
        if self._rules.allows(host, port):
            return
        self._report_once(host, port)
        if self._enforce:
            raise EgressDenied(
                "connections to this host are not allowed",
                profile=self._profile or None,
                where=f"{host}:{port}",
                mend="if the agent should reach it, add it to security.egress.allow in this profile's config.yaml",
            )

    def _report_once(self, host: str, port: int) -> None:
        place = (host, port)
        if place in self._reported or len(self._reported) >= MOST_REMEMBERED:
            return
        self._reported.add(place)
        what = "stopped" if self._enforce else "would be stopped"
        self._report(f"egress: a connection to {host}:{port} {what}: it is not in security.egress.allow")
