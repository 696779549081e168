"""Every way that is known of getting at a file that is not one's own, tried."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.closed_files import ClosedFiles
from hermes_trio.home.file_guard import FileGuard, FileRefused, make_file_guard
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.home.paths import HomePaths

ROOT = Path("/srv/agents/.hermes")
ADA = make_file_guard(ROOT, HomePaths(ROOT).profile("ada"))
DEFAULT = make_file_guard(ROOT, HomePaths(ROOT).profile("default"))
SECRET = b"CANARY of bob"


class World:
    """A home on disk with two named profiles and the default one, each with files."""

    def __init__(self, root: Path) -> None:
        self.home = HomePaths(root)
        for name in ("ada", "bob", "default"):
            paths = self.home.profile(name)
            paths.workspace.mkdir(parents=True)
            for file in (paths.env, paths.auth_json, paths.state_db, paths.workspace / "note.txt", paths.config):
                file.write_bytes(SECRET if name != "ada" else b"of ada")
        self.ada = self.home.profile("ada")
        self.bob = self.home.profile("bob")

    def guard(self, name: str = "ada") -> FileGuard:
        return make_file_guard(self.home.root, self.home.profile(name))

    def read(self, path: Path | str, name: str = "ada") -> bytes:
        files = GuardedFiles(self.guard(name))
        resolved = files.resolve(Path(path), write=False)
        with (
            files.open_folder(resolved.parent, judged=False) as folder,
            os.fdopen(files.open_file(folder, resolved.name), "rb") as stream,
        ):
            return stream.read()

    def may_write(self, path: Path | str, name: str = "ada") -> bool:
        files = GuardedFiles(self.guard(name))
        try:
            resolved = files.resolve(Path(path), write=True)
            with files.open_folder(resolved.parent, judged=False) as folder:
                files.status(folder, resolved.name, write=True)
        except FileRefused:
            return False
        return True


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "hermes")


@pytest.fixture
def link(world) -> Path:
    """A place in ada's workspace for something that leads elsewhere."""
    return world.ada.workspace / "innocent.txt"


def test_an_agent_reads_and_writes_its_own_files(world):
    assert world.read(world.ada.workspace / "note.txt") == b"of ada"
    assert world.may_write(world.ada.workspace / "note.txt")
    assert world.may_write(world.ada.soul)
    assert world.read(world.ada.config) == b"of ada"


def test_an_agent_uses_files_outside_of_all_homes(world, tmp_path):
    (tmp_path / "project.txt").write_text("free")
    assert world.read(tmp_path / "project.txt") == b"free"
    assert world.may_write(tmp_path / "project.txt")


@pytest.mark.parametrize("file", ["workspace/note.txt", ".env", "auth.json", "state.db", "config.yaml", "missing"])
@pytest.mark.parametrize("other", ["bob", "default"])
def test_no_file_of_another_profile(world, other, file):
    path = world.home.profile(other).root / file
    with pytest.raises(FileRefused):
        world.read(path)
    assert not world.may_write(path)


def test_the_default_profile_has_its_home_without_the_named_ones(world):
    assert world.read(world.home.root / "workspace/note.txt", "default") == SECRET
    for path in (world.bob.workspace / "note.txt", world.home.profiles, world.home.profiles / "new" / "x"):
        with pytest.raises(FileRefused):
            world.read(path, "default")
        assert not world.may_write(path, "default")


@pytest.mark.parametrize("file", [".env", "auth.json", "state.db", "state.db-wal", "gateway.lock", ".env.bak", ".ENV"])
def test_own_credentials_and_databases_are_closed(world, file):
    (world.ada.root / file).write_bytes(b"x")
    with pytest.raises(FileRefused):
        world.read(world.ada.root / file)
    assert not world.may_write(world.ada.root / file)


@pytest.mark.parametrize(
    "file",
    [
        *("config.yaml", "hooks/x/handler.py", "plugins/p/__init__.py", "cron/jobs.json", "processes.json"),
        *(".clean_shutdown", ".restart_pending.json", ".drain_request.json", ".gateway-planned-stop.json"),
        *("gateway_state.json", "sessions/sessions.json", "hermes-trio.sock", "channel_directory.json"),
    ],
)
def test_what_steers_the_agent_is_read_but_not_written(file):
    assert ADA.refusal(ADA.own / file, write=False) is None
    assert ADA.refusal(ADA.own / file, write=True)


def test_files_that_only_look_like_closed_ones_are_open():
    for file in (
        "workspace/.env",
        "workspace/poetry.lock",
        "workspace/auth.json",
        "workspace/hooks/a",
        "skills/a/SKILL.md",
    ):
        assert ADA.refusal(ADA.own / file, write=True) is None


