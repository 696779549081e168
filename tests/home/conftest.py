from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from hermes_trio.home.paths import HomePaths
from hermes_trio.home.settings import ProfileSettings, load_profile_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> HomePaths:
    root = tmp_path / "hermes"
    root.mkdir()
    return HomePaths(root)


Load = Callable[..., ProfileSettings]


@pytest.fixture
def load(home: HomePaths) -> Load:
    """Write a profile's files and load them."""

    def write_and_load(
        config: str = "", env: str = "", *, name: str = "coder", environ: Mapping[str, str] | None = None
    ) -> ProfileSettings:
        paths = home.profile(name)
        paths.root.mkdir(parents=True, exist_ok=True)
        paths.config.write_text(config)
        paths.env.write_text(env)
        return load_profile_settings(home, name, environ or {})

    return write_and_load
