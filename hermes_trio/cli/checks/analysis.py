"""Runs every check over a home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.access import check_access
from hermes_trio.cli.checks.api_keys import check_api_keys
from hermes_trio.cli.checks.credentials import check_credentials
from hermes_trio.cli.checks.files import check_files
from hermes_trio.cli.checks.findings import CheckReport, Finding, Level
from hermes_trio.cli.checks.home import check_home
from hermes_trio.cli.checks.listening import check_listening
from hermes_trio.cli.checks.models import check_models
from hermes_trio.cli.checks.offered_profiles import check_offered_profiles
from hermes_trio.cli.checks.platforms import check_platforms
from hermes_trio.cli.checks.quick_commands import check_quick_commands
from hermes_trio.cli.checks.routes import check_routes
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.cli.checks.webhooks import check_webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.paths import HomePaths

CHECKS: tuple[Callable[[Survey], Iterator[Finding]], ...] = (
    check_home,
    check_files,
    check_api_keys,
    check_credentials,
    check_platforms,
    check_routes,
    check_listening,
    check_offered_profiles,
    check_models,
    check_access,
    check_quick_commands,
    check_webhooks,
)


def analyse_home(
    home: HomePaths,
    environ: Mapping[str, str],
    *,
    only: str | None = None,
    about: Callable[[Finding], bool] = lambda _finding: True,
) -> CheckReport:
    """All findings about a home, sorted by profile in serving order; blocking, connects nowhere.

    Args:
        home: The home.
        environ: The process environment; feeds the default profile only.
        only: Keep what concerns this profile; None keeps all.
        about: Tells which findings to keep.

    Raises:
        HomeError: The home itself cannot be used.
    """
    survey = survey_home(home, environ)
    names = [profile.name for profile in survey.profiles]
    found = [finding for check in CHECKS for finding in check(survey)]
    found = [finding for finding in found if only in (None, finding.profile) and about(finding)]
    order = {None: -1} | {name: place for place, name in enumerate(names)}
    found.sort(key=lambda finding: order.get(finding.profile, len(names)))
    counts = [sum(finding.level is level for finding in found) for level in (Level.ERROR, Level.WARNING)]
    return CheckReport(str(home.root), names, counts[0], counts[1], found)
