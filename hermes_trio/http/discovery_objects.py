"""What the discovery endpoints give."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class ModelObject(msgspec.Struct, frozen=True):
    """What a client may name as its model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    permission: list[Any]
    root: str
    parent: None


class ModelList(msgspec.Struct, frozen=True):
    """The profile as a model, its aliases of other models, and for the operator the profiles that may be chosen."""

    object: Literal["list"]
    data: list[ModelObject]


class AuthCapability(msgspec.Struct, frozen=True):
    """How to show the key."""

    type: Literal["bearer"]
    required: bool


class RuntimeCapability(msgspec.Struct, frozen=True):
    """Who works where.

    Attributes:
        mode: The agent runs here.
        tool_execution: So do its tools: a client sends none and gets no calls.
        split_runtime: Nothing of it runs elsewhere.
    """

    mode: Literal["server_agent"]
    tool_execution: Literal["server"]
    split_runtime: bool


class EndpointCapability(msgspec.Struct, frozen=True):
    """Where an endpoint is, below the profile's prefix."""

    method: str
    path: str


class Capabilities(msgspec.Struct, frozen=True):
    """What the API of this profile can do.

    Attributes:
        object: What this is.
        platform: The program that it is compatible with.
        version: Version of this gateway.
        model: The name under which clients see the profile.
        auth: How to show the key.
        runtime: Who works where.
        features: By name, whether it is there: a name for each endpoint, and with `_streaming` behind it where it
            streams; `cors`; and the names of headers.
        endpoints: By name, all that is served.
    """

    object: Literal["hermes.api_server.capabilities"]
    platform: str
    version: str
    model: str
    auth: AuthCapability
    runtime: RuntimeCapability
    features: dict[str, bool | str]
    endpoints: dict[str, EndpointCapability]


class SkillObject(msgspec.Struct, frozen=True):
    """A skill.

    Attributes:
        name: What the agent calls it by.
        description: What it is for.
        category: Folders that it lies in; empty for none.
        tags: Catchwords.
    """

    name: str
    description: str
    category: str
    tags: list[str]


class SkillList(msgspec.Struct, frozen=True):
    """The skills of the profile that are switched on for this platform."""

    object: Literal["list"]
    data: list[SkillObject]


class ToolsetObject(msgspec.Struct, frozen=True):
    """A group of tools.

    Attributes:
        name: What settings call it by.
        label: What people call it.
        description: What it is for.
        enabled: Whether the settings switch it on for this platform.
        configured: Whether what it needs is there.
        tools: Names of its tools.
    """

    name: str
    label: str
    description: str
    enabled: bool
    configured: bool
    tools: list[str]


class ToolsetList(msgspec.Struct, frozen=True):
    """The groups of tools of the profile."""

    object: Literal["list"]
    platform: str
    data: list[ToolsetObject]
