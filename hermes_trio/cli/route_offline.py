"""Explains routes from the files of a home while no gateway runs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.access.approvals import NOBODY, ApprovedUsers
from hermes_trio.access.authorize import authorize
from hermes_trio.access.pairing_files import BadPairingFile, approved_in, decode_file
from hermes_trio.access.pairing_places import APPROVED, is_platform, pairing_places
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.route_report import AccessView, Explanation, RoutesReport, describe_decision, report_routes
from hermes_trio.home.discovery import discover_profiles
from hermes_trio.routing.decision import decide
from hermes_trio.routing.route_table import build_route_table
from hermes_trio.routing.session_key import build_session_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.cli.checks.survey import SurveyedProfile
    from hermes_trio.home.config import GatewayConfig
    from hermes_trio.home.paths import HomePaths
    from hermes_trio.home.settings import ProfileSettings
    from hermes_trio.routing.source import MessageSource


class OfflineRoutes:
    """The routes of a home as they would be in force; blocking.

    Args:
        home: The home.
        environ: The process environment; feeds the default profile only.

    Raises:
        HermesTrioError: The default profile's files cannot be read, or the home cannot be used.
    """

    def __init__(self, home: HomePaths, environ: Mapping[str, str]) -> None:
        survey = survey_home(home, environ)
        self._profiles: dict[str, SurveyedProfile] = {profile.name: profile for profile in survey.profiles}
        self._known = frozenset(one.name for one in discover_profiles(home, wanted=None, allowlist=None))
        default = survey.default()
        if default.settings is None:
            raise default.problem or HermesTrioError("the default profile cannot be read", profile=default.name)
        self._gateway: GatewayConfig = default.settings.config.gateway
        self.table = build_route_table(self._gateway.profile_routes)

    def unavailable(self, profile: str) -> str | None:
        """Why a profile could not answer, as far as files say; None when it could."""
        found = self._profiles.get(profile)
        if found is None:
            return "route_target_not_served" if profile in self._known else "route_target_unknown"
        if found.parked is not None:
            return "route_target_parked"
        return "route_target_failed" if found.settings is None else None

    def report(self) -> RoutesReport:
        """All routes."""
        return report_routes(self.table, self.unavailable, holds=self._gateway.holds_unroutable)

    def explain(self, transport_profile: str, source: MessageSource) -> Explanation:
        """What would become of a message; see `hermes_trio.gateway.route_explanation.explain_route`."""
        decision = decide(self.table, transport_profile, source, self.unavailable)
        return describe_decision(
            self.table,
            source,
            decision,
            holds=self._gateway.holds_unroutable,
            access=self._access(transport_profile, source),
            session_key=self._session_key(decision.runtime_profile, source),
            hook_decides=False,
        )

    def _access(self, transport_profile: str, source: MessageSource) -> AccessView:
        found = self._profiles.get(transport_profile)
        if found is None or found.settings is None:
            return AccessView(None, "profile_unreadable", f"the files of profile '{transport_profile}' cannot be read")
        decision = authorize(found.settings, source, _approved(found.settings, source.platform))
        return AccessView(decision.allowed, str(decision.reason), decision.text)

    def _session_key(self, profile: str | None, source: MessageSource) -> str:
        found = self._profiles.get(profile or "")
        if found is None or found.config is None:
            return ""
        chat = found.config.chat
        return build_session_key(
            found.name,
            source,
            group_sessions_per_user=chat.group_sessions_per_user,
            thread_sessions_per_user=chat.thread_sessions_per_user,
        )


def _approved(settings: ProfileSettings, platform: str) -> ApprovedUsers:
    """Whom the profile has approved by pairing; a file that cannot be read approves nobody, as in the gateway."""
    if not is_platform(platform):
        return NOBODY
    users: set[str] = set()
    for path in pairing_places(settings.name, settings.paths).files(platform, APPROVED):
        try:
            users |= {user.user_id for user in approved_in(decode_file(path.read_bytes()))}
        except (OSError, BadPairingFile):
            continue
    return ApprovedUsers(frozenset(users))
