"""What senders of webhooks are answered, step by step, and what becomes of a delivery that nobody in a chat sees."""

import json
import sqlite3

import pytest
import trio

from hermes_trio.gateway.webhook_book import SCRIPTS_AT_ONCE, SCRIPTS_WAITING
from hermes_trio.home.paths import HomePaths
from hermes_trio.http.webhooks.scripts import ScriptAnswer
from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.testing.clock import MovingClock
from tests.http.webhooks.rig import SECRET, deliver, post, signed, with_routes

BOUND = {"profile": "ada", "secret": "secret-of-the-bound-route-01"}


def rows(root, profile, query):
    with sqlite3.connect(HomePaths(root).profile(profile).state_db) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:  # made with the first message
            return []


def inbox(root, profile="default"):
    return rows(root, profile, "SELECT chat_id, state FROM trio_inbox ORDER BY id")


def said(root, profile="default"):
    return [text for (text,) in rows(root, profile, "SELECT content FROM messages WHERE role = 'assistant'")]


async def answered(root, profile="default", count=1):
    with trio.fail_after(60):
        while len(said(root, profile)) < count:
            await trio.sleep(0.1)
    return said(root, profile)


async def test_an_accepted_delivery_is_worked_on_in_a_session_of_its_own(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={"prompt": "{ref} was pushed"})}, root=tmp_path) as gateway:
        answer = await deliver(gateway, "/webhooks/gh", {"ref": "main"})
        assert (answer.status_code, answer.json()) == (
            202,
            {"status": "accepted", "route": "gh", "event": "push", "delivery_id": "d1"},
        )
        # It is safe already.
        assert [chat for chat, _ in inbox(tmp_path)] == ["webhook:gh:d1"]
        assert await answered(tmp_path) == ["Hermes here. You said: main was pushed"]
        assert gateway.request_errors == []
    assert rows(tmp_path, "default", "SELECT source, session_key, end_reason FROM sessions") == [
        ("webhook", "agent:main:webhook:webhook:webhook:gh:d1:webhook:gh", "webhook_complete")
    ]
    assert rows(tmp_path, "default", "SELECT * FROM trio_outbox") == []
    assert rows(tmp_path, "default", "SELECT * FROM gateway_routing") == []


@pytest.mark.parametrize(
    ("path", "secret", "status", "content"),
    [
        ("/p/nobody/webhooks/gh", SECRET, 404, {"error": "Unknown or unconfigured profile"}),
        ("/webhooks/gone", SECRET, 404, {"error": "Unknown route: gone"}),
        ("/webhooks/off", SECRET, 403, {"error": "Route disabled"}),
        ("/webhooks/bare", SECRET, 401, {"error": "Invalid signature"}),
        ("/webhooks/gh", "wrong", 401, {"error": "Invalid signature"}),
        ("/webhooks/events", SECRET, 200, {"status": "ignored", "event": "push"}),
        ("/webhooks/picky", SECRET, 200, {"status": "ignored", "reason": "filter", "route": "picky"}),
        ("/webhooks/broken", SECRET, 500, {"error": "Route misconfigured"}),
        ("/webhooks/lost", SECRET, 500, {"error": "Route misconfigured"}),
        (
            "/webhooks/say",
            SECRET,
            200,
            {"status": "delivered", "route": "say", "target": "log", "delivery_id": "d1"},
        ),
        (
            "/webhooks/chat",
            SECRET,
            502,
            {"status": "error", "error": "Delivery failed", "delivery_id": "d1"},
        ),
        ("/p/default/webhooks/gh", SECRET, 202, None),
        ("/webhooks/bound", BOUND["secret"], 404, {"error": "Unknown route: bound"}),
        ("/p/default/webhooks/bound", BOUND["secret"], 404, {"error": "Unknown route: bound"}),
        ("/p/bob/webhooks/bound", BOUND["secret"], 404, {"error": "Unknown route: bound"}),
        ("/p/ada/webhooks/gh", SECRET, 404, {"error": "Unknown route: gh"}),
        ("/p/ada/webhooks/bound", SECRET, 401, {"error": "Invalid signature"}),
        ("/p/ada/webhooks/bound", BOUND["secret"], 202, None),
        ("/p/ada/webhooks/naked", SECRET, 403, {"error": "No secret configured for this route"}),
        ("/p/ada/webhooks/chatty", BOUND["secret"], 502, None),
    ],
)
async def test_each_step_has_its_answer(tmp_path, autojump_clock, path, secret, status, content):
    routes = with_routes(
        gh={},
        off={"enabled": False},
        bare={"secret": "its-own-secret-0123456789"},
        events={"events": ["issues"]},
        picky={"filters": {"field": "action", "equals": "opened"}},
        broken={"filters": {"field": "action", "resembles": "opened"}},
        lost={"script": "gone.py"},
        say={"deliver_only": True, "prompt": "Hello"},
        chat={"deliver": "telegram"},
        bound=BOUND,
        naked={"profile": "ada"},
        chatty={**BOUND, "deliver": "telegram"},
    )
    profiles = {"default": routes, "ada": "You are Ada.", "bob": "You are Bob."}
    async with open_gateway(profiles, root=tmp_path) as gateway:
        answer = await deliver(gateway, path, {"action": "closed"}, secret)
        assert answer.status_code == status
        assert content in (None, answer.json())
        assert gateway.request_errors == []
        taken = inbox(tmp_path) + inbox(tmp_path, "ada")
        assert bool(taken) is (status == 202 or path == "/webhooks/say")


