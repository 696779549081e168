"""Rules that every declared endpoint keeps; a new one is walked as soon as it is in the list."""

from __future__ import annotations

import inspect
import re
from contextlib import contextmanager, nullcontext

import pytest

from hermes_trio.gateway.capacity import TurnCapacity
from hermes_trio.http.endpoint import Endpoint, PublicEndpoint
from hermes_trio.http.endpoints import ENDPOINTS
from hermes_trio.testing import open_gateway
from hermes_trio.testing import test_key as key_of
from tests.http.endpoint_examples import (
    EXAMPLES,
    PROFILES,
    anything,
    example_of,
    label_of,
    send,
    write_profiles,
)

ADA, BOB = PROFILES
OF_PROFILES = [one for one in ENDPOINTS if isinstance(one, Endpoint)]
PUBLIC = [one for one in ENDPOINTS if isinstance(one, PublicEndpoint)]
WITH_ID = [one for one in OF_PROFILES if "{" in one.path]
READING = [one for one in OF_PROFILES if one.method == "GET" and one not in WITH_ID]


@pytest.fixture
async def opened(tmp_path, autojump_clock):
    """A gateway with two profiles that differ in all that endpoints read."""
    write_profiles(tmp_path)
    async with open_gateway(root=tmp_path) as gateway:
        yield gateway
        assert gateway.request_errors == []


@pytest.fixture
def seats(monkeypatch):
    """The profiles that have taken a seat, in order."""
    taken = []
    original = TurnCapacity.seat

    @contextmanager
    def seat(self, profile, limit):
        with original(self, profile, limit):
            taken.append(profile)
            yield

    monkeypatch.setattr(TurnCapacity, "seat", seat)
    return taken


async def seed(gateway, endpoint, profile):
    make = example_of(endpoint).seed
    return {} if make is None else await make(gateway, profile)


def lasting(endpoint, answer):
    """What an answer says, without what changes by itself."""
    names = "|".join(example_of(endpoint).volatile) or "$^"
    return re.sub(rf'"({names})":[\d.]+', "", answer.text)


def told(answer, value):
    """What an answer tells, whatever the id was."""
    headers = {name: text for name, text in answer.headers.items() if name not in ("content-length", "date")}
    return answer.text.replace(value, ""), headers


def test_every_endpoint_has_an_example_and_no_example_is_left_over():
    for endpoint in ENDPOINTS:
        example_of(endpoint)
    assert EXAMPLES.keys() == {label_of(endpoint) for endpoint in ENDPOINTS}


@pytest.mark.parametrize("endpoint", OF_PROFILES, ids=label_of)
def test_it_is_handed_the_scope_for_which_it_acts(endpoint):
    assert inspect.iscoroutinefunction(endpoint.serve)
    first, second = inspect.signature(endpoint.serve).parameters.values()
    assert (first.name, first.annotation) == ("scope", "ProfileScope")
    assert (second.name, second.annotation) == ("call", "Call")
    if endpoint.owns is not None:
        assert next(iter(inspect.signature(endpoint.owns).parameters)) == "scope"


@pytest.mark.parametrize("endpoint", WITH_ID, ids=label_of)
def test_what_a_path_names_has_an_owner_that_can_be_asked_for(endpoint):
    assert endpoint.owns is not None


@pytest.mark.parametrize("endpoint", READING, ids=label_of)
async def test_it_answers_differently_for_two_profiles_that_differ(opened, endpoint):
    for profile in PROFILES:
        for other in WITH_ID:
            if not example_of(other).holds_seat:
                await seed(opened, other, profile)
    ada, bob, again = [await send(opened, endpoint, profile, {}) for profile in (ADA, BOB, ADA)]
    assert ada.status_code == bob.status_code == example_of(endpoint).status
    assert lasting(endpoint, ada) != lasting(endpoint, bob)
    # It is the profile that makes the difference.
    assert lasting(endpoint, ada) == lasting(endpoint, again)


@pytest.mark.parametrize("endpoint", WITH_ID, ids=label_of)
async def test_an_id_of_another_profile_is_answered_like_one_that_nobody_has(opened, endpoint):
    of_ada = await seed(opened, endpoint, ADA)
    foreign = await send(opened, endpoint, BOB, of_ada)
    unknown = await send(opened, endpoint, BOB, {name: f"{value}x" for name, value in of_ada.items()})
    assert foreign.status_code == unknown.status_code == 404
    for value in of_ada.values():
        assert told(foreign, value) == told(unknown, f"{value}x")
    # By the operator's key it is no better.
    assert (await send(opened, endpoint, "default", of_ada, bare=True)).status_code == 404
    own = await send(opened, endpoint, ADA, of_ada)
    assert own.status_code == example_of(endpoint).status, own.text


@pytest.mark.parametrize("endpoint", [one for one in OF_PROFILES if one.starts_turn], ids=label_of)
async def test_it_starts_a_turn_only_where_a_seat_is_free(opened, endpoint, seats):
    parameters = await seed(opened, endpoint, ADA)
    seats.clear()
    capacity = opened.gateway.capacity
    with capacity.seat(ADA, 1):
        seats.clear()
        refused = await send(opened, endpoint, ADA, parameters)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert "max_concurrent_sessions" in refused.json()["error"]["message"]
    assert int(refused.headers["retry-after"]) >= 1
    assert seats == []
    begun = await send(opened, endpoint, ADA, parameters)
    assert begun.status_code == example_of(endpoint).status, begun.text
    assert seats == [ADA]


@pytest.mark.parametrize("endpoint", [one for one in OF_PROFILES if not one.starts_turn], ids=label_of)
async def test_it_needs_no_seat_if_it_starts_no_turn(opened, endpoint, seats):
    parameters = await seed(opened, endpoint, ADA)
    with nullcontext() if example_of(endpoint).holds_seat else opened.gateway.capacity.seat(ADA, 1):
        seats.clear()
        answer = await send(opened, endpoint, ADA, parameters)
        assert answer.status_code == example_of(endpoint).status, answer.text
        assert seats == []


@pytest.mark.parametrize("endpoint", OF_PROFILES, ids=label_of)
async def test_it_opens_to_the_profiles_own_key_only(opened, endpoint):
    parameters = anything(endpoint)
    for key in ("", "wrong-key-0123456789", key_of(BOB), key_of("default")):
        assert (await send(opened, endpoint, ADA, parameters, key=key)).status_code == 401, key
    for key in ("", key_of(ADA)):
        assert (await send(opened, endpoint, ADA, parameters, key=key, bare=True)).status_code == 401, key


@pytest.mark.parametrize("endpoint", PUBLIC, ids=label_of)
async def test_a_public_one_needs_no_key(opened, endpoint):
    answer = await send(opened, endpoint, ADA, await seed(opened, endpoint, ADA), key="", bare=not endpoint.profiled)
    assert answer.status_code == example_of(endpoint).status, answer.text


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=label_of)
async def test_it_is_not_there_for_a_profile_that_is_not_there(opened, endpoint):
    for key in ("", key_of(ADA), key_of("default")):
        answer = await send(opened, endpoint, "nobody", anything(endpoint), key=key)
        assert answer.status_code == 404