def test_dots_lead_nowhere(world):
    up = world.ada.workspace / ".." / ".." / "bob" / "workspace" / "note.txt"
    with pytest.raises(FileRefused):
        world.read(up)
    with pytest.raises(FileRefused):
        world.read(f"{world.ada.workspace}/./..//../bob/./.env")


def test_a_symbolic_link_to_a_file_leads_nowhere(world, link):
    link.symlink_to(world.bob.workspace / "note.txt")
    with pytest.raises(FileRefused):
        world.read(link)
    assert not world.may_write(link)


def test_a_symbolic_link_to_a_folder_leads_nowhere(world):
    (world.ada.workspace / "folder").symlink_to("../../bob")
    with pytest.raises(FileRefused):
        world.read(world.ada.workspace / "folder" / "workspace" / "note.txt")
    assert not world.may_write(world.ada.workspace / "folder" / "new.txt")


def test_a_chain_of_links_leads_nowhere(world, tmp_path):
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(world.bob.root)
    with pytest.raises(FileRefused):
        world.read(tmp_path / "one" / ".env")


def test_a_link_to_nothing_leads_nowhere(world, link):
    link.symlink_to(world.bob.workspace / "new.txt")
    assert not world.may_write(link)


def test_a_link_out_of_another_home_is_still_in_it(world, tmp_path):
    (tmp_path / "free.txt").write_text("free")
    (world.bob.workspace / "out").symlink_to(tmp_path / "free.txt")
    with pytest.raises(FileRefused):
        world.read(world.bob.workspace / "out")


def test_a_hard_link_to_a_foreign_file_leads_nowhere(world, link):
    os.link(world.bob.workspace / "note.txt", link)
    with pytest.raises(FileRefused):
        world.read(link)
    assert not world.may_write(link)


@pytest.mark.parametrize("file", [".env", "auth.json", "state.db", "mcp-tokens/a.json", "platforms/pairing/a.json"])
def test_a_hard_link_to_an_own_closed_file_leads_nowhere(world, link, file):
    (world.ada.root / file).parent.mkdir(parents=True, exist_ok=True)
    (world.ada.root / file).write_bytes(b"secret")
    os.link(world.ada.root / file, link)
    with pytest.raises(FileRefused):
        world.read(link)


def test_a_hard_link_outside_of_all_homes_is_recognised_too(world, tmp_path):
    os.link(world.bob.env, tmp_path / "a.txt")
    with pytest.raises(FileRefused):
        world.read(tmp_path / "a.txt")


def test_the_default_profile_does_not_get_at_named_ones_by_hard_links(world):
    os.link(world.bob.workspace / "note.txt", world.home.root / "workspace" / "a.txt")
    with pytest.raises(FileRefused):
        world.read(world.home.root / "workspace" / "a.txt", "default")


def test_hard_links_between_open_files_are_fine(world, link):
    os.link(world.ada.workspace / "note.txt", link)
    assert world.read(link) == b"of ada"
    assert world.may_write(link)


def test_a_file_with_several_names_is_refused_when_there_is_too_much_to_look_at(world, link):
    os.link(world.ada.workspace / "note.txt", link)
    closed = ClosedFiles(world.guard(), {}, most=2)
    assert "too large" in closed.refusal(link.stat())


def test_a_home_that_is_itself_a_link_is_recognised_by_its_other_name(world, tmp_path):
    elsewhere = tmp_path / "data" / "carl"
    elsewhere.mkdir(parents=True)
    (elsewhere / "note.txt").write_text("private")
    (world.home.profiles / "carl").symlink_to(elsewhere)
    for path in (elsewhere / "note.txt", world.home.profiles / "carl" / "note.txt"):
        with pytest.raises(FileRefused):
            world.read(path)
    os.link(elsewhere / "note.txt", tmp_path / "hard.txt")
    with pytest.raises(FileRefused):
        world.read(tmp_path / "hard.txt")


def test_an_own_home_that_is_a_link_works_by_both_names(world, tmp_path):
    elsewhere = tmp_path / "data" / "ada"
    elsewhere.parent.mkdir()
    world.ada.root.rename(elsewhere)
    world.ada.root.symlink_to(elsewhere)
    for home in (elsewhere, world.ada.root):
        assert world.read(home / "workspace" / "note.txt") == b"of ada"
        with pytest.raises(FileRefused):
            world.read(home / ".env")


