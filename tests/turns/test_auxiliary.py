"""Which model is asked for a special task."""

from __future__ import annotations

import pytest

from hermes_trio.home.agent_config import AuxiliaryConfig
from hermes_trio.home.config import ModelRoute, ProfileConfig
from hermes_trio.turns.auxiliary import auxiliary_route


def route_of(config: AuxiliaryConfig) -> ModelRoute | None:
    return auxiliary_route(ProfileConfig(auxiliary={"vision": config}), "vision")


@pytest.mark.parametrize("config", [AuxiliaryConfig(), AuxiliaryConfig(timeout=7)])
def test_a_task_that_names_no_model_has_the_profiles_own(config):
    assert route_of(config) is None
    assert auxiliary_route(ProfileConfig(), "vision") is None


def test_a_provider_an_address_or_a_key_alone_is_enough():
    usual = {"alias": "vision", "setting": "auxiliary.vision"}
    assert route_of(AuxiliaryConfig(provider="xai")) == ModelRoute(provider="xai", **usual)
    assert route_of(AuxiliaryConfig(base_url="http://x/v1")) == ModelRoute(base_url="http://x/v1", **usual)
    assert route_of(AuxiliaryConfig(api_key="key")) == ModelRoute(api_key="key", **usual)


def test_all_that_stands_there_counts_and_the_key_shows_nowhere():
    route = route_of(AuxiliaryConfig("xai", "grok", "http://x/v1", "secret-key"))
    assert route == ModelRoute("vision", "grok", "xai", "http://x/v1", "secret-key", "auxiliary.vision")
    assert "secret-key" not in repr(route)