async def test_only_post_is_served(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={})}, root=tmp_path) as gateway, gateway.client() as client:
        answer = await client.get("http://gateway.test/webhooks/gh")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_platform_that_is_not_switched_on_serves_no_route(tmp_path, autojump_clock):
    config = {"model": "builtin/echo", "platforms": {"webhook": {"extra": {"secret": SECRET, "routes": {"gh": {}}}}}}
    async with open_gateway({"default": ProfileFiles(config=config)}, root=tmp_path) as gateway:
        assert (await deliver(gateway, "/webhooks/gh")).status_code == 404


async def test_a_body_that_is_no_payload_is_400_and_only_for_who_has_signed_it(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={})}, root=tmp_path) as gateway:
        assert (await post(gateway, "/webhooks/gh", b"{", signed(b"{", "wrong"))).status_code == 401
        assert (await post(gateway, "/webhooks/gh", b"{", signed(b"{"))).status_code == 400
        form = {**signed(b"a=1"), "Content-Type": "application/x-www-form-urlencoded"}
        assert (await post(gateway, "/webhooks/gh", b"a=1", form)).status_code == 202
        assert await answered(tmp_path) == ['Hermes here. You said: {"a":"1"}']


async def test_a_body_that_is_too_large_is_413(tmp_path, autojump_clock):
    files = with_routes(gh={})
    files.config["platforms"]["webhook"]["extra"]["max_body_bytes"] = 100
    async with open_gateway({"default": files}, root=tmp_path) as gateway:
        assert (await deliver(gateway, "/webhooks/gh", {"x": "y" * 100})).status_code == 413
        assert (await deliver(gateway, "/webhooks/gh", {"x": "y"})).status_code == 202


async def test_a_delivery_counts_once_within_an_hour_also_across_a_restart(tmp_path, autojump_clock):
    clock = MovingClock()
    async with open_gateway({"default": with_routes(gh={})}, root=tmp_path, clock=clock) as gateway:
        assert (await deliver(gateway, "/webhooks/gh")).status_code == 202
        again = await deliver(gateway, "/webhooks/gh")
        assert (again.status_code, again.json()) == (200, {"status": "duplicate", "delivery_id": "d1"})
        await answered(tmp_path)
    async with open_gateway(root=tmp_path, clock=clock) as gateway:
        assert (await deliver(gateway, "/webhooks/gh")).json()["status"] == "duplicate"
        clock.advance(3600)
        assert (await deliver(gateway, "/webhooks/gh")).status_code == 202
        assert (await deliver(gateway, "/webhooks/gh")).json()["status"] == "duplicate"
        assert len(await answered(tmp_path, count=2)) == 2


