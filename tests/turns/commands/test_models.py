from __future__ import annotations

import pytest

from hermes_trio.home.platform_config import ChannelOverride, PlatformConfig
from hermes_trio.store.chat_entries import TurnCounts, note_turn
from hermes_trio.turns.commands.models import parse_model_wish

OPENAI = {
    "config": {"model": {"default": "gpt-5", "provider": "openai"}},
    "env": {"OPENAI_API_KEY": "sk-0123456789abc"},
}


@pytest.mark.parametrize(
    ("text", "model", "provider", "flags"),
    [
        ("gpt-5", "gpt-5", "", set()),
        ("--provider openai gpt-5 --global", "gpt-5", "openai", {"--global"}),
        ("openai:gpt-5", "gpt-5", "openai", set()),
        ("qwen:7b", "qwen:7b", "", set()),
        ("deepseek/deepseek-v3:free --once", "deepseek/deepseek-v3:free", "", {"--once"}),
        ("--provider", "", "", set()),
    ],
)
def test_what_is_written_behind_model_is_read(text, model, provider, flags):
    wish = parse_model_wish(text, {"openai"})
    assert (wish.model, wish.provider, wish.flags) == (model, provider, flags)


async def test_model_shows_the_one_in_use(open_chat):
    async with open_chat(**OPENAI) as chat:
        assert "Model here: `gpt-5` (openai)" in (await chat.give("/model")).text


async def test_model_switches_the_session(open_chat):
    async with open_chat(**OPENAI) as chat:
        await chat.give("/model gpt-5-mini")
        assert (await chat.entry())["model_override"] == {"model": "gpt-5-mini"}
        shown = (await chat.give("/model")).text
        await chat.give("/new")
        assert "model_override" not in await chat.entry()
    assert "Model here: `gpt-5-mini` (openai)" in shown
    assert "The profile's own: `gpt-5`" in shown


async def test_model_goes_back_to_the_profiles_own(open_chat):
    async with open_chat(**OPENAI) as chat:
        await chat.give("/model gpt-5-mini")
        assert "`gpt-5`" in (await chat.give("/model default")).text
        assert "model_override" not in await chat.entry()


async def test_model_switches_for_one_message(open_chat):
    async with open_chat(**OPENAI) as chat:
        await chat.give("/model gpt-5-mini --once")
        assert (await chat.entry())["model_once"] == {"model": "gpt-5-mini"}
        await note_turn(chat.scope, chat.conversation.session_key, TurnCounts(input_tokens=1))
        assert "model_once" not in await chat.entry()


async def test_model_writes_the_profiles_settings_when_asked(open_chat):
    async with open_chat(**OPENAI) as chat:
        reply = await chat.give("/model gpt-5-mini --global")
        model = chat.next_config().model
    assert (model.name, model.provider) == ("gpt-5-mini", "openai")
    assert "/restart" in reply.text


async def test_model_writes_a_mapping_where_a_provider_has_to_be_named(chat):
    await chat.give("/model echo --provider builtin --global")
    model = chat.next_config().model
    assert (model.name, model.provider) == ("echo", "builtin")


async def test_model_throws_no_key_away_when_the_provider_changes(open_chat):
    config = {"model": {"default": "m", "base_url": "http://127.0.0.1:1/v1", "api_key": "sk-mine-0123456789"}}
    async with open_chat(config=config) as chat:
        before = chat.file("config.yaml")
        reply = await chat.give("/model echo --provider builtin --global")
        assert chat.file("config.yaml") == before
    assert "model.api_key" in reply.text
    assert "sk-mine" not in reply.text


async def test_the_profiles_model_is_for_admins(open_chat):
    async with open_chat(**OPENAI) as chat:
        chat.conversation.is_admin = False
        assert "for admins" in (await chat.give("/model gpt-5-mini --global")).text
        assert chat.next_config().model.name == "gpt-5"


async def test_a_provider_that_nobody_knows_is_refused(open_chat):
    async with open_chat(**OPENAI) as chat:
        reply = await chat.give("/model x --provider nowhere")
        assert "model_override" not in await chat.entry()
    assert reply.text.startswith("⚠️")


async def test_an_unknown_switch_is_refused(chat):
    assert "I do not know `--forever`" in (await chat.give("/model x --forever")).text


async def test_model_knows_what_the_settings_say_of_a_chat(open_chat):
    platform = PlatformConfig("telegram", channel_overrides={"42": ChannelOverride(model="gpt-5-nano")})
    async with open_chat(platform=platform, **OPENAI) as chat:
        assert "Model here: `gpt-5-nano`" in (await chat.give("/model")).text


async def test_reasoning_holds_for_the_session(chat):
    await chat.give("/reasoning high")
    assert (await chat.entry())["reasoning_effort"] == "high"
    assert "Effort here: **high**" in (await chat.give("/reasoning")).text
    await chat.give("/reasoning reset")
    assert "reasoning_effort" not in await chat.entry()


async def test_the_strongest_effort_of_the_original_is_our_strongest(chat):
    await chat.give("/reasoning ultra")
    assert (await chat.entry())["reasoning_effort"] == "max"


async def test_an_unknown_effort_is_refused(chat):
    assert "I do not know `much`" in (await chat.give("/reasoning much")).text


async def test_reasoning_of_the_profile_is_written(chat):
    assert "/restart" in (await chat.give("/reasoning low --global")).text
    assert "Chats do not show it yet" in (await chat.give("/reasoning hide")).text
    config = chat.next_config()
    assert config.agent.reasoning_effort == "low"
    assert not config.chat.display_on("telegram").show_reasoning


@pytest.mark.parametrize("command", ["/reasoning low --global", "/reasoning hide"])
async def test_reasoning_of_the_profile_is_for_admins(chat, command):
    chat.conversation.is_admin = False
    before = chat.file("config.yaml")
    assert "for admins" in (await chat.give(command)).text
    assert chat.file("config.yaml") == before


async def test_usage_tells_tokens_cost_and_context(open_chat):
    config = {"model": {"default": "builtin/echo", "context_length": 1000}}
    async with open_chat(config=config) as chat:
        await chat.say("hello")
        await note_turn(chat.scope, chat.conversation.session_key, TurnCounts(last_prompt_tokens=250))
        text = (await chat.give("/usage")).text
    assert "`echo`: 1 call" in text
    assert "250 of 1.0k tokens (25%)" in text
    assert "Cost: about $0.00" in text


async def test_usage_tells_admins_what_is_left_of_the_budget(open_chat):
    async with open_chat(config={"budget": {"turns": 5, "window": "day"}}) as chat:
        await chat.say("hello")
        assert "1 of 5 turns" in (await chat.give("/usage")).text
        chat.conversation.is_admin = False
        assert "Budget" not in (await chat.give("/usage")).text


async def test_usage_before_the_first_message_says_so(chat):
    assert "No model has been asked yet" in (await chat.give("/usage")).text
