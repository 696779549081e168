from pathlib import Path

import pytest

from hermes_trio.cli.demo import demo_home, describe_demo, quickstart_source, state_directory
from hermes_trio.cli.invocation import Invocation, Process
from hermes_trio.cli.terminal import Style
from hermes_trio.errors import HomeError


def test_the_example_is_found():
    assert (quickstart_source() / "profiles" / "coder" / "SOUL.md").is_file()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/u"}, "/state"),
        ({"HOME": "/home/u"}, "/home/u/.local/state"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/u"}, "/home/u/.local/state"),
    ],
)
def test_the_state_folder_follows_the_xdg_rules(environ, expected):
    assert state_directory(environ) == Path(expected)


def test_the_demo_home_is_a_private_copy(tmp_path):
    home = demo_home({"XDG_STATE_HOME": str(tmp_path)})
    assert home.root == tmp_path / "hermes-trio" / "demo"
    assert (home.root.stat().st_mode & 0o777, home.profile("coder").env.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_copy_that_is_there_is_left_alone(tmp_path):
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    demo_home(environ).profile("coder").soul.write_text("mine")
    assert demo_home(environ).profile("coder").soul.read_text() == "mine"


def test_a_state_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "hermes-trio").write_text("in the way")
    with pytest.raises(HomeError, match="XDG_STATE_HOME"):
        demo_home({"XDG_STATE_HOME": str(tmp_path)})


def test_what_to_try_has_the_real_address_and_the_keys_of_two_profiles(tmp_path):
    home = demo_home({"XDG_STATE_HOME": str(tmp_path)})
    invocation = Invocation(Process({}, ()), None, None)
    text = "\n".join(describe_demo(home, "http://127.0.0.1:9999", invocation, Style(color=False)))
    assert "curl -N http://127.0.0.1:9999/p/coder/v1/chat/completions" in text
    assert 'base_url="http://127.0.0.1:9999/p/poet/v1", api_key="demo-key-of-poet-not-a-secret"' in text
    assert "Bearer demo-key-of-coder-not-a-secret" in text
    assert f"hermes-trio chat -p coder --home {home.root}" in text
