"""The list of allowed users in a profile's ``.env``, which an approval adds to. Blocking."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from hermes_trio.access.identity import EVERYBODY, is_listed
from hermes_trio.errors import HermesTrioError
from hermes_trio.home.env_edit import set_env_variable
from hermes_trio.home.paths import ProfilePaths
from hermes_trio.home.platform_table import variables_of
from hermes_trio.home.scalars import split_list
from hermes_trio.home.secrets import load_secrets

if TYPE_CHECKING:
    from hermes_trio.access.pairing_places import PairingPlaces

#: An id is chosen by its platform, sometimes by the user: one with a comma in it would be several, and ``*`` everybody.
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9@._:+!-]{1,256}")


def list_name(platform: str) -> str:
    """The variable that lists who may talk to the bot on a platform."""
    return f"{variables_of(platform).prefix}_ALLOWED_USERS"


def listed_users(places: PairingPlaces, platform: str) -> tuple[str, ...]:
    """The entries of the list in the profile's ``.env``; none when there is no list.

    Raises:
        SecretsError: The file cannot be read.
    """
    return split_list(_written(places, platform))


def add_to_list(places: PairingPlaces, platform: str, user: str) -> tuple[str, str]:
    """Add a user to the list, where there is one that does not have the user yet.

    Returns:
        The name of the list that was changed and a warning; each may be empty.
    """
    name = list_name(platform)
    try:
        entries = listed_users(places, platform)
        if not entries or EVERYBODY in entries or is_listed(user, frozenset(entries)):
            return "", ""
        if _PLAIN_ID.fullmatch(user) is None:
            return "", f"the user's id cannot stand in a list, so {name} was left as it is"
        users = (*entries, user)
        text = json.dumps(users) if _written(places, platform).startswith("[") else ",".join(users)
        set_env_variable(ProfilePaths(places.home).env, places.profile, name, text)
    except HermesTrioError as error:
        return "", f"{name} was left as it is: {error}"
    return name, ""


def _written(places: PairingPlaces, platform: str) -> str:
    secrets = load_secrets(ProfilePaths(places.home), places.profile, {})
    return (secrets.get(list_name(platform)) or "").strip()