async def test_many_copies_at_once_are_accepted_once(tmp_path, autojump_clock):
    found = []

    async def send(gateway):
        found.append((await deliver(gateway, "/webhooks/gh")).status_code)

    async with open_gateway({"default": with_routes(gh={})}, root=tmp_path) as gateway:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(send, gateway)
        assert sorted(found) == [200] * 9 + [202]
        assert len(inbox(tmp_path)) == 1


async def test_a_route_takes_thirty_deliveries_a_minute_and_others_go_on(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(a={}, b={})}, root=tmp_path) as gateway:
        for number in range(30):
            assert (await deliver(gateway, "/webhooks/a", delivery=f"d{number}")).status_code == 202
        # What is refused for its signature does not count.
        assert (await deliver(gateway, "/webhooks/a", secret="wrong")).status_code == 401
        over = await deliver(gateway, "/webhooks/a", delivery="d30")
        assert (over.status_code, over.json()) == (429, {"error": "Rate limit exceeded"})
        assert 1 <= int(over.headers["retry-after"]) <= 60
        assert (await deliver(gateway, "/webhooks/b")).status_code == 202
        await trio.sleep(61)
        assert (await deliver(gateway, "/webhooks/a", delivery="d31")).status_code == 202


async def test_slow_scripts_keep_neither_memory_nor_other_profiles(tmp_path, autojump_clock, monkeypatch):
    async def run_slowly(_scope, _call):
        await trio.sleep(20)
        return ScriptAnswer("go on")

    monkeypatch.setattr("hermes_trio.http.webhooks.screening.run_script", run_slowly)
    routes, statuses = with_routes(a={"script": "x"}, b={**BOUND, "script": "x"}), []

    async def send(number):
        statuses.append((await deliver(gateway, "/webhooks/a", delivery=f"d{number}")).status_code)

    async with open_gateway({"default": routes, "ada": "You are Ada."}, root=tmp_path) as gateway:
        async with trio.open_nursery() as nursery:
            for number in range(SCRIPTS_AT_ONCE + SCRIPTS_WAITING):
                nursery.start_soon(send, number)
            await trio.sleep(1)
            over = await deliver(gateway, "/webhooks/a", delivery="over")
            assert (over.status_code, over.json()["error"]) == (429, "rate_limit_exceeded")
            assert over.headers["retry-after"]
            began = trio.current_time()
            assert (await deliver(gateway, "/p/ada/webhooks/b", secret=BOUND["secret"])).status_code == 202
            assert trio.current_time() - began < 25
        assert statuses == [202] * (SCRIPTS_AT_ONCE + SCRIPTS_WAITING)


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 202), ("localhost", 202), ("0.0.0.0", 403), ("::", 403)])
async def test_a_route_without_authentication_is_served_on_loopback_only(tmp_path, autojump_clock, host, status):
    files = with_routes(gh={"secret": "INSECURE_NO_AUTH"})
    files.config["platforms"]["api_server"] = {"extra": {"host": host}}
    async with open_gateway({"default": files}, root=tmp_path) as gateway:
        assert (await post(gateway, "/webhooks/gh", b"{}", {})).status_code == status


@pytest.mark.parametrize("more", [{}, {"deliver_only": True}])
async def test_a_prompt_that_comes_to_nothing_is_neither_asked_nor_said(tmp_path, autojump_clock, more):
    async with open_gateway({"default": with_routes(gh={"prompt": "{title}", **more})}, root=tmp_path) as gateway:
        answer = await deliver(gateway, "/webhooks/gh", {"title": " "})
        assert answer.json() == {"status": "ignored", "reason": "empty", "route": "gh"}
        assert inbox(tmp_path) == []


