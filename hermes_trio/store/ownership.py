"""Whose a session is, when a ``state.db`` holds sessions of several profiles.

hermes-agent's multiplexer keeps the chats of all profiles in the root home's ``state.db``: ``profile_name`` says whose
they are (NULL for the default profile), and their keys begin with ``agent:<profile>:``. We keep each profile's sessions
in its own file, so in any file a profile sees its own rows only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: hermes-agent's namespace for a profile that runs alone, and for the default profile.
SHARED_NAMESPACE: Final = "main"

#: Rows of ``sessions AS s`` that the profile owns; `Owner.parameters` fills it. A session key that an HTTP client chose
#: means nothing.
OWN_ROWS: Final = """(
    s.profile_name = :profile
    OR (COALESCE(s.profile_name, '') = '' AND (
        s.session_key IS NULL OR substr(s.session_key, 1, 6) <> 'agent:' OR s.source = 'api_server'
        OR substr(s.session_key, 1, 11) = 'agent:main:' OR substr(s.session_key, 1, :prefix_length) = :prefix
        OR substr(s.session_key, 1, :escaped_length) = :escaped
    ))
)"""


@dataclass(frozen=True, slots=True)
class Owner:
    """A profile as the owner of rows."""

    profile: str

    @property
    def prefix(self) -> str:
        """How hermes-agent's multiplexer begins this profile's keys."""
        return f"agent:{self.profile}:"

    @property
    def escaped_prefix(self) -> str:
        """How we begin the keys of a profile whose name is the shared namespace's."""
        return f"agent:{self.profile}~:"

    @property
    def parameters(self) -> dict[str, object]:
        """Parameters of `OWN_ROWS`."""
        return {
            "profile": self.profile,
            "prefix": self.prefix,
            "prefix_length": len(self.prefix),
            "escaped": self.escaped_prefix,
            "escaped_length": len(self.escaped_prefix),
        }

    def owns(self, profile_name: str | None, session_key: str | None, source: str) -> bool:
        """Whether a row of the profile's own file is its own; the same rule as `OWN_ROWS`."""
        if profile_name:
            return profile_name == self.profile
        if session_key is None or not session_key.startswith("agent:") or source == "api_server":
            return True
        return session_key.startswith(("agent:main:", self.prefix, self.escaped_prefix))

    def may_adopt(self, profile_name: str | None, session_key: str | None, source: str) -> bool:
        """Whether a row of the *root* home's file is this named profile's; an HTTP client's key means nothing here too.

        A profile named ``main`` is recognised by ``profile_name`` only: its keys look like the default profile's.
        """
        if profile_name:
            return profile_name == self.profile
        means_chat = self.profile != SHARED_NAMESPACE and source != "api_server"
        return means_chat and (session_key or "").startswith(self.prefix)
