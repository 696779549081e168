from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hermes_trio.errors import CredentialBusy, HomeError
from hermes_trio.home import file_lock
from hermes_trio.home.credential_lock import credential_lock_directory, credential_lock_path, hold_credential_lock
from hermes_trio.home.process_record import ProcessRecord, is_locked
from tests.home.processes import GATEWAY, FakeProcesses, running

US = ProcessRecord(100, ("hermes-trio", "run"), 5)
THEIRS = ProcessRecord(20275, GATEWAY, 230300)
TOKEN = "12345:hunter2-canary"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "_PAUSE_SECONDS", 0)


def hold(directory: Path, processes: FakeProcesses, identity: str = TOKEN, scope: str = "telegram-bot-token"):
    return hold_credential_lock(directory, scope, identity, US, {"profile": "coder"}, now=NOW, processes=processes)


def left_by(directory: Path, record: ProcessRecord) -> Path:
    path = credential_lock_path(directory, "telegram-bot-token", TOKEN)
    path.write_text(json.dumps({**record.to_json(), "scope": "telegram-bot-token"}))
    return path


def test_the_file_is_named_and_filled_as_hermes_does(tmp_path: Path) -> None:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()[:16]
    with hold(tmp_path, running()):
        assert json.loads((tmp_path / f"telegram-bot-token-{digest}.lock").read_text()) == {
            **US.to_json(),
            "scope": "telegram-bot-token",
            "identity_hash": digest,
            "metadata": {"profile": "coder"},
            "updated_at": "2026-01-02T03:04:05+00:00",
        }


def test_the_credential_itself_is_nowhere(tmp_path: Path) -> None:
    with hold(tmp_path, running()):
        (path,) = tmp_path.iterdir()
        assert "hunter2" not in path.name + path.read_text()


def test_the_folder_is_made_for_its_owner_only_and_the_file_removed_afterwards(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "locks"
    with hold(directory, running()):
        assert directory.stat().st_mode & 0o777 == 0o700
    assert list(directory.iterdir()) == []


def test_a_live_gateway_of_hermes_keeps_its_credential(tmp_path: Path) -> None:
    path = left_by(tmp_path, THEIRS)
    before = path.read_text()
    with pytest.raises(CredentialBusy) as caught:
        hold(tmp_path, running(THEIRS)).__enter__()
    assert caught.value.found == "pid 20275: /usr/bin/hermes gateway run"
    assert "hunter2" not in str(caught.value)
    assert path.read_text() == before
    assert not is_locked(path)


def test_two_profiles_of_this_process_cannot_share_a_credential(tmp_path: Path) -> None:
    with hold(tmp_path, running(US)), pytest.raises(CredentialBusy, match="profile 'coder' of this gateway"):
        hold(tmp_path, running(US)).__enter__()


def test_the_profile_of_another_gateway_is_named_as_far_as_it_is_written_down(tmp_path: Path) -> None:
    path = left_by(tmp_path, THEIRS)
    path.write_text(json.dumps({**json.loads(path.read_text()), "metadata": {"profile": "writer"}}))
    with pytest.raises(CredentialBusy) as caught:
        hold(tmp_path, running(THEIRS)).__enter__()
    assert caught.value.found == "profile 'writer' of pid 20275: /usr/bin/hermes gateway run"
    assert "kill 20275" in caught.value.mend


def test_different_credentials_do_not_meet(tmp_path: Path) -> None:
    with hold(tmp_path, running(US)), hold(tmp_path, running(US), "other"), hold(tmp_path, running(US), scope="irc"):
        assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "processes",
    [
        pytest.param(running(), id="dead"),
        pytest.param(running(ProcessRecord(THEIRS.pid, GATEWAY, 1)), id="another process of that number"),
        pytest.param(running(ProcessRecord(THEIRS.pid, ("vim",), THEIRS.start_time)), id="no gateway"),
        pytest.param(FakeProcesses({THEIRS.pid: THEIRS}, {THEIRS.pid}), id="suspended"),
    ],
)
def test_a_stale_lock_is_taken_over(tmp_path: Path, processes: FakeProcesses) -> None:
    path = left_by(tmp_path, THEIRS)
    with hold(tmp_path, processes):
        assert json.loads(path.read_text())["pid"] == US.pid


@pytest.mark.parametrize("text", ["", "garbage", "{}", "\x00"])
def test_a_garbled_lock_is_taken_over(tmp_path: Path, text: str) -> None:
    credential_lock_path(tmp_path, "telegram-bot-token", TOKEN).write_text(text)
    with hold(tmp_path, running()):
        pass


def test_after_release_another_may_hold_it(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path, running(US)):
            pass


def test_a_scope_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    assert credential_lock_path(tmp_path, "../../x", "y").parent == tmp_path


def test_a_folder_that_cannot_be_made_is_an_error_with_its_own_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError) as caught:
        hold(tmp_path / "file" / "locks", running()).__enter__()
    assert caught.value.code == "lock_unwritable"


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({}, "/home/ann/.local/state/hermes/gateway-locks"),
        ({"XDG_STATE_HOME": "/state"}, "/state/hermes/gateway-locks"),
        ({"HERMES_GATEWAY_LOCK_DIR": "/locks", "XDG_STATE_HOME": "/state"}, "/locks"),
        ({"HERMES_GATEWAY_LOCK_DIR": " "}, "/home/ann/.local/state/hermes/gateway-locks"),
    ],
)
def test_the_folder_is_where_hermes_has_it(environ: dict[str, str], directory: str) -> None:
    assert str(credential_lock_directory(environ, Path("/home/ann"))) == directory
