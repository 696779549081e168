"""Each mistake that `check` knows, made on purpose in an otherwise good home."""

import json
import socket
import sqlite3
import subprocess

import pytest

from hermes_trio.cli.checks.analysis import analyse_home
from hermes_trio.home.process_record import current_process_record
from hermes_trio.testing.home import ProfileFiles, write_home

ECHO = {"model": "builtin/echo"}
KEY_OPENS = "API_SERVER_KEY in this profile's .env"
ROUTES_MOVE = "each with `profile: a`"


@pytest.fixture(autouse=True)
def free_port(monkeypatch):
    """The usual port may be in use on the machine that runs the tests."""
    monkeypatch.setattr("hermes_trio.cli.checks.listening.bind_problem", lambda *_: None)


@pytest.fixture
def found(tmp_path):
    """Check a home with these profiles and give its findings as (level, profile, code)."""

    def check(profiles, prepare=None, environ=None):
        home = write_home(tmp_path / "home", profiles)
        if prepare is not None:
            prepare(home)
        report = analyse_home(home, environ or {})
        return [(str(one.level), one.profile, one.code) for one in report.findings]

    return check


def test_a_good_home_has_no_findings(found):
    assert found({"coder": "You are Coder."}) == []


def test_the_three_kinds_of_bad_api_keys(found):
    keys = {"none": "", "short": "tiny", "lazy": "changeme-changeme-changeme"}
    profiles = {name: ProfileFiles(env={"API_SERVER_KEY": key}) for name, key in keys.items()}
    assert found(profiles) == [
        ("error", "lazy", "key_placeholder"),
        ("warning", "none", "key_missing"),
        ("error", "short", "key_too_short"),
    ]


@pytest.mark.parametrize("key", ["", "tiny", "changeme-changeme-changeme"])
def test_the_mend_for_a_bad_api_key_mends_it(tmp_path, key):
    home = write_home(tmp_path / "my home", {"a": ProfileFiles(env={"API_SERVER_KEY": key})})
    home.profile("a").env.write_text(f"API_SERVER_KEY={key}")
    [finding] = analyse_home(home, {}).findings
    subprocess.run(["sh", "-c", finding.mend], check=True)
    assert analyse_home(home, {}).findings == []


def test_no_key_is_fine_where_the_api_is_switched_off(found):
    config = {**ECHO, "platforms": {"api_server": {"enabled": False}}}
    assert found({"quiet": ProfileFiles(config=config, env={"API_SERVER_KEY": ""})}) == []


def test_an_api_key_shared_by_two_profiles(found):
    same = ProfileFiles(env={"API_SERVER_KEY": "one-and-the-same-key"})
    assert found({"a": same, "b": same}) == [("error", "a", "duplicate_api_key"), ("error", "b", "duplicate_api_key")]


@pytest.mark.parametrize(
    "env",
    [
        {"TELEGRAM_BOT_TOKEN": "123:abc"},
        {"SLACK_APP_TOKEN": "xapp-1"},
        {"IRC_SERVER": "irc.example.org", "IRC_NICKNAME": "hermes"},
        {"EMAIL_ADDRESS": "bot@example.org"},
    ],
)
def test_an_account_that_two_profiles_would_use_at_once(found, env):
    assert found({"a": ProfileFiles(env=env), "b": ProfileFiles(env=env)}) == [
        ("error", "a", "duplicate_credential"),
        ("error", "b", "duplicate_credential"),
    ]


def test_a_token_in_the_settings_is_compared_with_one_in_the_secrets(found):
    in_config = ProfileFiles(config={**ECHO, "platforms": {"telegram": {"token": "123:abc"}}})
    in_env = ProfileFiles(env={"TELEGRAM_BOT_TOKEN": "123:abc"})
    assert [code for *_, code in found({"a": in_config, "b": in_env})] == ["duplicate_credential"] * 2


def test_the_same_nick_on_two_networks_is_two_accounts(found):
    a = ProfileFiles(env={"IRC_SERVER": "irc.one.example", "IRC_NICKNAME": "hermes"})
    b = ProfileFiles(env={"IRC_SERVER": "irc.two.example", "IRC_NICKNAME": "hermes"})
    assert found({"a": a, "b": b}) == []


def test_placeholder_tokens_are_no_accounts(found):
    same = ProfileFiles(env={"DISCORD_BOT_TOKEN": "xxx"})
    assert found({"a": same, "b": same}) == [("warning", "a", "value_ignored"), ("warning", "b", "value_ignored")]


def test_a_parked_profile_is_told_and_its_account_is_free(found):
    env = ProfileFiles(env={"TELEGRAM_BOT_TOKEN": "a-real-token"})
    codes = found({"a": env, "b": env}, lambda home: home.profile("b").parked_marker.touch())
    assert codes == [("info", "b", "profile_parked")]


