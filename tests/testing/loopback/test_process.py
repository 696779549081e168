from __future__ import annotations

import signal
import subprocess
import sys

import httpx
import pytest

from tests.testing.loopback.caller import calling


async def test_a_person_writes_and_presses_through_the_control_surface():
    async with calling() as (_server, bot, call):
        wrote = await call.post(
            "/_control/messages", [{"token": bot.token, "text": "a"}, {"token": "new", "text": "b"}]
        )
        assert wrote == {"message_ids": ["1", "1"]}
        sent = await call.post("/send", {"chat": "7", "text": "Shall I?", "buttons": [[["Yes", "y"]]]})
        press = {"token": bot.token, "chat": "7", "message_id": sent["id"], "button": "Yes"}
        assert await call.post("/_control/presses", press) == {"press": "press-1"}
        state = await call.get("/_control/state")
        assert state["bots"][bot.token] == {"polls": 0, "is_polling": False, "pending": 2}
        done = await call.get("/_control/done?since=0")
        assert (done["next"], done["rows"][0]["text"]) == (1, "Shall I?")


async def test_faults_are_switched_on_and_off_through_the_control_surface():
    async with calling() as (_server, _bot, call):
        await call.post("/_control/faults", {"kind": "server_error", "times": None})
        assert (await call("GET", "/me"))[0] == 500
        assert (await call("DELETE", "/_control/faults"))[0] == 200
        assert (await call("GET", "/me"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("messages", {"token": "t", "tekst": "a"}, 400), ("faults", {"kind": "earthquake"}, 400), ("nothing", {}, 404)],
)
async def test_what_the_control_surface_does_not_know_is_refused(path, body, status):
    async with calling() as (_server, _bot, call):
        assert (await call("POST", f"/_control/{path}", body))[0] == status


@pytest.mark.slow
def test_it_runs_as_a_process_until_a_signal():
    command = [sys.executable, "-m", "hermes_trio.testing.loopback", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        try:
            httpx.post(f"{url}/_control/messages", json={"token": "t", "text": "hello"}, timeout=10)
            events = httpx.get(f"{url}/events?after=0", headers={"authorization": "Bearer t"}, timeout=10).json()
            assert [event["message"]["text"] for event in events["events"]] == ["hello"]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
