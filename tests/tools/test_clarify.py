"""Asking the user."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.tools.tool import ToolError
from tests.tools.web_rig import open_person


async def test_the_users_answer_is_told(tmp_path, autojump_clock):
    asked = []

    async def ask(question, choices):
        asked.append((question, choices))
        await trio.sleep(3000)
        return " the second \n"

    async with open_person(tmp_path) as ada:
        ada.ask_user = ask
        reply = await ada.call("clarify", question=" Which? ", choices=["one", "two", "one", " "])
        assert reply == {"question": "Which?", "choices_offered": ["one", "two"], "user_response": "the second"}
        assert asked == [("Which?", ("one", "two"))]


async def test_a_question_may_have_no_choices_but_not_no_words(tmp_path, autojump_clock):
    async def ask(question, choices):
        return "yes" if choices == () else "no"

    async with open_person(tmp_path) as ada:
        ada.ask_user = ask
        assert (await ada.call("clarify", question="Really?"))["user_response"] == "yes"
        with pytest.raises(ToolError, match="empty"):
            await ada.call("clarify", question="  ")


async def test_where_nobody_can_answer_the_model_is_told_to_go_on(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        with pytest.raises(ToolError, match="nobody can answer") as caught:
            await ada.call("clarify", question="Which?")
        assert caught.value.code == "nobody_to_ask"


@pytest.mark.parametrize(
    ("setting", "seconds"), [({}, 3600), ({"clarify_timeout": 20}, 20), ({"clarify_timeout": 0}, 3600)]
)
async def test_an_answer_is_waited_for_as_long_as_the_settings_say(tmp_path, autojump_clock, setting, seconds):
    withdrawn = []

    async def ask(question, choices):
        try:
            await trio.sleep_forever()
        finally:
            withdrawn.append(question)

    async with open_person(tmp_path, {"agent": setting}) as ada:
        ada.ask_user = ask
        began = trio.current_time()
        with pytest.raises(ToolError, match=f"did not answer within {seconds} s"):
            await ada.call("clarify", question="Which?")
        assert trio.current_time() - began == pytest.approx(seconds)
        assert withdrawn == ["Which?"]