def test_a_standalone_profile_is_told(found):
    config = {**ECHO, "gateway": {"standalone": True}}
    assert found({"alone": ProfileFiles(config=config)}) == [("info", "alone", "profile_standalone")]


def test_broken_yaml_is_an_error_of_its_profile_alone(found):
    assert found({"bad": ProfileFiles(config="model: [oops"), "good": "G"}) == [("error", "bad", "config_invalid")]


def test_a_value_of_the_wrong_kind(found):
    config = {**ECHO, "agent": {"max_turns": "many"}}
    assert found({"bad": ProfileFiles(config=config)}) == [("error", "bad", "config_invalid")]


def test_an_unknown_key_with_what_was_meant(tmp_path):
    home = write_home(tmp_path, {"a": ProfileFiles(config="model: builtin/echo\nagnet:\n  max_turns: 3\n")})
    [finding] = analyse_home(home, {}).findings
    assert (finding.level, finding.code, finding.where) == ("warning", "unknown_key", f"{home.profile('a').config}:2")
    assert finding.mend == "did you mean agent?"


def test_a_variable_that_is_not_set(found):
    config = {"model": {"default": "m", "base_url": "http://127.0.0.1:1/v1", "api_key": "${NOT_SET}"}}
    assert ("warning", "a", "unset_variable") in found({"a": ProfileFiles(config=config)})


def test_an_unknown_provider(found):
    config = {"model": {"default": "m", "provider": "opnrouter"}}
    assert found({"a": ProfileFiles(config=config)}) == [("error", "a", "provider_unknown")]


def test_a_provider_without_a_key(found):
    config = {"model": {"default": "m", "provider": "openrouter"}}
    assert found({"a": ProfileFiles(config=config)}) == [("error", "a", "model_not_configured")]


def test_a_fallback_that_cannot_be_used_is_a_warning(found):
    config = {**ECHO, "fallback_providers": [{"provider": "openrouter", "model": "m"}]}
    assert found({"a": ProfileFiles(config=config)}) == [("warning", "a", "model_not_configured")]


def test_the_process_environment_mends_the_default_profile_only(found):
    files = ProfileFiles(config={"model": {"default": "m", "provider": "openrouter"}})
    findings = found({"default": files, "a": files}, environ={"OPENROUTER_API_KEY": "sk-or-1"})
    assert findings == [("error", "a", "model_not_configured")]


def test_secrets_that_others_may_read(found):
    findings = found({"a": "A"}, lambda home: home.profile("a").env.chmod(0o644))
    assert findings == [("warning", "a", "secrets_not_private")]


def test_a_file_that_is_no_database(found):
    findings = found({"a": "A"}, lambda home: home.profile("a").state_db.write_bytes(b"not a database" * 100))
    assert findings == [("error", "a", "store_corrupt")]


def test_checking_a_database_leaves_no_files_behind(found, tmp_path):
    def make(home):
        connection = sqlite3.connect(home.profile("a").state_db)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.close()

    assert found({"a": "A"}, make) == []
    assert not list((tmp_path / "home/profiles/a").glob("state.db-*"))


@pytest.mark.parametrize(
    "files",
    [
        ProfileFiles(config={**ECHO, "platforms": {"api_server": {"port": 9000}}}),
        ProfileFiles(config={**ECHO, "gateway": {"platforms": {"webhook": {"extra": {"port": 9000}}}}}),
        ProfileFiles(env={"API_SERVER_PORT": "9000"}),
    ],
)
def test_an_address_that_only_the_default_profile_may_set(found, files):
    assert found({"a": files}) == [("warning", "a", "listener_ignored")]


@pytest.mark.parametrize(
    ("files", "place", "mend"),
    [
        (
            ProfileFiles(config={**ECHO, "platforms": {"api_server": {"enabled": True}}}),
            "platforms.api_server",
            KEY_OPENS,
        ),
        (ProfileFiles(config={**ECHO, "api_server": {"enabled": "yes"}}), " api_server", KEY_OPENS),
        (ProfileFiles(env={"API_SERVER_ENABLED": "true"}), "API_SERVER_ENABLED", KEY_OPENS),
        (ProfileFiles(config={**ECHO, "platforms": {"webhook": {"enabled": True}}}), "platforms.webhook", ROUTES_MOVE),
        (
            ProfileFiles(config={**ECHO, "platforms": {"webhook": {"extra": {"routes": {"github": {}}}}}}),
            "",
            ROUTES_MOVE,
        ),
        (ProfileFiles(env={"WEBHOOK_ENABLED": "1"}), "WEBHOOK_ENABLED", ROUTES_MOVE),
    ],
)
def test_what_listens_needs_not_be_switched_on_in_a_named_profile(tmp_path, files, place, mend):
    [finding] = analyse_home(write_home(tmp_path, {"a": files}), {}).findings
    assert (finding.level, finding.profile, finding.code) == ("warning", "a", "listener_shared")
    assert finding.where.endswith(place)
    assert mend in finding.mend


