"""Decodes the routes from bots to profiles, in every spelling that is in use.

In their order: ``profile_routes``, ``topic_profiles`` of each platform, ``routes``, ``default_agent``; within one, as
written. A mistake leaves its route out and is remarked; it never makes a route wider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.decode_platforms import written_platforms
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.platform_reader import platform_layers
from hermes_trio.home.provenance import ROUTE_INVALID, join_path
from hermes_trio.home.route_config import RouteConfig
from hermes_trio.home.route_values import (
    RouteMistake,
    clean_id,
    profile_named,
    read_id,
    read_key,
    read_platform,
    read_profile,
    read_text,
)
from hermes_trio.home.scalars import to_boolean
from hermes_trio.home.section import Section, first_with

if TYPE_CHECKING:
    from collections.abc import Iterator

_IDS: Final = ("user_id", "guild_id", "chat_id", "thread_id")
_CONDITIONS: Final = frozenset({"platform", "bot_profile", *_IDS})
_KEYS: Final = _CONDITIONS | {"name", "profile", "agent", "enabled", "match"}
#: What the levels of the nested spelling are.
_LEVELS: Final = ("platform", "chat_id", "thread_id")
#: Chat ids of these have colons themselves, so that a colon does not tell where the thread begins.
_CHATS_WITH_COLONS: Final = frozenset({"teams", "signal", "yuanbao"})
_TELEGRAM_TOPIC: Final = re.compile(r"-?\d+(:\d+)?", re.ASCII)

#: Agent -> its profile; None where its entry has a mistake.
Agents = Mapping[str, str | None]


def decode_routes(top: Section, gateway: Section) -> tuple[RouteConfig, ...]:
    """Decode all routes of a profile's settings; wrong ones are remarked and left out.

    Args:
        top: The whole settings.
        gateway: Their section ``gateway``; for each key, the top level wins.

    Raises:
        ConfigError: ``platforms`` or a platform's section is no mapping.
    """
    agents = _decode_agents(first_with("agents", top, gateway))
    holder = first_with("profile_routes", top, gateway)
    if isinstance(holder.values.get("profile_routes"), Mapping):
        found = _decode_nested(holder.section("profile_routes"), {})
    else:
        found = _decode_list(holder, "profile_routes", agents)
    for platform in dict.fromkeys(written_platforms(top, gateway)):
        found += _decode_topics(platform, top, gateway)
    found += _decode_list(first_with("routes", top, gateway), "routes", agents)
    found += _decode_default(first_with("default_agent", top, gateway), agents)
    return tuple(found)


# A list of routes


def _decode_list(holder: Section, key: str, agents: Agents) -> list[RouteConfig]:
    found: list[RouteConfig] = []
    for entry in holder.mappings(key, ROUTE_INVALID, "not a route, which is a mapping; it is left out"):
        try:
            if _is_enabled(entry):
                found.append(_decode_entry(entry, agents))
        except RouteMistake as mistake:
            mistake.note()
    return found


def _is_enabled(entry: Section) -> bool:
    value = entry.values.get("enabled")
    try:
        return value is None or to_boolean(value)
    except ValueError:
        raise RouteMistake(entry, "enabled", "neither true nor false") from None


def _decode_entry(entry: Section, agents: Agents) -> RouteConfig:
    _refuse_unknown(entry, _KEYS)
    conditions = _conditions(entry)
    if "platform" not in conditions:
        raise RouteMistake(entry, None, "`platform` is missing, without which ids say nothing")
    platform_holder = conditions["platform"]
    bot = conditions.get("bot_profile")
    ids = {key: read_id(conditions[key], key) if key in conditions else None for key in _IDS}
    return RouteConfig(
        profile=_target(entry, agents),
        platform=read_platform(platform_holder, "platform", read_text(platform_holder, "platform")),
        bot_profile=DEFAULT_PROFILE if bot is None else read_profile(bot, "bot_profile"),
        **ids,
        name=read_text(entry, "name") if entry.has("name") else "",
        origin=entry.path,
    )


def _conditions(entry: Section) -> dict[str, Section]:
    """Each condition with the section that has it: the route itself, or what stands under its ``match``."""
    found = {str(key): entry for key in entry.values if key in _CONDITIONS}
    if "match" not in entry.values:
        return found
    if not isinstance(entry.values["match"], Mapping):
        raise RouteMistake(entry, "match", "not a mapping")
    match = entry.section("match")
    _refuse_unknown(match, _CONDITIONS)
    for key in map(str, match.values):
        if key in found:
            raise RouteMistake(match, key, "given twice, here and beside `match`")
        found[key] = match
    return found


def _refuse_unknown(section: Section, known: frozenset[str]) -> None:
    unknown = next((str(key) for key in section.values if key not in known), None)
    if unknown is not None:
        raise RouteMistake(section, unknown, f"unknown; a route may have {', '.join(sorted(known))}")


def _target(entry: Section, agents: Agents) -> str:
    given = [key for key in ("profile", "agent") if key in entry.values]
    if len(given) != 1:
        problem = "`profile` is missing" if not given else "`profile` and `agent` are both given"
        raise RouteMistake(entry, None, problem)
    return read_profile(entry, "profile") if given == ["profile"] else _profile_of_agent(entry, "agent", agents)


# Nested: platform -> chat -> thread -> profile


def _decode_nested(section: Section, place: Mapping[str, str]) -> list[RouteConfig]:
    found: list[RouteConfig] = []
    for key in map(str, section.values):
        try:
            found += _decode_branch(section, key, place)
        except RouteMistake as mistake:
            mistake.note()
    return found


def _decode_branch(section: Section, key: str, place: Mapping[str, str]) -> list[RouteConfig]:
    if key in _KEYS:
        raise RouteMistake(section, key, "a route that is written out belongs into a list, after a dash")
    name = read_key(section, key) if place else read_platform(section, key, key)
    here = {**place, _LEVELS[len(place)]: name}
    if isinstance(section.values[key], Mapping) and len(here) < len(_LEVELS):
        return _decode_nested(section.child(key), here)
    return [_placed(section, key, here)]


def _placed(section: Section, key: str, place: Mapping[str, str | None]) -> RouteConfig:
    """The route to the profile whose name stands under ``key``."""
    return RouteConfig(
        profile=read_profile(section, key),
        platform=place["platform"] or "",
        chat_id=place.get("chat_id"),
        thread_id=place.get("thread_id"),
        origin=join_path(section.path, key),
    )


# Per platform: "chat:thread" -> profile


def _decode_topics(platform: str, top: Section, gateway: Section) -> list[RouteConfig]:
    """The topics of one platform; where two of its sections have the same, the stronger one's counts."""
    key = "topic_profiles"
    found: list[RouteConfig] = []
    taken: set[str] = set()
    for layer in platform_layers(platform, top, gateway):
        if not layer.has(key):
            continue
        if not isinstance(layer.values[key], Mapping):
            layer.note(ROUTE_INVALID, key, 'not a mapping of "chat:thread" to profiles; it is left out')
            continue
        topics = layer.section(key)
        for topic in map(str, topics.values):
            if topic not in taken:
                taken.add(topic)
                found += _decode_topic(platform, topics, topic)
    return found


