"""Fixtures of the end-to-end tests; all of them run real processes, so all of them are slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermes_trio.testing.home import ProfileFiles, write_home
from tests.e2e.process import GatewayProcess, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is slow."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with two good profiles and one whose settings are broken."""
    root: Path = tmp_path_factory.mktemp("e2e") / "home"
    write_home(
        root,
        {
            "ada": "You are Ada.",
            "bob": "You are Bob.",
            "broken": ProfileFiles(config="model: [unclosed"),
        },
    )
    with running(root) as process:
        yield process.ready("default", "ada", "bob")
