"""GitHub's own example payloads, signed by GitHub's own library."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.npm import install

FOLDER = Path(__file__).parent
PACKAGE = "@octokit/webhooks-examples"


@dataclass(frozen=True)
class Example:
    """One payload.

    Attributes:
        event: The event.
        body: The bytes that are sent.
        signature: ``X-Hub-Signature-256``.
    """

    event: str
    body: bytes
    signature: str


def load_examples(secret: str) -> list[Example]:
    """All payloads, signed with a secret; installs the packages from the lock file, once."""
    install(FOLDER, PACKAGE)
    node = shutil.which("node")
    assert node is not None, "these tests need node and npm"
    command = [node, str(FOLDER / "sign.mjs"), secret]
    lines = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.splitlines()
    return [Example(one["name"], one["body"].encode(), one["signature"]) for one in map(json.loads, lines)]
