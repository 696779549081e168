"""A home that hermes-agent wrote is served as it is: its conversations go on, and its reader understands ours."""

import pytest

from hermes_trio.testing import open_gateway, write_home
from tests.store import hermes_agent_home as upstream


@pytest.fixture
def home(tmp_path):
    """A home in hermes-agent's format, with models that need no network."""
    upstream.write_hermes_agent_home(tmp_path)
    return write_home(tmp_path, {"coder": "You are Coder."})


@pytest.mark.parametrize(
    ("profile", "session"),
    [
        ("default", upstream.TELEGRAM_SESSION),
        ("default", upstream.ENDED_SESSION),
        ("default", upstream.API_SESSION),
        ("coder", upstream.CODER_ALONE_SESSION),
        ("coder", upstream.CODER_API_SESSION),
    ],
)
async def test_every_conversation_goes_on_and_reads_back(home, autojump_clock, profile, session):
    path = home.profile(profile).state_db
    before = upstream.context_of(path, session)
    async with open_gateway(root=home.root) as gateway:
        answer = await gateway.ask(profile, "!history", session=session)
    assert answer.startswith(f"{len(before)} messages before this one")
    after = upstream.context_of(path, session)
    assert after[: len(before)] == before
    assert [(row["role"], row["content"]) for row in after[len(before) :]] == [
        ("user", "!history"),
        ("assistant", answer),
    ]
    upstream.check_format(path)


async def test_a_session_that_the_multiplexer_kept_in_the_root_home_goes_on_in_its_own(home, autojump_clock):
    root_db = home.profile("default").state_db
    before = upstream.context_of(root_db, upstream.CODER_ROOT_SESSION)
    async with open_gateway(root=home.root) as gateway:
        answer = await gateway.ask("coder", "!history", session=upstream.CODER_ROOT_SESSION)
    assert answer.startswith(f"{len(before)} messages before this one")
    assert upstream.context_of(root_db, upstream.CODER_ROOT_SESSION) == before
    assert len(upstream.context_of(home.profile("coder").state_db, upstream.CODER_ROOT_SESSION)) == len(before) + 2


async def test_a_session_of_the_default_profile_is_not_taken_over(home, autojump_clock):
    async with open_gateway(root=home.root) as gateway:
        answer = await gateway.ask("coder", "!history", session=upstream.TELEGRAM_SESSION)
        assert answer == await gateway.ask("coder", "!history", session="never-was")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_session_of_another_profile_in_the_same_file_is_refused_before_the_model_is_asked(
    home, autojump_clock, stream
):
    before = upstream.context_of(home.profile("default").state_db, upstream.CODER_ROOT_SESSION)
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": stream}
    async with open_gateway(root=home.root) as gateway, gateway.client() as client:
        headers = {"X-Hermes-Session-Id": upstream.CODER_ROOT_SESSION}
        answer = await client.post("chat/completions", json=body, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (404, "session_not_found", "invalid_request_error")
    assert "Retry-After" not in answer.headers
    assert "coder" not in answer.text.replace(upstream.CODER_ROOT_SESSION, "")
    assert upstream.context_of(home.profile("default").state_db, upstream.CODER_ROOT_SESSION) == before


async def test_new_words_are_found_by_upstreams_search(home, autojump_clock):
    async with open_gateway(root=home.root) as gateway:
        await gateway.ask("coder", "remember the wombat")
    path = home.profile("coder").state_db
    assert len(upstream.search(path, "wombat")) == 2
    assert len(upstream.search(path, "ombat", "messages_fts_trigram")) == 2
