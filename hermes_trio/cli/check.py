"""``hermes-trio check``: find mistakes in a home before they hurt."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import OK, USAGE
from hermes_trio.cli.invocation import common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, wants_color

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.cli.checks.findings import CheckReport, Finding

LEVEL_COLORS: Mapping[str, str] = {"error": "red", "warning": "yellow", "info": "cyan"}


@click.command(
    epilog="""
\b
Examples:
  hermes-trio check                   the whole home
  hermes-trio check -p coder          what concerns one profile
  hermes-trio check --json            for scripts
  hermes-trio check && hermes-trio run

\b
Exit codes: 0 no errors (there may be warnings), 2 errors, 78 the home itself cannot be used.
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@common_options
def command(as_json: bool) -> int:
    """Look for mistakes in a home without connecting anywhere: files, keys, accounts, ports, providers."""
    import msgspec

    from hermes_trio.cli.checks.analysis import analyse_home

    invocation = current_invocation()
    report = analyse_home(invocation.home(), invocation.environ, only=invocation.profile)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
    else:
        style = Style(wants_color(invocation.environ, sys.stdout))
        click.echo("\n".join(describe_report(report, style)))
    return USAGE if report.errors else OK


def describe_report(report: CheckReport, style: Style) -> list[str]:
    """The findings for people, grouped by profile, and how many there are."""
    lines: list[str] = []
    for profile, findings in groupby(report.findings, key=lambda finding: finding.profile):
        lines.append(style.paint(profile or "the home", bold=True))
        for finding in findings:
            lines += _describe(finding, style)
        lines.append("")
    served = f"{_count(len(report.profiles), 'profile')} in {report.home}"
    verdict = f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
    color = "red" if report.errors else "yellow" if report.warnings else "green"
    return [*lines, f"{served}: {style.paint(verdict, color)}"]


def _describe(finding: Finding, style: Style) -> list[str]:
    level = style.paint(finding.level, LEVEL_COLORS[finding.level])
    facts = [("where:", finding.where), ("mend:", finding.mend or "")]
    return [
        f"  {level}  {finding.message} [{finding.code}]",
        *align([fact for fact in facts if fact[1]], indent="    "),
    ]


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
