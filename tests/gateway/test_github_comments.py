"""Comments on GitHub: how the program is called, and what its failures mean for the outbox."""

import pytest
import trio

from hermes_trio.adapter_api.errors import AdapterError, CredentialMissing, Refused, Unreachable
from hermes_trio.adapter_api.outgoing import OutgoingText, Target
from hermes_trio.gateway import github_comments
from hermes_trio.gateway.github_comments import GithubComments
from hermes_trio.testing import ProfileFiles, open_gateway

pytestmark = pytest.mark.slow
PLACE = Target("octo/garden", "5")


async def comment(tmp_path, script, env=None):
    """Write a comment with this stand-in for ``gh``; what came back."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if script is not None:
        (folder / "gh").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "gh").chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", "GH_TOKEN": "CANARY-token-of-ada", **(env or {})}
    async with open_gateway({"ada": ProfileFiles("You are Ada.", env=env)}, root=tmp_path / "home") as gateway:
        scope = gateway.slot("ada").runtime.scope
        return await GithubComments(scope).send(PLACE, OutgoingText("Well done."))


async def test_the_address_of_the_comment_is_its_id(tmp_path):
    sent = await comment(tmp_path, "cat > /dev/null; echo https://github.com/octo/garden/pull/5#issuecomment-9")
    assert sent.message_id == "https://github.com/octo/garden/pull/5#issuecomment-9"


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("error connecting to api.github.com", Unreachable, "platform_unreachable"),
        ("HTTP 502: Bad Gateway", Unreachable, "platform_unreachable"),
        ("GraphQL: Could not resolve to a PullRequest with the number of 5.", Refused, "message_refused"),
        ("HTTP 401: Bad credentials", Refused, "bad_credential"),
    ],
)
async def test_what_may_work_later_is_told_from_what_never_will(tmp_path, said, kind, code):
    with pytest.raises(kind) as caught:
        await comment(tmp_path, f"echo '{said}' >&2; exit 1")
    assert caught.value.code == code
    assert caught.value.may_have_arrived is ("502" in said)


async def test_the_token_is_not_in_what_is_said_of_a_failure(tmp_path):
    with pytest.raises(Unreachable) as caught:
        await comment(tmp_path, 'echo "what is $GH_TOKEN" >&2; exit 1')
    assert "CANARY" not in str(caught.value)


async def test_a_program_that_is_not_there_may_come_later(tmp_path):
    with pytest.raises(Unreachable, match="gh cannot be run"):
        await comment(tmp_path, None, {"PATH": str(tmp_path / "bin")})


async def test_a_program_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(github_comments, "GH_SECONDS", 0.3)
    with trio.fail_after(10), pytest.raises(AdapterError) as caught:
        await comment(tmp_path, "sleep 60")
    assert caught.value.may_have_arrived


async def test_without_a_token_of_its_own_a_profile_writes_nothing(tmp_path):
    with pytest.raises(CredentialMissing):
        await comment(tmp_path, "echo x", {"GH_TOKEN": ""})
