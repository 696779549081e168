"""Writes small Hermes homes for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.paths import HomePaths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProfileFiles:
    """The files of one profile.

    Attributes:
        soul: Text of ``SOUL.md``.
        config: Content of ``config.yaml``; text is written as it is, for files that are broken on purpose.
        env: Content of ``.env``; `test_key` is added unless ``API_SERVER_KEY`` is in it; empty
            values are left out.
    """

    soul: str = ""
    config: Mapping[str, object] | str = field(default_factory=lambda: {"model": "builtin/echo"})
    env: Mapping[str, str] = field(default_factory=dict)


def telegram_files(
    soul: str,
    base_url: str,
    token: str,
    *,
    config: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
) -> ProfileFiles:
    """The files of a profile with a Telegram bot that talks to everybody.

    Args:
        soul: Its persona.
        base_url: ``FakeTelegram.base_url``.
        token: The bot's token.
        config: Further settings; they replace those of the same name at the top level.
        env: Further variables; an empty value takes one away.
    """
    address = base_url.removesuffix("/bot")
    extra = {"base_url": base_url, "base_file_url": f"{address}/file/bot"}
    settings = {"model": "builtin/echo", "platforms": {"telegram": {"extra": extra}}, **(config or {})}
    variables = {"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_ALLOW_ALL_USERS": "true", **(env or {})}
    return ProfileFiles(soul=soul, config=settings, env=variables)


def test_key(name: str) -> str:
    """The API key that `write_home` gives a profile."""
    return f"test-key-of-{name}-0123456789"


test_key.__test__ = False  # type: ignore[attr-defined]  # pytest collects by name


def write_home(root: Path, profiles: Mapping[str, ProfileFiles | str]) -> HomePaths:
    """Write a home with these profiles; a plain text is a persona on ``builtin/echo``.

    The default profile is written too, with a persona of its own, unless it is among them.
    """
    home = HomePaths(root)
    for name, files in {DEFAULT_PROFILE: "You are Hermes.", **profiles}.items():
        write_profile(home, name, files if isinstance(files, ProfileFiles) else ProfileFiles(soul=files))
    return home


def write_profile(home: HomePaths, name: str, files: ProfileFiles) -> None:
    """Write, or write again, the files of one profile."""
    paths = home.profile(name)
    paths.root.mkdir(parents=True, exist_ok=True)
    text = files.config if isinstance(files.config, str) else yaml.safe_dump(dict(files.config))
    paths.config.write_text(text)
    values = {"API_SERVER_KEY": test_key(name), **files.env}
    paths.env.write_text("".join(f"{key}={value}\n" for key, value in values.items() if value))
    paths.env.chmod(0o600)
    paths.soul.write_text(files.soul)
