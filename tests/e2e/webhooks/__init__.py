"""GitHub's own example payloads, signed by GitHub's own library."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.npm import install_package

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
    node = install_package(FOLDER, PACKAGE)
    command = [node, str(FOLDER / "sign.mjs"), secret]
    lines = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.splitlines()
    return [Example(one["name"], one["body"].encode(), one["signature"]) for one in map(json.loads, lines)]