def test_a_root_home_that_is_a_link_works_and_protects_by_both_names(world, tmp_path):
    alias = tmp_path / "alias"
    alias.symlink_to(world.home.root)
    by_alias = World.__new__(World)
    by_alias.home = HomePaths(alias)
    for root in (alias, world.home.root):
        assert by_alias.read(root / "profiles/ada/workspace/note.txt") == b"of ada"
        for file in (".env", "profiles/bob/workspace/note.txt", "profiles/ada/.env"):
            with pytest.raises(FileRefused):
                by_alias.read(root / file)


def test_a_folder_is_recognised_under_a_name_of_another_case(world, monkeypatch):
    """A disk that ignores case gives the same folder for another spelling; here a link plays that disk."""
    (world.home.profiles / "BOB").symlink_to("bob")
    with pytest.raises(FileRefused):
        world.read(world.home.profiles / "BOB" / "workspace" / "note.txt")
    for spelling in ("BOB/.env", "Bob/x", "bOB"):
        assert ADA.refusal(ROOT / "PROFILES" / spelling, write=False)


def test_a_pipe_a_socket_and_a_device_are_refused_and_do_not_hang(world, link):
    os.mkfifo(link)
    with pytest.raises(FileRefused):
        world.read(link)
    assert not world.may_write(link)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(world.ada.workspace / "s"))
        with pytest.raises(FileRefused):
            world.read(world.ada.workspace / "s")
    for device in ("/dev/zero", "/dev/stdin", "/dev/fd/0", "/dev/tty"):
        with pytest.raises(FileRefused):
            world.read(device)


@pytest.mark.parametrize(
    "path",
    [
        *("/proc/self/environ", "/proc/thread-self/environ", "/proc/1/environ", "/proc/self/mem", "/proc/self/maps"),
        *("/proc/self/cmdline", "/proc/self/task/1/environ", "/proc/kcore", "/proc/self/root/proc/self/environ"),
        *("/proc/sys/kernel/core_pattern", "/proc/self/cwd/../proc/self/environ", "/PROC/self/environ"),
    ],
)
def test_processes_are_not_looked_into(world, path):
    with pytest.raises(FileRefused):
        world.read(path)


def test_magic_links_lead_nowhere(world):
    with (world.bob.workspace / "note.txt").open("rb") as stream:
        for path in (f"/proc/self/fd/{stream.fileno()}", f"/proc/{os.getpid()}/fd/{stream.fileno()}"):
            with pytest.raises(FileRefused):
                world.read(path)
    with pytest.raises(FileRefused):
        world.read(f"/proc/self/root{world.bob.env}")


def test_what_the_machine_says_of_itself_may_be_read(world):
    assert b"MemTotal" in world.read("/proc/meminfo")


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/shadow", "/etc/shadow-", "/etc/sudoers.d/x", "/root/.ssh/id_ed25519", "/home/u/.ssh/config"),
        *("/home/u/.aws/credentials", "/home/u/.netrc", "/root/.config/gh/hosts.yml", "/root/.docker/config.json"),
        *(
            "/home/u/.config/gcloud/x.db",
            "/srv/x/.ssh/id_rsa",
            "/run/secrets/db",
            "/home/u/.hermes/.env",
            "/root/.npmrc",
        ),
    ],
)
def test_credentials_of_the_machine_are_closed(path):
    assert ADA.refusal(Path(path), write=False)
    assert DEFAULT.refusal(Path(path), write=True)


@pytest.mark.parametrize("path", ["/etc/hosts", "/usr/bin/python", "/bin/sh", "/sys/power/state", "/root/.bashrc"])
def test_the_system_is_not_written_to(path):
    assert ADA.refusal(Path(path), write=True)


@pytest.mark.parametrize(
    "path", ["/etc/hosts", "/usr/share/dict/words", "/home/u/project/.npmrc", "/root/project/a.py"]
)
def test_the_system_may_be_read(path):
    assert ADA.refusal(Path(path), write=False) is None


def test_a_link_put_in_the_place_of_a_folder_after_the_check_is_not_followed(world):
    files = GuardedFiles(world.guard())
    (world.ada.workspace / "sub" / "workspace").mkdir(parents=True)
    resolved = files.resolve(world.ada.workspace / "sub" / "workspace" / "note.txt", write=False)
    (world.ada.workspace / "sub").rename(world.ada.workspace / "moved")
    (world.ada.workspace / "sub").symlink_to(world.bob.root)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"), files.open_folder(resolved.parent):
        pass


def test_a_link_put_in_the_place_of_a_file_after_the_check_is_not_followed(world, link):
    files = GuardedFiles(world.guard())
    link.write_text("innocent")
    resolved = files.resolve(link, write=False)
    with files.open_folder(resolved.parent) as folder:
        link.unlink()
        link.symlink_to(world.bob.env)
        with pytest.raises(FileRefused):
            files.open_file(folder, resolved.name)


