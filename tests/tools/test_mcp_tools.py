from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.agent_config import McpServerConfig
from hermes_trio.tools.mcp_tools import ListedTool, fit_schema, make_tools, offered, tool_name

A_STRING = {"type": "string"}


def listed(*names: str, description: str = "") -> list[ListedTool]:
    return [ListedTool(name, description, {"type": "object"}) for name in names]


def names(server: McpServerConfig, *tools: str) -> list[str]:
    return [tool.name for tool in offered(server, listed(*tools))]


async def no_call(*_: object) -> str:
    raise AssertionError("nothing was to be called")


def test_a_tool_is_named_after_its_server_and_itself():
    assert tool_name("notion", "search_pages") == "mcp__notion__search_pages"


def test_characters_that_providers_refuse_become_underscores():
    assert tool_name("my.server", "get-sum/2") == "mcp__my_server__get_sum_2"


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_name_is_one_that_providers_take(server, tool):
    assert re.fullmatch(r"[A-Za-z0-9_]{1,64}", tool_name(server, tool))


def test_long_names_stay_different():
    assert tool_name("s", "a" * 80) != tool_name("s", "a" * 81)


def test_all_tools_are_offered_unless_the_settings_choose():
    assert names(McpServerConfig("s"), "a", "b") == ["a", "b"]
    assert names(McpServerConfig("s", include=("b",)), "a", "b") == ["b"]
    assert names(McpServerConfig("s", exclude=("b",)), "a", "b") == ["a"]
    assert names(McpServerConfig("s", include=("a", "b"), exclude=("b",)), "a", "b") == ["a"]
    assert names(McpServerConfig("s", include=()), "a", "b") == []


def test_of_two_tools_that_come_out_with_one_name_the_first_stays():
    tools = make_tools(McpServerConfig("s"), listed("a-b", "a.b", "c"), no_call)
    assert [tool.name for tool in tools] == ["mcp__s__a_b", "mcp__s__c"]


def test_a_long_description_is_cut():
    (tool,) = make_tools(McpServerConfig("s"), listed("a", description="x" * 5000), no_call)
    assert len(tool.description) == 1024
    assert tool.description.endswith("x...")


def test_tools_belong_to_a_toolset_of_their_servers_name_and_bound_themselves():
    (tool,) = make_tools(McpServerConfig("notion"), listed("a"), no_call)
    assert (tool.toolset, tool.seconds) == ("notion", None)


async def test_a_call_goes_to_the_server_under_the_name_it_knows():
    calls = []

    async def call(scope, name, arguments):
        calls.append((scope, name, arguments))
        return "done"

    (tool,) = make_tools(McpServerConfig("s"), listed("get-sum"), call)
    assert await tool.run("the scope", None, {"a": 1}) == "done"
    assert calls == [("the scope", "get-sum", {"a": 1})]


def test_a_schema_is_handed_on():
    schema = {"type": "object", "properties": {"a": A_STRING}, "required": ["a"], "$defs": {"x": A_STRING}}
    assert fit_schema(schema) == schema


def test_a_schema_without_a_type_becomes_an_objects():
    assert fit_schema({"$schema": "https://json-schema.org/draft-07/schema"}) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("reference", ["http://169.254.169.254/latest", "file:///etc/passwd", "other.json", 7])
def test_references_out_of_a_schema_are_dropped(reference):
    fitted = fit_schema({"properties": {"a": {"$ref": reference}, "b": {"anyOf": [{"$ref": reference}]}}})
    assert fitted["properties"] == {"a": {}, "b": {"anyOf": [{}]}}


def test_references_within_a_schema_stay():
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": A_STRING}}
    assert fit_schema(schema) == schema


def test_a_bottomless_schema_is_cut():
    schema: dict[str, object] = {}
    for _ in range(5000):
        schema = {"properties": {"a": schema}}
    assert len(str(fit_schema(schema))) < 2000
