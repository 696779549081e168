"""What a client finds out about a profile, and the document that describes the API."""

import json

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from hermes_trio.http.endpoint import Answer, Endpoint, EndpointTable, Parameter, PublicEndpoint, endpoint_names
from hermes_trio.http.endpoints import ENDPOINTS
from hermes_trio.http.openapi import openapi_document
from hermes_trio.http.openapi_schemas import component_schemas
from hermes_trio.http.sessions.objects import SessionObject
from hermes_trio.testing import ProfileFiles, open_gateway

SKILL = "---\nname: {name}\ndescription: Does {name}.\nmetadata: {{hermes: {{tags: [one, two]}}}}\n---\nText\n"


@pytest.fixture
async def opened(tmp_path, autojump_clock):
    """A gateway whose profiles differ in skills and tools."""
    config = {
        "model": "builtin/echo",
        "platform_toolsets": {"api_server": ["file", "skills"]},
        "skills": {"disabled": ["hidden"]},
        "mcp_servers": {"notes": {"command": "false", "enabled": False}},
    }
    for name in ("cooking", "hidden"):
        folder = tmp_path / "profiles" / "ada" / "skills" / "home" / name
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(SKILL.format(name=name))
    profiles = {"ada": ProfileFiles("You are Ada.", config), "bob": "You are Bob."}
    async with open_gateway(profiles, root=tmp_path) as gateway:
        yield gateway


async def read(gateway, profile, path):
    async with gateway.client(profile) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.json()


async def test_capabilities_are_those_of_the_declared_endpoints(opened):
    body = await read(opened, "ada", "capabilities")
    assert (body["object"], body["model"]) == ("hermes.api_server.capabilities", "ada")
    assert body["auth"] == {"type": "bearer", "required": True}
    declared = {(one.method, one.path) for one in ENDPOINTS}
    assert {(one["method"], one["path"]) for one in body["endpoints"].values()} == declared
    assert len(body["endpoints"]) == len(ENDPOINTS)
    assert body["endpoints"]["chat_completions"] == {"method": "POST", "path": "/v1/chat/completions"}
    features = body["features"]
    assert features.keys() >= body["endpoints"].keys()
    assert features["chat_completions_streaming"] is True
    assert "models_streaming" not in features
    assert features["session_continuity_header"] == "X-Hermes-Session-Id"
    assert features["session_key_header"] == "X-Hermes-Session-Key"
    assert features["cors"] is False


async def test_skills_are_those_that_are_switched_on_for_this_platform(opened):
    assert await read(opened, "ada", "skills") == {
        "object": "list",
        "data": [{"name": "cooking", "description": "Does cooking.", "category": "home", "tags": ["one", "two"]}],
    }
    assert (await read(opened, "bob", "skills"))["data"] == []


async def test_toolsets_tell_what_is_on_and_able_to_work(opened):
    body = await read(opened, "ada", "toolsets")
    assert (body["object"], body["platform"]) == ("list", "api_server")
    sets = {one["name"]: one for one in body["data"]}
    assert {name for name, one in sets.items() if one["enabled"]} == {"file", "skills"}
    assert "read_file" in sets["file"]["tools"]
    server = sets.pop("notes")
    assert (server["enabled"], server["configured"], server["tools"]) == (False, False, [])
    assert all(one["label"] != one["name"] and one["description"] and one["tools"] for one in sets.values())
    assert sets["file"]["configured"] is True
    others = {one["name"]: one["enabled"] for one in (await read(opened, "bob", "toolsets"))["data"]}
    assert others["terminal"] is True
    assert others.keys() == sets.keys()