def _decode_topic(platform: str, topics: Section, topic: str) -> Iterator[RouteConfig]:
    try:
        chat, thread = _split_topic(platform, topics, topic)
        place = {
            "platform": read_platform(topics, topic, platform),
            "chat_id": clean_id(topics, topic, chat),
            "thread_id": None if thread is None else clean_id(topics, topic, thread),
        }
        yield _placed(topics, topic, place)
    except RouteMistake as mistake:
        mistake.note()


def _split_topic(platform: str, topics: Section, topic: str) -> tuple[str, str | None]:
    """Chat and thread; without a thread the whole chat is meant.

    Matrix' rooms have colons (and ports), its threads begin with ``$``. Elsewhere the last colon counts.
    """
    text = topic.strip()
    if platform == "matrix":
        room, mark, event = text.partition(":$")
        return room, f"${event}" if mark else None
    if platform in _CHATS_WITH_COLONS and ":" in text:
        raise RouteMistake(topics, topic, f"chats of {platform} have colons themselves; write it in profile_routes")
    if platform == "telegram" and not _TELEGRAM_TOPIC.fullmatch(text):
        raise RouteMistake(topics, topic, "neither a chat's number nor `chat:topic`, e.g. `-1001234567890:6`")
    chat, mark, thread = text.rpartition(":")
    return (chat, thread) if mark else (text, None)


# Agents


def _decode_agents(holder: Section) -> Agents:
    if not holder.has("agents"):
        return MappingProxyType({})
    if not isinstance(holder.values["agents"], Mapping):
        holder.note("value_ignored", "agents", "not a mapping of agents; each counts as the profile of its name")
        return MappingProxyType({})
    agents = holder.section("agents")
    return MappingProxyType({str(key).strip().lower(): _decode_agent(agents, str(key)) for key in agents.values})


def _decode_agent(agents: Section, key: str) -> str | None:
    try:
        return _read_agent(agents, key)
    except RouteMistake as mistake:
        mistake.note("routes to this agent are left out")
        return None


def _read_agent(agents: Section, key: str) -> str:
    if not isinstance(agents.values[key], Mapping | None):
        raise RouteMistake(agents, key, "not a mapping such as `profile: coder`")
    entry = agents.child(key)
    for other in (str(other) for other in entry.values if other != "profile"):
        entry.note("value_ignored", other, "no effect: an agent's settings are those of its profile's config.yaml")
    return read_profile(entry, "profile") if "profile" in entry.values else profile_named(agents, key, key)


def _profile_of_agent(section: Section, key: str, agents: Agents) -> str:
    agent = read_text(section, key)
    if agent.lower() not in agents:
        return profile_named(section, key, agent)
    profile = agents[agent.lower()]
    if profile is None:
        raise RouteMistake(section, key, "the agent's entry in `agents` has a mistake")
    return profile


def _decode_default(holder: Section, agents: Agents) -> list[RouteConfig]:
    """A route for all that no other route takes of the default profile's bots."""
    key = "default_agent"
    if not holder.has(key):
        return []
    try:
        profile = _profile_of_agent(holder, key, agents)
    except RouteMistake as mistake:
        mistake.note()
        return []
    return [RouteConfig(profile, platform="", origin=join_path(holder.path, key))]
