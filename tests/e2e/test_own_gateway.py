"""Starting a gateway for a profile that the running one serves, with real processes."""

import json

import pytest

from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.home import write_home
from tests.e2e.process import GatewayProcess, running


@pytest.fixture
def root(tmp_path):
    write_home(tmp_path / "home", {"coder": "You are Coder."})
    return tmp_path / "home"


@pytest.fixture
def gateway(root):
    with running(root) as process:
        process.ready("default", "coder")
        process.wait_for(lambda: "coder" in served(root))
        yield process


def served(root):
    try:
        return json.loads((root / "gateway_state.json").read_text())["served_profiles"]
    except FileNotFoundError:
        return []


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [(".", ("-p", "coder")), (".", ("--profiles", "coder")), ("profiles/coder", ())],
    ids=["-p", "--profiles", "home"],
)
def test_a_served_profile_is_refused_with_78(gateway, root, folder, arguments):
    ran = gateway.run("run", "--home", str(root / folder), "--port", "0", *arguments)
    assert ran.returncode == 78
    assert "[profile_already_served]" in ran.stderr
    assert "coder" in ran.stderr
    assert f"pid {gateway.child.pid}" in ran.stderr
    assert str(root) in ran.stderr


@pytest.mark.parametrize("arguments", [(), ("--force",), ("--profiles", "default,coder", "--force")])
def test_a_second_gateway_of_the_home_is_refused_with_1(gateway, root, arguments):
    ran = gateway.run("run", "--home", str(root), "--port", "0", *arguments)
    assert ran.returncode == 1
    assert "[gateway_already_running]" in ran.stderr


def test_a_forced_one_runs_beside_it_with_files_of_its_own(gateway, root):
    before = (root / "gateway.pid").read_text()
    own = HomePaths(root / "profiles" / "coder")
    forced = GatewayProcess(root, "-p", "coder", "--force")
    forced.log = root.parent / "forced.out"
    try:
        forced.start().ready("coder")
        assert json.loads(own.gateway_pid.read_text())["pid"] == forced.child.pid
        forced.wait_for(lambda: served(own.root) == ["coder"])
        again = gateway.run("run", "--home", str(root), "--port", "0", "-p", "coder", "--force")
        assert again.returncode == 1
        assert forced.stop() == 0
    finally:
        forced.close()
    assert (root / "gateway.pid").read_text() == before
    assert gateway.get("/health")[0] == 200