@pytest.mark.parametrize("prefix", ["", "/p/ada"])
async def test_the_document_needs_no_key_and_says_nothing_of_profiles(opened, prefix):
    async with opened.client(key="none") as client:
        answer = await client.get(f"http://gateway.test{prefix}/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    servers = [one["url"] for one in document["servers"]]
    assert servers == ([prefix] if prefix else []) + ["/", "/p/{profile}"]
    assert "bob" not in answer.text
    del document["servers"]
    whole = msgspec.json.decode(msgspec.json.encode(openapi_document(ENDPOINTS)))
    assert document == {name: part for name, part in whole.items() if name != "servers"}


def test_the_document_describes_every_endpoint():
    document = openapi_document(ENDPOINTS)
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(one.method, one.path) for one in ENDPOINTS}
    operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    assert operations.keys() == endpoint_names(ENDPOINTS).keys()
    for name, endpoint in endpoint_names(ENDPOINTS).items():
        operation = operations[name]
        is_open = isinstance(endpoint, PublicEndpoint)
        assert operation["security"] == ([] if is_open else [{"bearer": []}])
        assert ("401" in operation["responses"]) is (not is_open or any(one.status == 401 for one in endpoint.answers))
        assert ("429" in operation["responses"]) is (
            any(one.status == 429 for one in endpoint.answers) if is_open else endpoint.starts_turn
        )
        assert {str(answer.status) for answer in endpoint.answers} <= operation["responses"].keys()


def test_the_document_tells_of_streams_parameters_and_bodies():
    document = openapi_document(ENDPOINTS)
    chat = document["paths"]["/v1/chat/completions"]["post"]
    assert set(chat["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert chat["requestBody"]["required"] is True
    stream = document["paths"]["/api/sessions/{session_id}/chat/stream"]["post"]
    assert set(stream["responses"]["200"]["content"]) == {"text/event-stream"}
    listed = {one["name"]: one for one in document["paths"]["/api/sessions"]["get"]["parameters"]}
    assert listed["include_children"]["schema"] == {"type": "boolean"}
    assert document["paths"]["/api/sessions"]["post"]["requestBody"]["required"] is False
    session = document["components"]["schemas"]["SessionObject"]
    assert session["properties"].keys() == set(SessionObject.__struct_fields__)
    assert session["properties"]["title"]["description"] == "Its title; unique."
    assert session["description"] == "A session; times are seconds since the epoch."
    assert "Attributes" not in json.dumps(document)


def test_an_endpoint_that_is_not_below_profiles_has_a_server_of_its_own():
    async def serve_hook(_call): ...

    answers = (Answer(202, "Taken"), Answer(204, "Nothing"))
    hook = PublicEndpoint("POST", "/webhooks/{name}", serve_hook, "A hook", answers=answers)
    document = openapi_document((hook,))
    OpenAPIV31SpecValidator(document).validate()
    operation = document["paths"]["/webhooks/{name}"]["post"]
    assert operation["servers"] == [{"url": "/"}]
    assert operation["parameters"][0]["in"] == "path"
    assert "content" not in operation["responses"]["204"]


def test_limits_of_parameters_are_told_in_the_words_of_their_kind():
    async def serve_thing(_scope, _call): ...

    parameters = (Parameter("a", "A", maximum=5), Parameter("b", "B", kind="integer", minimum=1, maximum=5))
    document = openapi_document((Endpoint("GET", "/thing", serve_thing, "A thing", parameters=parameters),))
    schemas = [one["schema"] for one in document["paths"]["/thing"]["get"]["parameters"]]
    assert schemas == [{"type": "string", "maxLength": 5}, {"type": "integer", "minimum": 1, "maximum": 5}]


def test_two_shapes_of_one_name_are_noticed():
    other = msgspec.defstruct("SessionObject", [("x", int)])
    with pytest.raises(ValueError, match="SessionObject"):
        component_schemas([SessionObject, other])


def test_what_follows_from_the_endpoints_is_made_once():
    made = []
    table = EndpointTable(())
    assert table.derive("x", lambda endpoints: made.append(endpoints) or "y") == "y"
    assert table.derive("x", lambda endpoints: made.append(endpoints) or "y") == "y"
    assert made == [()]


def test_a_function_that_serves_two_paths_gives_two_names():
    async def serve_thing(_scope, _call): ...

    one, two = (Endpoint("GET", path, serve_thing, "A thing") for path in ("/thing", "/v1/thing/{thing_id}"))
    assert endpoint_names((one, two)) == {"thing": one, "thing_get_v1_thing_thing_id": two}
