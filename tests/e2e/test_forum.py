"""One Telegram bot, a forum, four profiles, a real gateway: what was asked of routing, from outside.

The bot is the default profile's. Career and systems have the built-in model, finance and research a provider with a key
and a model of their own. What a profile's cron jobs deliver is not here.
"""

from __future__ import annotations

import json
import sqlite3
import uuid

import pytest

from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.home import ProfileFiles, telegram_files, write_home
from tests.e2e.model_provider import model_provider
from tests.e2e.process import running
from tests.e2e.telegram import fake_telegram, wait_until
from tests.rig import canary

PROFILES = ("career", "finance", "research", "systems")
OWN = {"thread_sessions_per_user": True, "terminal": {"env_passthrough": ["MY_SECRET"]}}


class Forum:
    """The forum, and the gateway that serves it."""

    def __init__(self, telegram, provider, root) -> None:
        self.telegram, self.provider = telegram, provider
        self.token = f"77:token-{uuid.uuid4().hex}"
        self.chat = telegram.ask("chats", {"kind": "supergroup", "title": "O", "tokens": [self.token], "forum": True})
        self.chat_id = self.chat["id"]
        self.topics = {name: self._topic(name) for name in (*PROFILES, "elsewhere")}
        self.home = HomePaths(root)
        self.gateway = None

    def _topic(self, name: str) -> int:
        return self.telegram.ask("topics", {"chat": self.chat_id, "name": name})["thread"]

    def write(self) -> None:
        """Write the home: the nested spelling of two routes, the flat one of the two others."""
        nested = {str(self.chat_id): {str(self.topics[name]): name for name in ("career", "finance")}}
        flat = {f"{self.chat_id}:{self.topics[name]}": name for name in ("research", "systems")}
        config = {**OWN, "gateway": {"profile_routes": {"telegram": nested}}, "telegram": {"topic_profiles": flat}}
        files = {"default": telegram_files("You are Hermes.", self.telegram.base_url, self.token, config=config)}
        for name in PROFILES:
            files[name] = ProfileFiles(f"You are {name.title()}.", self._config(name), {"MY_SECRET": canary(name, "S")})
        write_home(self.home.root, files)

    def _config(self, name: str) -> dict[str, object]:
        if name in ("career", "systems"):
            return {"model": "builtin/echo", **OWN}
        own = {"base_url": self.provider.base_url, "api_key": canary(name, "KEY"), "model": f"model-of-{name}"}
        return {"model": {"default": f"model-of-{name}", "provider": "mine"}, "providers": {"mine": own}, **OWN}

    def say(self, topic: str, text: str) -> None:
        """Somebody writes in a topic."""
        self.telegram.ask("messages", {"chat": self.chat_id, "thread": self.topics[topic], "text": text})

    def hears(self, topic: str, part: str) -> str:
        """Wait until the bot has said something in a topic."""
        found: list[str] = []

        def look() -> bool:
            rows = self.telegram.ask("sent")["rows"]
            said = [row["text"] for row in rows if row["token"] == self.token and row["thread"] == self.topics[topic]]
            found[:] = [text for text in said if text and part in text]
            return bool(found)

        wait_until(look, f"nothing like {part!r} in topic {topic}")
        return found[-1]

    def logged(self, profile: str, part: str) -> str:
        """The last line of a profile's log with this in it; lines are written a moment after they are said."""
        path, found = self.home.profile(profile).logs / "agent.log", []

        def look() -> bool:
            found[:] = [line for line in path.read_text().splitlines() if part in line]
            return bool(found)

        wait_until(look, f"no {part!r} in the log of {profile}")
        return found[-1]

    def rows(self, profile: str, query: str) -> list[tuple[object, ...]]:
        """What stands in a profile's database."""
        connection = sqlite3.connect(self.home.profile(profile).state_db)
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    def said(self, profile: str) -> str:
        """Everything in a profile's conversations."""
        return json.dumps(self.rows(profile, "SELECT role, content, tool_calls FROM messages"))


@pytest.fixture(scope="module")
def forum(tmp_path_factory):
    with fake_telegram() as telegram, model_provider() as provider:
        forum = Forum(telegram, provider, tmp_path_factory.mktemp("forum") / "home")
        forum.write()
        with running(forum.home.root) as gateway:
            forum.gateway = gateway.ready("default", *PROFILES)
            yield forum


@pytest.mark.slow
@pytest.mark.parametrize("topic", [*PROFILES, "elsewhere"])
def test_the_profile_command_names_the_profile_of_the_topic(forum, topic):
    forum.say(topic, "/profile")
    forum.hears(topic, "default" if topic == "elsewhere" else topic)


