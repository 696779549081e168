"""Conversations over the API that outgrow the model's window."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hermes_trio.testing import ProfileFiles, open_gateway

CONFIG = {
    "model": {"default": "builtin/echo", "context_length": 4000},
    "compression": {"protect_first_n": 2, "protect_last_n": 4},
    "platform_toolsets": {"api_server": []},
}
PADDING = "x" * 700


def rows(gateway, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(gateway.home.profile("ada").state_db)) as connection:
        return connection.execute(sql).fetchall()


async def test_a_stored_session_is_folded_and_goes_on(tmp_path, autojump_clock):
    async with open_gateway({"ada": ProfileFiles("You are Ada.", CONFIG)}, root=tmp_path) as gateway:
        for number in range(20):
            assert await gateway.ask("ada", f"!say {number} {PADDING}", session="s") == f"{number} {PADDING}"
        history = await gateway.ask("ada", "!history", session="s")
        assert history.endswith(f"the first was: !say 0 {PADDING}")
        ((active,), (compacted,)) = rows(
            gateway,
            "SELECT count(*) FROM messages WHERE active = 1 UNION ALL "
            "SELECT count(*) FROM messages WHERE active = 0 AND compacted = 1",
        )
        tasks = dict(rows(gateway, "SELECT task, api_call_count FROM session_model_usage"))
    assert active < 16
    assert compacted > 24
    assert tasks[""] == 21
    assert 1 <= tasks["compression"] <= 12


async def test_a_history_that_the_client_brings_along_is_not_summarised_anew_for_every_message(
    tmp_path, autojump_clock
):
    async with open_gateway({"ada": ProfileFiles("You are Ada.", CONFIG)}, root=tmp_path) as gateway:
        messages: list[dict[str, str]] = []
        async with gateway.client("ada") as client:
            for number in range(20):
                messages.append({"role": "user", "content": f"!say {number} {PADDING}"})
                answer = await client.post("chat/completions", json={"messages": messages})
                assert answer.status_code == 200
                messages.append(answer.json()["choices"][0]["message"])
        tasks = dict(rows(gateway, "SELECT task, sum(api_call_count) FROM session_model_usage GROUP BY task"))
    assert [message["content"] for message in messages[1::2]] == [f"{number} {PADDING}" for number in range(20)]
    assert tasks[""] == 20
    assert 1 <= tasks["compression"] <= 12
