"""Profiles as models: who may choose whom, by what, and what comes first."""

from __future__ import annotations

import pytest

from hermes_trio.gateway.states import ProfileState
from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.route_table import build_route_table
from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.testing import test_key as key_of

OTHERS = {"coder": "You are Coder.", "poet": "You are Poet.", "secret": "You are Secret."}
WHO = {"messages": [{"role": "user", "content": "!persona"}]}


def offering(profiles, **extra) -> dict[str, object]:
    """A home whose default profile offers some others."""
    settings = {**extra, **({} if profiles is None else {"profiles": profiles})}
    config = {"model": "builtin/echo", "platforms": {"api_server": {"extra": settings}}}
    return {"default": ProfileFiles("You are Hermes.", config), **OTHERS}


async def ask(gateway, body=None, path="/v1/chat/completions", *, key="default", headers=None, method="POST"):
    async with gateway.client("default", key=key_of(key)) as client:
        return await client.request(method, f"http://gateway.test{path}", json=body, headers=headers)


async def who(gateway, model=None, **more) -> str:
    answer = await ask(gateway, WHO | ({} if model is None else {"model": model}), **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def names(answer) -> list[str]:
    return [model["id"] for model in answer.json()["data"]]


async def test_a_model_names_the_profile_that_answers(tmp_path, autojump_clock):
    async with open_gateway(offering(["coder", "poet"]), root=tmp_path) as gateway:
        assert await who(gateway, "coder") == "Coder"
        assert await who(gateway, "poet") == "Poet"


async def test_the_list_of_models_shows_the_profiles_that_may_be_chosen(tmp_path, autojump_clock):
    async with open_gateway(offering(["coder", "poet"]), root=tmp_path) as gateway:
        answer = await ask(gateway, path="/v1/models", method="GET")
        assert names(answer) == ["hermes-agent", "coder", "poet"]
        assert {model["owned_by"] for model in answer.json()["data"]} == {"hermes"}


async def test_without_the_setting_any_model_is_the_default_profile_as_before(tmp_path, autojump_clock):
    async with open_gateway(offering(None), root=tmp_path) as gateway:
        assert await who(gateway, "coder") == "Hermes"
        assert await who(gateway, "gpt-4o") == "Hermes"
        assert names(await ask(gateway, path="/v1/models", method="GET")) == ["hermes-agent"]


@pytest.mark.parametrize("model", [None, "", "default", "hermes-agent", "fast"])
async def test_the_default_profile_has_its_own_names_and_those_of_its_models(tmp_path, autojump_clock, model):
    home = offering(["coder"], model_routes={"fast": "builtin/echo"})
    async with open_gateway(home, root=tmp_path) as gateway:
        assert await who(gateway, model) == "Hermes"


async def test_a_model_that_means_nothing_is_not_found(tmp_path, autojump_clock):
    async with open_gateway(offering(["coder"]), root=tmp_path) as gateway:
        answer = await ask(gateway, WHO | {"model": "gpt-4o"})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
        assert error["type"] == "invalid_request_error"


async def test_a_profile_that_may_not_be_chosen_is_refused(tmp_path, autojump_clock):
    async with open_gateway(offering(["coder"]), root=tmp_path) as gateway:
        answer = await ask(gateway, WHO | {"model": "secret"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")


async def test_all_means_all_and_a_profile_named_all_only_itself(tmp_path, autojump_clock):
    async with open_gateway(offering("all"), root=tmp_path / "a") as gateway:
        assert await who(gateway, "secret") == "Secret"
    home = {**offering(["all"]), "all": "You are All."}
    async with open_gateway(home, root=tmp_path / "b") as gateway:
        assert await who(gateway, "all") == "All"
        assert (await ask(gateway, WHO | {"model": "secret"})).status_code == 403


async def test_only_the_operators_key_chooses(tmp_path, autojump_clock):
    async with open_gateway(offering("all"), root=tmp_path) as gateway:
        assert (await ask(gateway, WHO | {"model": "coder"}, key="coder")).status_code == 401
        answer = await ask(gateway, path="/p/coder/v1/models", method="GET", key="coder")
        assert names(answer) == ["coder"]


async def test_below_a_prefix_the_model_chooses_nobody(tmp_path, autojump_clock):
    async with open_gateway(offering("all"), root=tmp_path) as gateway:
        path = "/p/coder/v1/chat/completions"
        assert await who(gateway, "poet", path=path, key="coder") == "Coder"
        assert await who(gateway, "poet", path="/p/default/v1/chat/completions") == "Hermes"


async def test_a_chosen_profile_that_does_not_serve_says_so(tmp_path, autojump_clock):
    home = {**offering("all"), "poet": ProfileFiles(config="model: [")}
    async with open_gateway(home, root=tmp_path) as gateway:
        answer = await ask(gateway, WHO | {"model": "poet"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "profile_failed")


async def test_a_chosen_profile_uses_its_own_database_and_limits(tmp_path, autojump_clock):
    busy = ProfileFiles("You are Poet.", {"model": "builtin/echo", "max_concurrent_sessions": 1})
    async with open_gateway({**offering("all"), "poet": busy}, root=tmp_path) as gateway:
        headers = {"X-Hermes-Session-Id": "s1"}
        await ask(gateway, {"model": "poet", "messages": [{"role": "user", "content": "plum"}]}, headers=headers)
        history = {"messages": [{"role": "user", "content": "!history"}]}
        again = await ask(gateway, history | {"model": "poet"}, headers=headers)
        assert "plum" in again.json()["choices"][0]["message"]["content"]
        other = await ask(gateway, history, headers=headers)
        assert "plum" not in other.json()["choices"][0]["message"]["content"]


# Headers.


def routes(gateway, *given: RouteConfig) -> None:
    gateway.gateway.router.routes = build_route_table(given)


async def test_headers_go_through_the_routes_of_api_server(tmp_path, autojump_clock):
    async with open_gateway(offering(None), root=tmp_path) as gateway:
        routes(gateway, RouteConfig("coder", "api_server", chat_id="7"), RouteConfig("poet", "api_server", user_id="u"))
        assert await who(gateway, headers={"X-Hermes-Chat-Id": "7"}) == "Coder"
        assert await who(gateway, headers={"X-Hermes-User-Id": "u", "X-Hermes-Chat-Id": "7"}) == "Poet"
        assert await who(gateway, headers={"X-Hermes-Chat-Id": "8"}) == "Hermes"
        assert await who(gateway) == "Hermes"


async def test_a_model_goes_before_headers_and_a_prefix_before_both(tmp_path, autojump_clock):
    async with open_gateway(offering(["poet"]), root=tmp_path) as gateway:
        routes(gateway, RouteConfig("coder", "api_server", chat_id="7"))
        headers = {"X-Hermes-Chat-Id": "7"}
        assert await who(gateway, headers=headers) == "Coder"
        assert await who(gateway, "poet", headers=headers) == "Poet"
        prefixed = "/p/secret/v1/chat/completions"
        assert await who(gateway, "poet", headers=headers, path=prefixed, key="secret") == "Secret"


async def test_a_route_to_a_profile_that_cannot_be_had_never_runs_the_default_profile(tmp_path, autojump_clock):
    home = {**offering(None), "coder": ProfileFiles(config="model: [")}
    async with open_gateway(home, root=tmp_path) as gateway:
        routes(gateway, RouteConfig("coder", "api_server", chat_id="7"), RouteConfig("no", "api_server", chat_id="8"))
        failed = await ask(gateway, WHO, headers={"X-Hermes-Chat-Id": "7"})
        assert (failed.status_code, failed.json()["error"]["code"]) == (503, "route_target_failed")
        unknown = await ask(gateway, WHO, headers={"X-Hermes-Chat-Id": "8"})
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (503, "route_target_unknown")


@pytest.mark.parametrize("value", ["x" * 257, "a\tb"])
async def test_a_header_that_is_too_long_or_has_control_characters_is_refused(tmp_path, autojump_clock, value):
    async with open_gateway(offering(None), root=tmp_path) as gateway:
        answer = await ask(gateway, WHO, headers={"X-Hermes-Chat-Id": value})
        assert answer.status_code == 400


async def test_who_the_client_speaks_for_is_noted_with_the_session(tmp_path, autojump_clock):
    async with open_gateway(offering(None), root=tmp_path) as gateway:
        await who(gateway, headers={"X-Hermes-User-Id": "u-17", "X-Hermes-Session-Id": "s1"})
        runtime = gateway.slot("default").runtime
        rows = await runtime.scope.db.read(lambda db: db.execute("SELECT user_id FROM sessions").fetchall())
        assert rows == [("u-17",)]


# Ids.


async def test_an_id_is_found_wherever_the_operator_may_choose(tmp_path, autojump_clock):
    async with open_gateway(offering(["coder"]), root=tmp_path) as gateway:
        routes(gateway, RouteConfig("poet", "api_server", chat_id="7"))
        made = {}
        for name, more in (("coder", {}), ("poet", {"headers": {"X-Hermes-Chat-Id": "7"}}), ("default", {})):
            model = {"model": name} if name == "coder" else {}
            answer = await ask(gateway, {"input": "hello", **model}, "/v1/responses", **more)
            made[name] = answer.json()["id"]
        for name, more in (("coder", {}), ("poet", {"headers": {"X-Hermes-Chat-Id": "7"}}), ("default", {})):
            answer = await ask(gateway, path=f"/v1/responses/{made[name]}", method="GET", **more)
            assert answer.status_code == 200, name
        assert (await ask(gateway, path=f"/v1/responses/{made['poet']}", method="GET")).status_code == 404


async def test_while_a_profile_starts_again_its_ids_are_not_unknown_but_to_be_asked_for_again(tmp_path, autojump_clock):
    async with open_gateway(offering(["coder"]), root=tmp_path) as gateway:
        made = await ask(gateway, {"input": "hello", "model": "coder"}, "/v1/responses")
        gateway.slot("coder").runtime.accepting = False
        gateway.slot("coder").enter(ProfileState.DRAINING)
        answer = await ask(gateway, path=f"/v1/responses/{made.json()['id']}", method="GET")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "gateway_draining")