@pytest.mark.slow
def test_each_profile_writes_its_own_sessions_and_memory(forum):
    for name in ("career", "systems"):
        entry = json.dumps({"action": "add", "target": "memory", "content": f"plum-of-{name}"})
        forum.say(name, f"!tool memory {entry}")
        forum.hears(name, "success")
    for name, other in (("career", "systems"), ("systems", "career")):
        assert f"plum-of-{name}" in forum.said(name)
        assert f"plum-of-{name}" not in forum.said(other) + forum.said("default")
        memory = forum.home.profile(name).root / "memories" / "MEMORY.md"
        assert memory.read_text().strip() == f"plum-of-{name}"
    assert not (forum.home.root / "memories" / "MEMORY.md").exists()


@pytest.mark.slow
def test_each_profile_asks_its_own_model_with_its_own_key(forum):
    for name in ("finance", "research"):
        forum.say(name, f"hello {name}")
        assert forum.hears(name, "has been asked") == f"model-of-{name} has been asked"
    asked = {(key, model) for key, model, _ in forum.provider.asked}
    assert asked == {(canary(name, "KEY"), f"model-of-{name}") for name in ("finance", "research")}


@pytest.mark.slow
def test_turns_at_the_same_time_leak_neither_environment_nor_folder(forum):
    command = "sleep 0.5; pwd; echo $HOME $HERMES_HOME $MY_SECRET; env | sort"
    for name in ("career", "systems"):
        forum.say(name, f"!tool terminal {json.dumps({'command': command})}")
    for name in ("career", "systems"):
        forum.hears(name, "exit_code")
    for name, other in (("career", "systems"), ("systems", "career")):
        found = "".join(str(text) for (text,) in forum.rows(name, "SELECT content FROM messages WHERE role = 'tool'"))
        assert str(forum.home.profile(name).root) in found
        assert f"HERMES_SESSION_PROFILE={name}" in found
        for stranger in (other, "default", "finance", "research"):
            assert canary(stranger, "S") not in found
            assert f"profiles/{stranger}" not in found


@pytest.mark.slow
def test_what_is_done_in_the_background_comes_back_to_the_topic(forum):
    forum.say("systems", "/background !say it is done")
    assert "it is done" in forum.hears("systems", "it is done")


@pytest.mark.slow
def test_what_no_route_takes_and_direct_messages_are_the_default_profiles(forum):
    forum.say("elsewhere", "!persona")
    assert forum.hears("elsewhere", "Hermes") == "Hermes"
    forum.telegram.say(forum.token, "!persona", user=2002)
    assert forum.telegram.wait_text(forum.token, "Hermes") == "Hermes"


@pytest.mark.slow
def test_everything_was_said_by_the_one_bot_and_logged_by_the_profile_that_answered(forum):
    forum.say("career", "the word is quince")
    forum.hears("career", "quince")
    rows = forum.telegram.ask("sent")["rows"]
    assert {row["token"] for row in rows if row["chat_id"] == forum.chat_id} == {forum.token}
    forum.logged("career", "quince")
    assert "quince" not in (forum.home.profile("systems").logs / "agent.log").read_text()


@pytest.mark.slow
def test_the_running_gateway_explains_where_a_message_went(forum):
    home = ("--home", str(forum.home.root))
    place = ("--platform", "telegram", "--chat", str(forum.chat_id), "--user", "1001", "--json")
    shown = forum.gateway.run("route", "explain", *home, *place, "--thread", str(forum.topics["career"]))
    (explained,) = json.loads(shown.stdout)
    assert (explained["outcome"], explained["runtime_profile"]) == ("taken", "career")
    assert explained["session_key"] == f"agent:career:telegram:group:{forum.chat_id}:{forum.topics['career']}:1001"
    text = forum.gateway.run("route", "list", *home)
    assert [line.split()[1] for line in text.stdout.splitlines()[1:5]] == sorted(PROFILES)


@pytest.mark.slow
def test_a_message_of_the_log_is_explained_by_its_id(forum):
    forum.say("career", "the word is medlar")
    forum.hears("career", "medlar")
    message_id = forum.logged("default", "to profile career").split("message_id=")[1].split()[0]
    shown = forum.gateway.run("route", "explain", "--home", str(forum.home.root), "--message", message_id, "--json")
    assert "career" in [one["runtime_profile"] for one in json.loads(shown.stdout)]
