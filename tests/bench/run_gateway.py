"""``hermes-trio`` from this checkout, wherever it is started."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hermes_trio.cli.main import main

if __name__ == "__main__":
    main()
