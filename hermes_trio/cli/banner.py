"""What ``run`` prints when it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.terminal import Style, align, explain

if TYPE_CHECKING:
    from hermes_trio.gateway.report import GatewayReport, ProfileReport


def client_url(address: str) -> str:
    """The address a client on this machine uses: where the gateway listens on every interface, the loopback."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def announce(report: GatewayReport, style: Style) -> list[str]:
    """The lines of the banner: version, home, address, one line a profile with its state, and the trouble in full."""
    lines = [
        f"{style.paint('hermes-trio', bold=True)} {report.version}",
        f"  home     {report.home}",
        f"  address  {client_url(report.address)}/p/<profile>/v1",
        "",
        *align([_row(profile, style) for profile in report.profiles], indent="  "),
    ]
    lines += [f"  {line}" for profile in report.profiles if (line := explain(profile, style))]
    return [*lines, ""]


def _row(profile: ProfileReport, style: Style) -> tuple[str, str, str]:
    return profile.name, style.state(profile.state), profile.reason or profile.model