@pytest.mark.parametrize("platform", ["sms", "line", "feishu", "bluebubbles", "whatsapp_cloud", "msgraph_webhook"])
def test_an_adapter_of_a_named_profile_has_no_port_of_its_own(found, platform):
    config = {**ECHO, "platforms": {platform: {"enabled": False, "extra": {"webhook_port": 9000}}}}
    assert found({"a": ProfileFiles(config=config)}) == [("warning", "a", "listener_ignored")]


def test_a_named_profile_may_switch_its_api_off(found):
    assert found({"a": ProfileFiles(config={**ECHO, "platforms": {"api_server": {"enabled": False}}})}) == []


def test_the_default_profile_may_set_the_address(found):
    assert found({"default": ProfileFiles(config={**ECHO, "platforms": {"api_server": {"port": 9000}}})}) == []


def test_a_folder_whose_name_is_no_profile_name(found):
    findings = found({}, lambda home: (home.profiles / "My Agent").mkdir(parents=True))
    assert findings == [("warning", None, "profile_name_invalid")]


def test_an_allowlist_that_names_nobody(found):
    config = {**ECHO, "gateway": {"multiplex_profile_allowlist": ["coder", "codr"]}}
    assert found({"default": ProfileFiles(config=config), "coder": "C"}) == [("warning", "default", "unknown_profile")]


def test_no_finding_shows_a_secret(tmp_path):
    secret = "s3cret-token-that-nobody-may-see"
    files = ProfileFiles(env={"TELEGRAM_BOT_TOKEN": secret, "API_SERVER_KEY": secret})
    report = analyse_home(write_home(tmp_path, {"a": files, "b": files}), {})
    assert len(report.findings) == 4
    assert secret not in repr(report)


class TestPort:
    """The address of the listener."""

    @pytest.fixture(autouse=True)
    def free_port(self):
        """Really try it."""

    def check(self, tmp_path, host, port):
        config = {**ECHO, "platforms": {"api_server": {"host": host, "port": port}}}
        return analyse_home(write_home(tmp_path, {"default": ProfileFiles(config=config)}), {}).findings

    def test_a_port_that_is_taken(self, tmp_path):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            [finding] = self.check(tmp_path, "127.0.0.1", other.getsockname()[1])
        assert (finding.level, finding.code) == ("error", "address_unavailable")
        assert "another program" in finding.message

    def test_the_port_of_the_running_gateway_is_not_tried(self, tmp_path, monkeypatch):
        record = current_process_record(("hermes-trio", "run"))
        monkeypatch.setattr("hermes_trio.cli.checks.listening.read_live_gateway", lambda _: record)
        [finding] = self.check(tmp_path, "192.0.2.1", 8642)
        assert (finding.level, finding.code) == ("info", "gateway_running")

    def test_an_address_of_another_machine(self, tmp_path):
        [finding] = self.check(tmp_path, "192.0.2.1", 8642)
        assert finding.code == "address_unavailable"

    def test_any_free_port(self, tmp_path):
        assert self.check(tmp_path, "127.0.0.1", 0) == []


class TestCommand:
    """What the user sees of it."""

    @pytest.fixture
    def home(self, tmp_path):
        return write_home(
            tmp_path / "home", {"a": ProfileFiles(config="model: [oops"), "b": ProfileFiles(config="aget: 1")}
        )

    def test_errors_exit_with_2_and_are_grouped_by_profile(self, command, home):
        ran = command("check", "--home", home.root)
        assert ran.code == 2
        lines = ran.out.splitlines()
        assert lines.index("a") < lines.index("b")
        assert lines[-1] == f"3 profiles in {home.root}: 2 errors, 1 warning"

    def test_one_profile_alone(self, command, home):
        ran = command("check", "--home", home.root, "-p", "default")
        assert (ran.code, ran.out) == (0, f"3 profiles in {home.root}: no errors, no warnings\n")

    def test_json(self, command, home):
        ran = command("check", "--json", "--home", home.root)
        report = json.loads(ran.out)
        assert (ran.code, report["errors"], report["profiles"]) == (2, 2, ["default", "a", "b"])
        assert {"level", "code", "profile", "where", "message", "mend"} == set(report["findings"][0])

    def test_a_missing_home_is_a_configuration_problem(self, command, tmp_path):
        ran = command("check", "--home", tmp_path / "missing")
        assert ran.code == 78
        assert "home_missing" in ran.err
