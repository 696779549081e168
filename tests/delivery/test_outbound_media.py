"""Which files go out."""

from __future__ import annotations

import os

import pytest

from hermes_trio.delivery.media_caches import outbound_folder
from hermes_trio.delivery.outbound_media import MediaRefused, allowed_media, discard_outbound, sweep_outbound
from tests.tools.files_rig import open_agents


def put(path, content=b"content"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["workspace/a.png", "home/a.pdf", "image_cache/a.jpg", "cache/documents/a.txt"])
async def test_a_file_of_the_profiles_own_places_goes_out_as_a_copy(ada, name):
    original = put(ada.home.root / name)
    copy = await allowed_media(ada, str(original))
    assert copy.read_bytes() == b"content"
    assert copy.name == original.name
    assert copy.is_relative_to(outbound_folder(ada.home))
    assert copy.stat().st_ino != original.stat().st_ino
    assert copy.stat().st_mode & 0o077 == 0


async def test_a_relative_path_begins_where_commands_run(ada):
    put(ada.home.workspace / "sub" / "a.png")
    assert (await allowed_media(ada, "sub/a.png")).read_bytes() == b"content"


async def test_a_later_change_does_not_change_what_is_sent(ada):
    original = put(ada.home.workspace / "a.txt", b"meant")
    copy = await allowed_media(ada, "a.txt")
    original.write_bytes(b"other")
    assert copy.read_bytes() == b"meant"


async def test_a_file_elsewhere_is_refused_with_a_way_to_mend_it(ada, tmp_path):
    with pytest.raises(MediaRefused, match="media_delivery_allow_dirs") as refused:
        await allowed_media(ada, str(put(tmp_path / "elsewhere" / "a.png")))
    assert refused.value.code == "media_refused"
    assert refused.value.profile == "ada"


async def test_what_is_elsewhere_is_refused_alike_whether_it_exists_or_not(ada, tmp_path):
    put(tmp_path / "there.png")
    texts = []
    for name in ("there.png", "nope.png"):
        with pytest.raises(MediaRefused) as refused:
            await allowed_media(ada, str(tmp_path / name))
        texts.append(str(refused.value).replace(name, "x"))
    assert texts[0] == texts[1]


async def test_a_folder_that_the_settings_allow_goes_out(tmp_path):
    put(tmp_path / "pictures" / "a.png")
    config = {"gateway": {"media_delivery_allow_dirs": [str(tmp_path / "pictures")]}}
    async with open_agents(tmp_path / "hermes", "ada", config=config) as (ada,):
        assert await allowed_media(ada.scope, str(tmp_path / "pictures" / "a.png"))


@pytest.mark.parametrize(
    "name", [".env", "auth.json", "config.yaml", "google_token.json", "state.db", "hooks/a.py", "cron/jobs.json"]
)
async def test_credentials_and_settings_stay_even_when_commands_run_in_the_home(tmp_path, name):
    async with open_agents(tmp_path, "ada", config={"terminal": {"cwd": "~/.."}}, base={"HOME": "/x"}) as (ada,):
        put(ada.home / name, b"secret")
        (ada.home / "home").mkdir()
        put(ada.home / "fine.txt")
        assert await allowed_media(ada.scope, "fine.txt")
        with pytest.raises(MediaRefused):
            await allowed_media(ada.scope, name)


@pytest.mark.parametrize("how", ["path", "parent", "symlink", "folder link", "hard link", "case"])
@pytest.mark.parametrize("name", ["workspace/b.png", ".env", "auth.json", "SOUL.md", "image_cache/b.png"])
async def test_a_file_of_another_profile_is_refused_by_every_way(ada, bob, how, name):
    target = put(bob.home.root / name, b"of bob")
    workspace = ada.home.workspace
    path = workspace / f"x{target.suffix or '.txt'}"
    match how:
        case "path":
            path = target
        case "parent":
            path = workspace / ".." / ".." / "bob" / name
        case "symlink":
            path.symlink_to(target)
        case "folder link":
            (workspace / "link").symlink_to(bob.home.root)
            path = workspace / "link" / name
        case "hard link":
            os.link(target, workspace / "hard.png")
            path = workspace / "hard.png"
        case "case":
            path = bob.home.root.with_name("BOB") / name
    with pytest.raises(MediaRefused):
        await allowed_media(ada, str(path))


@pytest.mark.parametrize("name", ["a.exe", "noending", "a.pem", "id_rsa.txt", ".env.txt"])
async def test_other_kinds_of_files_are_refused(ada, name):
    put(ada.home.workspace / name)
    with pytest.raises(MediaRefused):
        await allowed_media(ada, name)


async def test_a_link_to_another_kind_of_file_is_refused(ada):
    put(ada.home.workspace / "tool.exe")
    (ada.home.workspace / "a.png").symlink_to("tool.exe")
    with pytest.raises(MediaRefused, match="not a kind of file"):
        await allowed_media(ada, "a.png")


@pytest.mark.parametrize("text", ["", "\0", "x" * 5000, "missing.png", "."])
async def test_what_is_no_file_is_refused(ada, text):
    with pytest.raises(MediaRefused):
        await allowed_media(ada, text)


async def test_pipes_are_refused_without_waiting(ada):
    os.mkfifo(ada.home.workspace / "a.png")
    with pytest.raises(MediaRefused, match="pipe"):
        await allowed_media(ada, "a.png")


async def test_system_files_are_refused_even_when_commands_run_at_the_root(tmp_path):
    async with open_agents(tmp_path, "ada", config={"terminal": {"cwd": "/"}}) as (ada,):
        for path in ("/proc/version.txt", "/etc/some.conf.json", "/usr/lib/a.txt"):
            with pytest.raises(MediaRefused, match=r"operating system|running processes"):
                await allowed_media(ada.scope, path)


async def test_strict_mode_sends_caches_and_young_files_only(tmp_path):
    async with open_agents(tmp_path, "ada", config={"gateway": {"strict": True}}) as (ada,):
        now = ada.scope.clock.now()
        young, old = put(ada.workspace / "young.png"), put(ada.workspace / "old.png")
        cached = put(ada.home / "image_cache" / "old.png")
        os.utime(young, (now - 10, now - 10))
        for path in (old, cached):
            os.utime(path, (now - 700, now - 700))
        assert await allowed_media(ada.scope, str(young))
        assert await allowed_media(ada.scope, str(cached))
        with pytest.raises(MediaRefused, match="strict"):
            await allowed_media(ada.scope, str(old))


async def test_a_copy_is_discarded_after_sending_and_nothing_else_is(ada):
    original = put(ada.home.workspace / "a.png")
    copy = await allowed_media(ada, "a.png")
    await discard_outbound(ada, copy)
    await discard_outbound(ada, copy)
    await discard_outbound(ada, original)
    assert not copy.parent.exists()
    assert original.exists()


async def test_forgotten_copies_are_swept(ada):
    put(ada.home.workspace / "a.png")
    old, kept, young = [await allowed_media(ada, "a.png") for _ in range(3)]
    for copy in (old, kept):
        os.utime(copy.parent, (0, 0))
    os.utime(young.parent, (ada.clock.now(), ada.clock.now()))
    await sweep_outbound(ada, frozenset({kept}), older_than=3600)
    assert [copy.exists() for copy in (old, kept, young)] == [False, True, True]
