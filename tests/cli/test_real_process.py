"""The commands against a real gateway that serves the quickstart example and a broken profile."""

import shutil

import pytest

from hermes_trio.cli.demo import quickstart_source
from tests.e2e.process import running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli") / "home"
    shutil.copytree(quickstart_source(), root)
    broken = root / "profiles" / "broken"
    broken.mkdir()
    (broken / "config.yaml").write_text("model: [oops\n")
    with running(root) as process:
        process.wait_for(lambda: "config_invalid" in process.log.read_text())
        yield process


def ask(gateway, profile, *arguments, stdin=""):
    return gateway.run("chat", "--home", str(gateway.root), "-p", profile, *arguments, stdin=stdin)


def test_the_banner_lists_every_profile_and_what_is_wrong_with_the_broken_one(gateway):
    gateway.wait_for(lambda: "address" in gateway.log.read_text())
    banner = gateway.log.read_text()
    assert f"http://127.0.0.1:{gateway.port}/p/<profile>/v1" in banner
    assert "  coder    running  builtin/echo" in banner
    assert "  broken   failed   config_invalid" in banner
    assert f"  broken: {gateway.root}/profiles/broken/config.yaml:" in banner


def test_status_shows_them_too(gateway):
    ran = gateway.run("status", "--home", str(gateway.root))
    rows = {
        line.split()[0]: line.split()[1:3] for line in ran.stdout.splitlines() if line.startswith(("broken ", "poet "))
    }
    assert (ran.returncode, rows) == (0, {"broken": ["failed", "config_invalid"], "poet": ["running", "-"]})


@pytest.mark.parametrize(("profile", "persona"), [("coder", "Coder"), ("poet", "Poet"), ("default", "Hermes")])
def test_every_profile_answers_as_itself(gateway, profile, persona):
    ran = ask(gateway, profile, "-q", "!persona")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{persona}\n", "")


def test_a_session_is_remembered(gateway):
    ask(gateway, "coder", "--session", "s1", "-q", "my name is Ada")
    assert "the first was: my name is Ada" in ask(gateway, "coder", "--session", "s1", "-q", "!history").stdout
    assert "0 messages" in ask(gateway, "poet", "--session", "s1", "-q", "!history").stdout


def test_the_broken_profile_says_that_it_is(gateway):
    ran = ask(gateway, "broken", "-q", "hi")
    assert ran.returncode == 78
    assert "[config_invalid]" in ran.stderr


def test_a_failing_model_is_told_honestly(gateway):
    ran = ask(gateway, "coder", "-q", "!fail 401")
    assert ran.returncode == 1
    assert "[model_unauthorized]" in ran.stderr


def test_a_second_gateway_is_refused(gateway):
    ran = gateway.run("run", "--home", str(gateway.root), "--port", "0")
    assert ran.returncode == 1
    assert "[gateway_already_running]" in ran.stderr
    assert str(gateway.child.pid) in ran.stderr


def test_a_port_that_is_taken_is_explained(gateway, tmp_path):
    shutil.copytree(quickstart_source(), tmp_path / "home")
    ran = gateway.run("run", "--home", str(tmp_path / "home"), "--port", str(gateway.port))
    assert ran.returncode == 1
    assert "[address_unavailable]" in ran.stderr
    assert "--port" in ran.stderr
