from types import SimpleNamespace

import pytest

from hermes_trio.tools.toolsets import DEFAULT_TOOLSETS, enabled_mcp_servers, enabled_toolsets


def config(listed=None, disabled=(), servers=("notion", "github")):
    return SimpleNamespace(
        platform_toolsets={} if listed is None else {"api_server": tuple(listed)},
        disabled_toolsets=tuple(disabled),
        mcp_servers=tuple(SimpleNamespace(name=name) for name in servers),
    )


def test_a_platform_without_a_list_has_the_usual_toolsets():
    assert enabled_toolsets(config(), "api_server") == DEFAULT_TOOLSETS


def test_a_list_names_all_there_is():
    assert enabled_toolsets(config(["web", "todo"]), "api_server") == {"web", "todo"}
    assert enabled_toolsets(config(["web", "todo"]), "telegram") == DEFAULT_TOOLSETS


def test_a_composite_stands_for_the_usual_toolsets():
    assert enabled_toolsets(config(["hermes-telegram"]), "api_server") >= DEFAULT_TOOLSETS


def test_an_empty_list_is_nothing():
    assert enabled_toolsets(config([]), "api_server") == frozenset()
    assert enabled_mcp_servers(config([]), "api_server") == frozenset()


def test_what_the_agent_must_not_have_is_taken_away_last():
    assert "terminal" not in enabled_toolsets(config(["terminal", "web"], disabled=["terminal"]), "api_server")


@pytest.mark.parametrize(
    ("listed", "servers"),
    [
        (None, {"notion", "github"}),
        (["web"], {"notion", "github"}),
        (["web", "notion"], {"notion"}),
        (["no_mcp"], set()),
    ],
)
def test_mcp_servers_follow_the_list(listed, servers):
    assert enabled_mcp_servers(config(listed), "api_server") == servers
