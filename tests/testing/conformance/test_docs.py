from __future__ import annotations

import ast
import re
from pathlib import Path

from hermes_trio.testing.conformance import conformance_checks
from hermes_trio.testing.loopback.rig import LoopbackRig

PAGE = (Path(__file__).resolve().parents[3] / "docs/adapters.md").read_text()


def test_the_page_has_a_line_for_every_check():
    expected = {(check.name.partition("[")[0], check.about) for check in conformance_checks(LoopbackRig())}
    assert set(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.partition("| Check |")[2], re.MULTILINE)) == expected


def test_the_examples_are_python():
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        ast.parse(example)