def test_a_folder_moved_into_another_home_after_the_check_is_recognised(world):
    files = GuardedFiles(world.guard())
    (world.ada.workspace / "sub").mkdir()
    resolved = files.resolve(world.ada.workspace / "sub" / "x", write=True)
    (world.ada.workspace / "sub").rmdir()
    world.bob.root.rename(world.ada.workspace / "sub")  # a home in an unexpected place is still a home
    with pytest.raises(FileRefused), files.open_folder(resolved.parent):
        pass


def test_only_a_resolved_path_is_walked(world):
    """Going up would leave a home without anybody noticing."""
    files = GuardedFiles(world.guard("default"))
    with pytest.raises(FileRefused), files.open_folder(world.home.root / ".." / "x"):
        pass


def test_folders_are_only_made_where_files_may_be_written(world):
    files, made = GuardedFiles(world.guard()), []
    with files.open_folder(world.ada.workspace / "a" / "b", made=made) as folder:
        assert folder.path == world.ada.workspace / "a" / "b"
    assert made == [world.ada.workspace / "a", world.ada.workspace / "a" / "b"]
    for target in (world.bob.root / "new", world.ada.root / "hooks" / "x"):
        with pytest.raises(FileRefused), files.open_folder(target, made=made):
            pass
        assert not target.exists()


def test_entries_are_only_what_may_be_read(world, tmp_path):
    (world.ada.workspace / "link").symlink_to(world.bob.root)
    os.mkfifo(world.ada.workspace / "pipe")
    (world.ada.workspace / "sub").mkdir()
    files = GuardedFiles(world.guard())
    with files.open_folder(world.ada.workspace) as folder:
        assert files.entries(folder) == [("note.txt", False), ("sub", True)]
    with files.open_folder(world.ada.root) as folder:
        assert [name for name, _ in files.entries(folder)] == ["config.yaml", "workspace"]


def test_no_descriptor_stays_open(world, link):
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    os.link(world.bob.env, link)
    for path in (link, world.ada.workspace / "note.txt", world.ada.workspace / "no" / "such", world.ada.workspace):
        with contextlib.suppress(FileRefused, OSError):
            world.read(path)
    assert count() == before


def test_building_a_guard_touches_no_file(recorder):
    make_file_guard(ROOT, HomePaths(ROOT).profile("ada")).refusal(ROOT / ".env", write=False)
    assert recorder.paths == []


parts = st.lists(
    st.sampled_from(
        ["..", ".", "", "bob", "ada", "BOB", "profiles", "workspace", "note.txt", ".env", "link", "x", "up"]
    ),
    max_size=9,
)


@given(parts, st.sampled_from(["", "link", "up"]), st.booleans())
def test_whatever_the_path_nothing_of_others_comes_out(tmp_path_factory, names, start, from_workspace):
    world = World(tmp_path_factory.mktemp("home") / "hermes")
    (world.ada.workspace / "link").symlink_to(world.bob.root)
    (world.ada.workspace / "up").symlink_to("../../..")
    (world.ada.root / "link").symlink_to("../bob/workspace")
    path = "/".join([str(world.ada.workspace if from_workspace else world.ada.root), start, *names])
    try:
        data = world.read(path)
    except (FileRefused, OSError):
        data = b""
    assert data in (b"", b"of ada")
    files = GuardedFiles(world.guard())
    try:
        written = files.resolve(Path(path), write=True)
    except FileRefused:
        return
    assert os.path.realpath(written).startswith(str(world.ada.root)) or not written.is_relative_to(world.home.root)


absolute = st.lists(
    st.sampled_from(["srv", "agents", ".hermes", "profiles", "ada", "bob", "x", ".ENV", "Profiles"])
).map(lambda names: Path("/", *names))


@given(absolute, st.booleans())
def test_by_name_a_named_profile_has_nothing_in_the_root_home_but_its_own(path, write):
    folded = [part.casefold() for part in path.parts[1:]]
    if folded[:3] == ["srv", "agents", ".hermes"] and folded[3:5] != ["profiles", "ada"]:
        assert ADA.refusal(path, write=write)
    if folded[:3] == ["srv", "agents", ".hermes"] and folded[3:4] == ["profiles"]:
        assert DEFAULT.refusal(path, write=write)


@given(absolute)
def test_what_may_be_written_may_be_read(path):
    for guard in (ADA, DEFAULT):
        if guard.refusal(path, write=True) is None:
            assert guard.refusal(path, write=False) is None
