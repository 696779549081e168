"""Fixtures of the store's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.store.hermes_agent_home import write_hermes_agent_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home hermes-agent has left behind."""
    root = tmp_path / "home"
    write_hermes_agent_home(root)
    return root
