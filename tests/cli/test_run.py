"""What `run` hands to the gateway, what it prints, how it ends. The gateway itself is replaced."""

from types import SimpleNamespace

import pytest
import trio

from hermes_trio.cli import serve
from hermes_trio.cli.banner import announce, client_url
from hermes_trio.cli.run import choose_profiles
from hermes_trio.cli.terminal import Style
from hermes_trio.errors import GatewayBusy, HomeError
from tests.cli.fake_gateway import gateway_report, profile_report


@pytest.fixture
def gateway(monkeypatch):
    """Stands in for the gateway: notes the options, is ready at once, stops with a code of the test's choice."""
    stub = SimpleNamespace(
        options=None,
        code=0,
        report=gateway_report(profile_report("default")),
        error=None,
        settles=True,
    )

    async def settled():
        if not stub.settles:
            await trio.sleep_forever()

    async def serve_gateway(options, *, on_ready):
        stub.options = options
        if stub.error is not None:
            raise stub.error
        on_ready(SimpleNamespace(settled=settled, status=lambda: stub.report))
        await trio.testing.wait_all_tasks_blocked()
        return stub.code

    monkeypatch.setattr(serve, "serve_gateway", serve_gateway)
    monkeypatch.setattr(serve, "GREET_WITHIN_SECONDS", 0.01)
    return stub


def test_the_options_reach_the_gateway(command, gateway, tmp_path):
    arguments = ["--profiles", "a,b", "--host", "::1", "--port", "0", "--drain", "2.5", "--log-level", "DEBUG"]
    assert command("run", "--home", tmp_path, *arguments, SECRET="x").code == 0
    options = gateway.options
    assert (options.home.root, options.wanted) == (tmp_path, ("a", "b"))
    assert (options.host, options.port, options.drain_seconds, options.log_level) == ("::1", 0, 2.5, "DEBUG")
    assert options.environ["SECRET"] == "x"
    assert options.argv[:2] == ("hermes-trio", "run")
    assert options.color is False


def test_one_profile(command, gateway, tmp_path):
    command("run", "-p", "coder", "--home", tmp_path)
    assert gateway.options.wanted == ("coder",)


def test_everything_by_default(command, gateway, tmp_path):
    command("run", HERMES_HOME=str(tmp_path))
    options = gateway.options
    assert (options.home.root, options.wanted, options.host, options.port) == (tmp_path, None, None, None)


@pytest.mark.parametrize("code", [0, 75])
def test_the_exit_code_is_the_gateways(command, gateway, tmp_path, code):
    gateway.code = code
    assert command("run", "--home", tmp_path).code == code


@pytest.mark.parametrize(("error", "code"), [(GatewayBusy("held"), 1), (HomeError("missing"), 78)])
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_at_the_start_is_explained(command, gateway, tmp_path, error, code, wrapped):
    gateway.error = ExceptionGroup("group", [ExceptionGroup("inner", [error])]) if wrapped else error
    ran = command("run", "--home", tmp_path)
    assert ran.code == code
    assert ran.err.startswith(f"error: {error.problem} [{error.code}]")


def test_a_defect_is_not_hidden(command, gateway, tmp_path):
    gateway.error = ExceptionGroup("several", [ValueError("a"), KeyError("b")])
    with pytest.raises(ExceptionGroup):
        command("run", "--home", tmp_path)


def test_the_banner_is_printed_once_the_gateway_is_ready(command, gateway, tmp_path):
    assert "address  http://127.0.0.1:8642/p/<profile>/v1" in command("run", "--home", tmp_path).out


@pytest.mark.slow
def test_the_banner_does_not_wait_for_ever_for_a_slow_profile(command, gateway, tmp_path, monkeypatch):
    gateway.settles = False

    async def a_moment():
        await trio.sleep(0.05)

    monkeypatch.setattr(trio.testing, "wait_all_tasks_blocked", a_moment)
    assert "default" in command("run", "--home", tmp_path).out


def test_the_banner_shows_each_profile_and_the_trouble_in_full():
    report = gateway_report(
        profile_report("default"),
        profile_report(
            "broken", state="failed", reason="config_invalid", detail="profile 'broken': config.yaml:3: bad", model=""
        ),
        profile_report("slow", state="starting", model=""),
    )
    assert announce(report, Style(color=False)) == [
        "hermes-trio 9.9.9",
        "  home     /home/u/.hermes",
        "  address  http://127.0.0.1:8642/p/<profile>/v1",
        "",
        "  default  running   builtin/echo",
        "  broken   failed    config_invalid",
        "  slow     starting",
        "  broken: config.yaml:3: bad",
        "",
    ]


@pytest.mark.parametrize(
    ("listening", "client"),
    [
        ("http://0.0.0.0:8642", "http://127.0.0.1:8642"),
        ("http://[::]:8642", "http://[::1]:8642"),
        ("http://192.168.1.2:80", "http://192.168.1.2:80"),
    ],
)
def test_clients_are_given_an_address_they_can_connect_to(listening, client):
    assert client_url(listening) == client


def test_the_demo_is_served_and_says_what_to_try(command, gateway, tmp_path):
    ran = command("run", "--demo")
    assert gateway.options.home.root == tmp_path / ".local/state/hermes-trio/demo"
    assert "curl -N http://127.0.0.1:8642/p/coder" in ran.out


def test_the_demo_brings_its_own_home(command, gateway, tmp_path):
    ran = command("run", "--demo", "--home", tmp_path)
    assert (ran.code, gateway.options) == (2, None)


@pytest.mark.parametrize(
    ("listed", "single", "chosen"),
    [(None, None, None), (None, "a", ("a",)), ("b, a,,b", None, ("b", "a"))],
)
def test_profiles_are_chosen_by_either_option(listed, single, chosen):
    assert choose_profiles(listed, single) == chosen


@pytest.mark.parametrize("arguments", [("--profiles", "a", "-p", "b"), ("--profiles", " , ")])
def test_choices_that_make_no_sense_are_wrong_usage(command, gateway, arguments):
    assert command("run", *arguments).code == 2
    assert gateway.options is None
