"""The demo: a home of three profiles on the built-in model, copied to where the user may play with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_trio.errors import HomeError
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.secrets import load_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.cli.invocation import Invocation
    from hermes_trio.cli.terminal import Style

DEMO_PROFILES = ("coder", "poet")
"""The two profiles that the demo invites to talk to, next to default."""


def quickstart_source() -> Path:
    """The example home: inside the installed package, or in the source tree."""
    packaged = Path(__file__).parent / "quickstart"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "config_examples" / "quickstart"


def state_directory(environ: Mapping[str, str]) -> Path:
    """The user's folder for state that is not configuration (XDG base directory specification)."""
    base = environ.get("XDG_STATE_HOME", "")
    return Path(base) if base.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".local" / "state"


def demo_home(environ: Mapping[str, str]) -> HomePaths:
    """The demo's home, made from the example at first use; a copy that is there already is left as it is.

    Raises:
        HomeError: It cannot be made.
    """
    target = state_directory(environ) / "hermes-trio" / "demo"
    try:
        if not target.exists():
            _copy(quickstart_source(), target)
    except OSError as exc:
        raise HomeError(
            "the demo's home cannot be made",
            where=str(target),
            found=str(exc),
            mend="set XDG_STATE_HOME to a folder that you may write to",
        ) from exc
    return HomePaths(target)


def describe_demo(home: HomePaths, url: str, invocation: Invocation, style: Style) -> list[str]:
    """What to try next: a curl for one profile, an SDK snippet for another, the other commands."""
    chat, status = (invocation.suggest(command, home.root) for command in (f"chat -p {DEMO_PROFILES[0]}", "status"))
    first, second = DEMO_PROFILES
    return [
        style.paint("Try it from another terminal:", bold=True),
        "",
        f"  curl -N {url}/p/{first}/v1/chat/completions \\",
        f'    -H "Authorization: Bearer {_key(home, first)}" -H "Content-Type: application/json" \\',
        """    -d '{"stream": true, "messages": [{"role": "user", "content": "Hello! Who are you?"}]}'""",
        "",
        style.paint("or in Python, after `pip install openai`:", bold=True),
        "",
        "  from openai import OpenAI",
        f'  client = OpenAI(base_url="{url}/p/{second}/v1", api_key="{_key(home, second)}")',
        '  question = [{"role": "user", "content": "Hello! Who are you?"}]',
        f'  for chunk in client.chat.completions.create(model="{second}", messages=question, stream=True):',
        '      print(chunk.choices[0].delta.content or "", end="", flush=True)',
        "",
        style.paint("or with hermes-trio itself:", bold=True),
        "",
        f"  {chat}",
        f"  {status}",
        "",
        f"The home is yours to play with: {home.root}. Ctrl-C stops the gateway.",
        "",
    ]


def _key(home: HomePaths, profile: str) -> str:
    return load_secrets(home.profile(profile), profile, {}).get("API_SERVER_KEY") or "<API_SERVER_KEY>"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f"{target.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    shutil.copytree(source, staging, ignore=shutil.ignore_patterns("README.md", "*.db*", "logs", "gateway*"))
    staging.chmod(0o700)
    for env in staging.rglob(".env"):
        env.chmod(0o600)
    staging.rename(target)
