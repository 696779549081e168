"""What is said of a message's way is what happens to it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.gateway.route_explanation import explain_route, explain_routed
from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.route_table import build_route_table
from hermes_trio.routing.source import MessageSource
from hermes_trio.testing import ProfileFiles, open_gateway, write_home
from tests.gateway.scripted import Platforms, slot_of, until, with_bot

if TYPE_CHECKING:
    from hermes_trio.home.paths import HomePaths

EVENTS = 10_000
TABLES = 20
IDS = ("1", "2", "3")
NO_MENTION = {"TELEGRAM_REQUIRE_MENTION": "false"}
TARGETS = ("parked", "failed", "nobody")


def _some(rng: random.Random, chance: float = 0.5) -> str | None:
    return rng.choice(IDS) if rng.random() < chance else None


def random_routes(rng: random.Random) -> list[RouteConfig]:
    """Routes that lead to nobody who would answer; what none of them takes the last one does."""
    routes = [
        RouteConfig(
            rng.choice(TARGETS),
            rng.choice(["telegram", "telegram", "discord"]),
            bot_profile=rng.choice(["default", "default", "other"]),
            user_id=_some(rng, 0.3),
            guild_id=_some(rng, 0.2),
            chat_id=_some(rng),
            thread_id=_some(rng),
            origin=f"routes[{number}]",
        )
        for number in range(rng.randrange(12))
    ]
    return [*routes, RouteConfig("parked", "", origin="default_agent")]


def random_message(rng: random.Random, number: int) -> InboundMessage:
    source = MessageSource(
        "telegram",
        chat_type=rng.choice(["dm", "group", "thread"]),
        chat_id=_some(rng, 0.9),
        thread_id=_some(rng),
        user_id=rng.choice(IDS),
        parent_chat_id=_some(rng, 0.2),
        guild_id=_some(rng),
    )
    return InboundMessage(source, str(number), "hello", 0.0)


def broken_home(root) -> HomePaths:
    home = write_home(
        root, {"default": with_bot("Hermes", env=NO_MENTION), "parked": "", "failed": ProfileFiles(config="model: [")}
    )
    home.profile("parked").parked_marker.touch()
    return home


@pytest.mark.slow
async def test_what_is_explained_is_what_ingress_does_for_ten_thousand_messages(tmp_path, autojump_clock):
    rng, platforms = random.Random(4711), Platforms()
    broken_home(tmp_path)
    async with open_gateway(root=tmp_path, find_adapter=platforms.find) as gateway:
        await slot_of(gateway, "default").connected()
        router = gateway.gateway.router
        for table in range(TABLES):
            router.routes = build_route_table(random_routes(rng))
            router.holds = False
            count = EVENTS // TABLES
            messages = [random_message(rng, table * count + number) for number in range(count)]
            await platforms.bot("default").context.receive(messages)
            happened = list(router.recent)[-count:]
            assert [routed.message_id for routed in happened] == [message.message_id for message in messages]
            for routed in happened:
                said = await explain_route(router, "default", routed.source)
                decision = routed.decision
                assert said.winner is not None
                assert said.winner.origin == decision.route.origin
                assert (said.runtime_profile, said.target) == (decision.runtime_profile, decision.target)
                assert said.reason == decision.reason
                assert said.outcome == "dropped"
                first = next(one for one in said.candidates if one.matches)
                assert first.route.origin == decision.route.origin
        dropped = gateway.gateway.status().profiles[0].adapters[0].dropped
        assert sum(dropped.values()) == EVENTS
        assert set(dropped) == {"route_target_parked", "route_target_failed", "route_target_unknown"}


async def test_a_message_that_has_come_is_explained_by_its_id(tmp_path, autojump_clock):
    platforms = Platforms()
    broken_home(tmp_path)
    async with open_gateway(root=tmp_path, find_adapter=platforms.find) as gateway:
        await slot_of(gateway, "default").connected()
        router = gateway.gateway.router
        router.routes = build_route_table([RouteConfig("parked", "telegram", chat_id="7", name="seven", origin="r")])
        source = MessageSource("telegram", chat_id="7", user_id="7")
        await platforms.bot("default").context.receive([InboundMessage(source, "4711", "hello", 0.0)])
        (routed,) = [one for one in router.recent if one.message_id == "4711"]
        said = await explain_routed(router, routed)
        assert (said.outcome, said.reason, said.winner.name) == ("dropped", "route_target_parked", "seven")
        assert said.at == gateway.clock.now()


async def test_access_is_said_by_the_profile_of_the_bot_and_the_key_by_the_one_that_answers(tmp_path, autojump_clock):
    strict = {"TELEGRAM_ALLOW_ALL_USERS": "", "TELEGRAM_ALLOWED_USERS": "1"}
    platforms = Platforms()
    files = {"default": with_bot("Hermes", env=strict), "ada": "You are Ada."}
    async with open_gateway(files, root=tmp_path, find_adapter=platforms.find) as gateway:
        router = gateway.gateway.router
        router.routes = build_route_table([RouteConfig("ada", "telegram", chat_id="7")])
        await until(lambda: router.chats_of("default") is not None)
        source = MessageSource("telegram", chat_type="group", chat_id="7", user_id="1")
        allowed = await explain_route(router, "default", source)
        assert (allowed.outcome, allowed.access.allowed) == ("taken", True)
        assert allowed.session_key == "agent:ada:telegram:group:7:1"
        stranger = MessageSource("telegram", chat_type="group", chat_id="7", user_id="2")
        refused = await explain_route(router, "default", stranger)
        assert (refused.outcome, refused.access.reason) == ("refused", "not_on_list")
