import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.agent_config import ToolOutputConfig
from hermes_trio.tools.output import cap_reply, cap_text

NOTE = 64


def test_what_fits_is_left_alone():
    text = "\n".join("x" * 100 for _ in range(100))
    assert cap_text(text, ToolOutputConfig()) == text


def test_a_long_line_keeps_its_beginning():
    capped = cap_text("x" * 5000, ToolOutputConfig())
    assert capped.startswith("x" * 2000)
    assert "3000 characters left out" in capped


def test_a_short_text_of_too_many_lines_loses_its_middle():
    limits = ToolOutputConfig(max_bytes=200, max_lines=5, max_line_length=50)
    assert cap_text("a" + "\n" * 39 + "b", limits) == "a\n\n\n[... 35 lines left out ...]\n\nb"


def test_too_many_bytes_lose_their_middle():
    text = "begin\n" + "é" * 90_000 + "\nend"
    capped = cap_text(text, ToolOutputConfig(max_line_length=200_000))
    assert capped.startswith("begin\n")
    assert capped.endswith("\nend")
    assert "bytes left out" in capped


@pytest.mark.parametrize("wrap", [str, lambda text: {"content": text}, lambda text: {"lines": [text]}])
def test_of_a_huge_reply_only_what_may_be_shown_is_looked_at_for_secrets(wrap):
    lengths = []

    def redact(text):
        lengths.append(len(text))
        return text.replace("secret-value", "***")

    limits = ToolOutputConfig(max_bytes=1000)
    assert "ret-val" not in cap_reply(wrap("secret-value" * 100_000), limits, redact)
    assert max(lengths) < 5000


def test_a_capped_mapping_is_still_json():
    reply = {"content": "\n".join("line" for _ in range(5000)), "total": 5000}
    told = json.loads(cap_reply(reply, ToolOutputConfig(), str))
    assert told["total"] == 5000
    assert "3000 lines left out" in told["content"]


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]) | st.just("\n"), max_size=400),
    st.integers(20, 200),
    st.integers(2, 20),
    st.integers(5, 50),
)
def test_the_limits_hold_but_for_the_notes(text, size, lines, length):
    capped = cap_text(text, ToolOutputConfig(max_bytes=size, max_lines=lines, max_line_length=length))
    assert len(capped.encode()) <= size + NOTE
    assert len(capped.split("\n")) <= lines + 4
