"""Runs the black-box gateway benchmark against this checkout.

    python -m tests.bench.black_box PATH_TO_BENCHMARK --work DIR [options of its run_bench.py]

The benchmark drives a real process over HTTP and Telegram's Bot API beside fakes of both; see its own README.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Hand over to the benchmark's own command line, with this checkout as the target."""
    folder = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(folder))
    repository = Path(__file__).resolve().parents[2]
    command = f"{sys.executable} {repository / 'tests' / 'bench' / 'run_gateway.py'} run --home {{home}}"
    sys.argv = ["run_bench.py", "--target", "hermes-trio", "--cmd", command, *sys.argv[2:]]
    runpy.run_path(str(folder / "run_bench.py"), run_name="__main__")


if __name__ == "__main__":
    main()