async def test_the_log_says_which_route_is_not_served_and_why(tmp_path, autojump_clock):
    files = with_routes(gh={"secret": "${GH_SECRET}"})
    async with open_gateway({"default": files}, root=tmp_path) as gateway:
        assert (await deliver(gateway, "/webhooks/gh", secret="${GH_SECRET}")).status_code == 404
    (line,) = [line for line in (tmp_path / "logs" / "errors.log").read_text().splitlines() if "routes.gh" in line]
    assert "GH_SECRET is not set" in line


async def test_what_a_delivery_says_is_never_a_command(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={"prompt": "{title}"})}, root=tmp_path) as gateway:
        await deliver(gateway, "/webhooks/gh", {"title": "/restart gateway"})
        assert await answered(tmp_path) == ["Hermes here. You said: /restart gateway"]
        assert not gateway.gateway.restart_wanted.is_set()


async def test_the_agent_of_a_bound_route_is_its_profile(tmp_path, autojump_clock):
    profiles = {"default": with_routes(bound=BOUND), "ada": "You are Ada."}
    async with open_gateway(profiles, root=tmp_path) as gateway:
        await deliver(gateway, "/p/ada/webhooks/bound", {"a": 1}, BOUND["secret"])
        assert await answered(tmp_path, "ada") == ['Ada here. You said: {"a":1}']
    assert inbox(tmp_path) == []
    keys = rows(tmp_path, "ada", "SELECT session_key FROM sessions")
    assert keys == [("agent:ada:webhook:webhook:webhook:bound:d1:webhook:bound",)]


async def test_a_route_of_another_profiles_settings_counts_for_nothing(tmp_path, autojump_clock):
    profiles = {"default": with_routes(gh={}), "ada": with_routes(own={})}
    async with open_gateway(profiles, root=tmp_path) as gateway:
        assert (await deliver(gateway, "/p/ada/webhooks/own")).status_code == 404


async def test_a_profile_that_does_not_serve_is_503_and_nobody_answers_in_its_place(tmp_path, autojump_clock):
    profiles = {"default": with_routes(bound=BOUND), "ada": ProfileFiles(config="model: [unclosed")}
    async with open_gateway(profiles, root=tmp_path) as gateway:
        answer = await deliver(gateway, "/p/ada/webhooks/bound", None, BOUND["secret"])
        assert (answer.status_code, answer.json()["status"]) == (503, "error")
        assert inbox(tmp_path) == []


async def test_a_turn_waits_for_a_seat_and_none_is_lost(tmp_path, autojump_clock):
    files = with_routes(gh={"prompt": "!sleep 1"})
    files.config["max_concurrent_sessions"] = 2
    async with open_gateway({"default": files}, root=tmp_path) as gateway:
        for number in range(6):
            await deliver(gateway, "/webhooks/gh", delivery=f"d{number}")
        await trio.sleep(0.5)
        assert gateway.gateway.capacity.running() == 2
        assert len(await answered(tmp_path, count=6)) == 6


async def test_a_failed_turn_ends_its_session_too_and_is_not_tried_for_ever(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={"prompt": "!fail 401"})}, root=tmp_path) as gateway:
        await deliver(gateway, "/webhooks/gh")
        with trio.fail_after(60):
            while inbox(tmp_path) != [("webhook:gh:d1", "done")]:
                await trio.sleep(0.1)
    assert rows(tmp_path, "default", "SELECT end_reason FROM sessions") == [("webhook_complete",)]
    assert rows(tmp_path, "default", "SELECT * FROM trio_outbox") == []


