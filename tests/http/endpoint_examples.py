"""For each declared endpoint a request that is good, and what has to be there for it.

`tests/http/test_every_endpoint.py` walks all endpoints with these. Whoever declares an endpoint adds its example here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import trio

from hermes_trio.testing import ProfileFiles
from hermes_trio.testing import test_key as key_of
from hermes_trio.testing.home import write_home

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from hermes_trio.home.paths import HomePaths
    from hermes_trio.http.endpoint import AnyEndpoint
    from hermes_trio.testing import GatewayFixture

#: Makes what a path names, in a profile; the parameters of the path.
Seed = Callable[["GatewayFixture", str], Awaitable[Mapping[str, str]]]

URL = "http://gateway.test"
PROFILES = ("ada", "bob")
SECRET = "secret-of-a-webhook-0123456789"
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@dataclass(frozen=True)
class Example:
    """A good request.

    Attributes:
        body: Its JSON body, or None.
        headers: Further headers.
        seed: Makes what the path names; needed where it has parameters.
        status: The status of its answer.
        volatile: Numbers in its answer that change by themselves.
        holds_seat: Whether what the seed makes holds the one seat of its profile.
    """

    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seed: Seed | None = None
    status: int = 200
    volatile: tuple[str, ...] = ()
    holds_seat: bool = False


async def seed_session(gateway: GatewayFixture, profile: str) -> Mapping[str, str]:
    """A session of the profile, in which something was said."""
    session_id = f"session of {profile}"
    await gateway.ask(profile, f"I speak to {profile}", session=session_id)
    return {"session_id": session_id}


async def seed_response(gateway: GatewayFixture, profile: str) -> Mapping[str, str]:
    """A response that the profile has kept."""
    async with gateway.client(profile) as client:
        answer = await client.post("responses", json={"input": f"I speak to {profile}"})
    return {"response_id": answer.json()["id"]}


async def seed_run(gateway: GatewayFixture, profile: str) -> Mapping[str, str]:
    """A run of the profile that has ended."""
    async with gateway.client(profile) as client:
        answer = await client.post("runs", json={"input": f"I speak to {profile}"})
        run_id = answer.json()["run_id"]
        while (await client.get(f"runs/{run_id}")).json()["status"] != "completed":
            await trio.sleep(0.1)
    return {"run_id": run_id}


async def seed_long_run(gateway: GatewayFixture, profile: str) -> Mapping[str, str]:
    """A run of the profile that waits for nothing."""
    async with gateway.client(profile) as client:
        answer = await client.post("runs", json={"input": "!sleep 1000"})
    return {"run_id": answer.json()["run_id"]}


async def seed_webhook(_gateway: GatewayFixture, _profile: str) -> Mapping[str, str]:
    """The route of a webhook that is bound to the first profile."""
    return {"route": "hook"}


EXAMPLES: Mapping[str, Example] = {
    "GET /health": Example(),
    "GET /v1/health": Example(),
    "GET /openapi.json": Example(),
    "GET /health/detailed": Example(volatile=("used_percent", "free_bytes")),
    "GET /v1/models": Example(),
    "GET /v1/capabilities": Example(),
    "GET /v1/skills": Example(),
    "GET /v1/toolsets": Example(),
    "POST /v1/chat/completions": Example(HELLO),
    "POST /v1/responses": Example({"input": "hello"}),
    "GET /v1/responses/{response_id}": Example(seed=seed_response),
    "DELETE /v1/responses/{response_id}": Example(seed=seed_response),
    "POST /v1/runs": Example({"input": "hello"}, status=202),
    "GET /v1/runs/{run_id}": Example(seed=seed_run),
    "GET /v1/runs/{run_id}/events": Example(seed=seed_run),
    "POST /v1/runs/{run_id}/approval": Example({"choice": "once"}, seed=seed_long_run, status=409, holds_seat=True),
    "POST /v1/runs/{run_id}/answer": Example({"answer": "yes"}, seed=seed_long_run, status=409, holds_seat=True),
    "POST /v1/runs/{run_id}/stop": Example(seed=seed_long_run, holds_seat=True),
    "POST /webhooks/{route}": Example({}, {"X-Gitlab-Token": SECRET}, seed=seed_webhook, status=202),
    "GET /api/sessions": Example(),
    "POST /api/sessions": Example({"title": "A title"}, status=201),
    "GET /api/sessions/{session_id}": Example(seed=seed_session),
    "PATCH /api/sessions/{session_id}": Example({"title": "Another"}, seed=seed_session),
    "DELETE /api/sessions/{session_id}": Example(seed=seed_session),
    "GET /api/sessions/{session_id}/messages": Example(seed=seed_session),
    "POST /api/sessions/{session_id}/fork": Example({}, seed=seed_session, status=201),
    "POST /api/sessions/{session_id}/chat": Example({"message": "hello"}, seed=seed_session),
    "POST /api/sessions/{session_id}/chat/stream": Example({"message": "hello"}, seed=seed_session),
}


def label_of(endpoint: AnyEndpoint) -> str:
    """How an endpoint is named here."""
    return f"{endpoint.method} {endpoint.path}"


def example_of(endpoint: AnyEndpoint) -> Example:
    """The example of an endpoint; the test fails when there is none."""
    label = label_of(endpoint)
    example = EXAMPLES.get(label)
    if example is None:
        pytest.fail(f"{label} has no example: add one to EXAMPLES in tests/http/endpoint_examples.py", pytrace=False)
    if "{" in endpoint.path and example.seed is None:
        pytest.fail(f"the example of {label} needs a seed that makes what its path names", pytrace=False)
    return example


def write_profiles(root: Path) -> HomePaths:
    """A home with two profiles that differ in all that endpoints read, and have one seat each."""
    bound = {"hook": {"profile": PROFILES[0], "secret": SECRET}}
    webhook = {"enabled": True, "extra": {"routes": bound}}
    default = ProfileFiles("You are Hermes.", {"model": "builtin/echo", "platforms": {"webhook": webhook}})
    named = {name: _files(name, count) for count, name in enumerate(PROFILES, start=1)}
    home = write_home(root, {"default": default, **named})
    for name in PROFILES:
        skill = home.profile(name).skills / f"skill-of-{name}"
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text(f"---\nname: skill-of-{name}\ndescription: Of {name}.\n---\nText\n")
    return home


def _files(name: str, count: int) -> ProfileFiles:
    routes = {f"alias-of-{name}": {"model": "echo", "provider": "builtin"}}
    config = {
        "model": "builtin/echo",
        "max_concurrent_sessions": 1,
        "platforms": {"api_server": {"extra": {"model_routes": routes}}},
        "platform_toolsets": {"api_server": ["file", "memory", "skills", "todo"][:count]},
    }
    return ProfileFiles(f"You are {name.title()}.", config)


async def send(
    gateway: GatewayFixture,
    endpoint: AnyEndpoint,
    profile: str,
    parameters: Mapping[str, str],
    *,
    key: str | None = None,
    bare: bool = False,
) -> httpx.Response:
    """Send an endpoint's example.

    Args:
        gateway: Where.
        endpoint: Which.
        profile: To which profile.
        parameters: What goes into the path.
        key: The key; that of the profile if None, none if empty.
        bare: Whether the path names no profile.
    """
    example = example_of(endpoint)
    path = endpoint.path
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    shown = key_of(profile) if key is None else key
    headers = {**({"Authorization": f"Bearer {shown}"} if shown else {}), **example.headers}
    content = {} if example.body is None else {"json": example.body}
    async with gateway.client() as client:
        del client.headers["Authorization"]
        prefix = "" if bare else f"/p/{profile}"
        return await client.request(endpoint.method, f"{URL}{prefix}{path}", headers=headers, **content)


def anything(endpoint: AnyEndpoint) -> Mapping[str, str]:
    """Parameters for a path whose request does not get so far that they matter."""
    parts = endpoint.path.split("/")
    return {part[1:-1]: "nothing" for part in parts if part.startswith("{")}