async def test_a_turn_that_somebody_ends_ends_its_session_too(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={"prompt": "!sleep 60"})}, root=tmp_path) as gateway:
        await deliver(gateway, "/webhooks/gh")
        await trio.sleep(1)
        (profile,) = gateway.gateway.status().profiles
        assert gateway.slot("default").runtime.chats.cancel_turn(profile.turns[0].turn)
        await trio.sleep(1)
        assert [state for _, state in inbox(tmp_path)] == ["done"]
    assert rows(tmp_path, "default", "SELECT end_reason FROM sessions") == [("webhook_complete",)]
    assert rows(tmp_path, "default", "SELECT * FROM gateway_routing") == []


async def test_the_skills_of_a_route_go_into_the_prompt(tmp_path, autojump_clock):
    folder = tmp_path / "skills" / "triage"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: triage\ndescription: Sort issues\n---\nAlways be kind.\n")
    routes = with_routes(gh={"prompt": "An issue.", "skills": ["triage", "missing"]})
    async with open_gateway({"default": routes}, root=tmp_path) as gateway:
        await deliver(gateway, "/webhooks/gh")
        (text,) = await answered(tmp_path)
    assert "Always be kind." in text
    assert text.endswith("An issue.")


async def test_a_turn_of_a_webhook_has_few_tools(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={})}, root=tmp_path) as gateway:
        runtime = gateway.slot("default").runtime
        tools = set(runtime.agent.select_tools(runtime.scope, "webhook").tools)
        assert tools <= {"web_search", "web_extract", "vision_analyze", "clarify"}
        assert "clarify" in tools
        await deliver(gateway, "/webhooks/gh", {"x": 1}, event="push")
        await answered(tmp_path)
    (prompt,) = rows(tmp_path, "default", "SELECT system_prompt FROM sessions")[0]
    assert "data from outside" in prompt


async def test_what_the_model_may_not_do_is_refused_and_not_asked(tmp_path, autojump_clock):
    files = with_routes(gh={"prompt": '!tool terminal {"command": "rm -rf /tmp/x"}'})
    files.config["platform_toolsets"] = {"webhook": ["terminal"]}
    async with open_gateway({"default": files}, root=tmp_path) as gateway:
        await deliver(gateway, "/webhooks/gh")
        await answered(tmp_path)
        assert inbox(tmp_path) == [("webhook:gh:d1", "done")]


async def test_subscriptions_are_read_again_when_their_file_changes(tmp_path, autojump_clock):
    path = tmp_path / "webhook_subscriptions.json"
    async with open_gateway({"default": with_routes(gh={})}, root=tmp_path) as gateway:
        assert (await deliver(gateway, "/webhooks/fresh")).status_code == 404
        path.write_text(json.dumps({"fresh": {"secret": "s" * 20, "prompt": "1"}, "gh": {"secret": "t" * 20}}))
        await trio.sleep(2)
        assert (await deliver(gateway, "/webhooks/fresh", secret="s" * 20)).status_code == 202
        # A route of the settings goes before a subscription.
        assert (await deliver(gateway, "/webhooks/gh", secret="t" * 20)).status_code == 401
        path.write_text("{broken")
        await trio.sleep(2)
        assert (await deliver(gateway, "/webhooks/fresh", secret="s" * 20, delivery="d2")).status_code == 202
        assert "webhook_subscriptions.json" in gateway.gateway.status().webhook_problem
        path.write_text("{}")
        await trio.sleep(2)
        assert (await deliver(gateway, "/webhooks/fresh", secret="s" * 20, delivery="d3")).status_code == 404
        assert gateway.gateway.status().webhook_problem == ""


async def test_a_draining_gateway_takes_nothing_it_could_not_keep(tmp_path, autojump_clock):
    async with open_gateway({"default": with_routes(gh={"prompt": "!sleep 3"})}, root=tmp_path) as gateway:
        await deliver(gateway, "/webhooks/gh")
        await trio.sleep(0.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.gateway.drain)
            await trio.sleep(0.5)
            answer = await deliver(gateway, "/webhooks/gh", delivery="d2")
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
        assert inbox(tmp_path) == [("webhook:gh:d1", "done")]
