"""A lane: what a message does to a turn that runs, and what is answered together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

import pytest
import trio

from hermes_trio.adapter_api import Attachment, InboundMessage, MediaKind, MessageSource
from hermes_trio.gateway.accepted import Accepted
from hermes_trio.gateway.lane import MOST_WAITING, Lane, Notice
from hermes_trio.gateway.lane_table import LaneTable
from hermes_trio.gateway.lane_turn import LaneTurn
from hermes_trio.home.chat_config import ChatConfig, DisplayConfig

SOURCE = MessageSource("telegram", "dm", chat_id="7", user_id="7", user_name="Alice")
PHOTO = Attachment(MediaKind.PHOTO, "file")
numbers = count(1)


def said(text: str = "hello", *, user: str = "7", internal: bool = False, **more: object) -> Accepted:
    number = next(numbers)
    message = InboundMessage(replace(SOURCE, user_id=user), str(number), text, 0.0, **more)
    return Accepted(number, "ada", "agent:ada:telegram:dm:7", message, internal=internal)


@dataclass
class FakeFront:
    """Answers after `seconds` and writes down what happened; turns hold until then."""

    seconds: float = 1.0
    mode: str = "interrupt"
    draining: bool = False
    chat: ChatConfig = field(default_factory=ChatConfig)
    answered: list[list[str]] = field(default_factory=list)
    interrupted: list[list[str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    notices: list[tuple[Notice, bool]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    acknowledges: bool = True
    reads_steering: bool = True
    tool: str = ""
    compresses: bool = False
    running: set[Lane] = field(default_factory=set)

    def display(self, _platform: str) -> DisplayConfig:
        return DisplayConfig(
            busy_input_mode=self.mode,
            busy_ack_enabled=self.acknowledges,
            busy_steer_ack_enabled=self.acknowledges,
        )

    async def answer(self, lane: Lane, turn: LaneTurn) -> None:
        assert lane not in self.running, "two turns of one lane at once"
        self.running.add(lane)
        texts = [one.message.text for one in turn.messages]
        turn.control.watch(FakeState(self))
        try:
            with turn.scope:
                await trio.sleep(self.seconds)
        finally:
            self.running.discard(lane)
        if self.reads_steering:
            turn.control.take()
        turn.control.close()
        heard = [one.message.text for one in turn.steered[: len(turn.control.taken())]]
        (self.interrupted if turn.interrupted else self.answered).append(texts + heard)

    async def run_command(self, _lane: Lane, accepted: Accepted) -> None:
        await trio.sleep(self.seconds)
        self.commands.append(accepted.message.text)

    def run_beside(self, _lane: Lane, accepted: Accepted) -> None:
        self.beside.append(accepted.message.text)

    def may_run_beside(self, name: str) -> bool:
        return name != "compress"

    def settle_question(self, _lane: Lane, accepted: Accepted) -> bool:
        if self.questions:
            self.questions.remove(self.questions[0])
            return True
        return False

    def notice(self, _accepted: Accepted, notice: Notice, *, done: bool = False) -> None:
        self.notices.append((notice, done))


class FakeState:
    """What a turn's hold looks at."""

    api_calls = 0

    def __init__(self, front: FakeFront) -> None:
        self.patience = self
        self.last_alive = 0.0
        self.round = self
        self._front = front

    @property
    def running(self) -> tuple[str, ...]:
        return (self._front.tool,) if self._front.tool else ()

    @property
    def is_compressing(self) -> bool:
        return self._front.compresses


class Rig:
    """A lane table that delivers with pauses."""

    def __init__(self, front: FakeFront, nursery: trio.Nursery) -> None:
        self.front = front
        self.table = LaneTable(front, nursery, "ada#1")

    async def deliver(self, *steps: Accepted | float) -> None:
        """Deliver messages; a number is a pause in seconds."""
        for step in steps:
            if isinstance(step, Accepted):
                self.table.deliver(step)
            else:
                await trio.sleep(step)
        await self.table.idle()


@pytest.fixture
def front() -> FakeFront:
    return FakeFront()


@pytest.fixture
async def rig(front, nursery) -> Rig:
    return Rig(front, nursery)


async def test_a_lane_ends_when_nothing_waits(rig, front, autojump_clock):
    await rig.deliver(said())
    assert front.answered == [["hello"]]
    assert list(rig.table) == []


async def test_what_goes_on_within_the_window_is_one_message(rig, front, autojump_clock):
    await rig.deliver(said("I want"), 0.1, said("two"), 0.1, said("things"))
    assert front.answered == [["I want", "two", "things"]]


async def test_the_window_is_the_settings(rig, front, autojump_clock):
    front.chat = ChatConfig(continuation_seconds=3.0)
    await rig.deliver(said("one"), 2.9, said("two"))
    assert front.answered == [["one", "two"]]


async def test_pieces_of_a_long_text_are_waited_for(rig, front, autojump_clock):
    await rig.deliver(said("x" * 4096), 0.9, said("rest"))
    assert front.answered == [["x" * 4096, "rest"]]


async def test_two_people_are_two_messages(rig, front, autojump_clock):
    front.mode = "queue"
    await rig.deliver(said("mine"), 0.01, said("yours", user="8"))
    assert front.answered == [["mine"], ["yours"]]


async def test_an_album_is_one_message(rig, front, autojump_clock):
    parts = [said(text, album_id="a", attachments=(PHOTO,)) for text in ("look", "", "")]
    await rig.deliver(parts[0], 0.5, parts[1], 0.5, parts[2])
    assert front.answered == [["look", "", ""]]


async def test_another_album_is_another_message(rig, front, autojump_clock):
    front.mode = "queue"
    await rig.deliver(said("a", album_id="a", attachments=(PHOTO,)), said("b", album_id="b", attachments=(PHOTO,)))
    assert front.answered == [["a"], ["b"]]


async def test_photos_that_wait_are_one_burst(rig, front, autojump_clock):
    front.mode = "queue"
    await rig.deliver(said("first"), 0.5, said("a", attachments=(PHOTO,)), said("b", attachments=(PHOTO,)))
    assert front.answered == [["first"], ["a", "b"]]


class TestInterrupt:
    async def test_a_message_ends_the_running_turn_and_comes_next(self, rig, front, autojump_clock):
        await rig.deliver(said("long story"), 0.5, said("stop, something else"))
        assert front.interrupted == [["long story"]]
        assert front.answered == [["stop, something else"]]

    async def test_it_is_acknowledged_once_in_thirty_seconds(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("2"), 0.5, said("3"), 0.5, said("4"))
        assert front.notices == [(Notice.INTERRUPTING, False)]

    async def test_acknowledgements_can_be_switched_off(self, rig, front, autojump_clock):
        front.acknowledges = False
        await rig.deliver(said("1"), 0.5, said("2"))
        assert front.notices == []

    async def test_children_at_work_are_not_interrupted(self, rig, front, autojump_clock):
        front.tool = "delegate_task"
        await rig.deliver(said("1"), 0.5, said("2"))
        assert front.answered == [["1"], ["2"]]
        assert front.notices == [(Notice.QUEUED, False)]

    async def test_a_summary_is_not_interrupted(self, rig, front, autojump_clock):
        front.compresses = True
        await rig.deliver(said("1"), 0.5, said("2"))
        assert front.answered == [["1"], ["2"]]

    async def test_what_nobody_wrote_interrupts_nothing(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("a process has ended", internal=True))
        assert front.answered == [["1"], ["a process has ended"]]
        assert front.notices == []


class TestQueue:
    @pytest.fixture(autouse=True)
    def queueing(self, front):
        front.mode = "queue"

    async def test_each_text_is_a_turn_of_its_own_in_order(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("2"), said("3"))
        assert front.answered == [["1"], ["2"], ["3"]]

    async def test_what_does_not_fit_is_refused_and_done_with(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, *(said(str(number)) for number in range(MOST_WAITING + 2)))
        assert len(front.answered) == MOST_WAITING + 1
        assert front.notices.count((Notice.FULL, True)) == 2

    async def test_nothing_new_begins_while_draining(self, rig, front, autojump_clock):
        rig.table.deliver(said("1"))
        await trio.sleep(0.5)
        rig.table.deliver(said("2"))
        front.draining = True
        await rig.table.idle()
        assert front.answered == [["1"]]

    async def test_what_waits_for_more_when_a_drain_begins_is_not_begun(self, rig, front, autojump_clock):
        front.chat = ChatConfig(continuation_seconds=3.0)
        rig.table.deliver(said("1"))
        await trio.sleep(1)
        front.draining = True
        await rig.table.idle()
        assert front.answered == []


class TestSteer:
    @pytest.fixture(autouse=True)
    def steering(self, front):
        front.mode = "steer"

    async def test_a_message_is_said_into_the_running_turn(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("and in French"))
        assert front.answered == [["1", "and in French"]]
        assert front.notices == [(Notice.STEERED, False)]

    async def test_what_the_turn_did_not_hear_comes_next(self, rig, front, autojump_clock):
        front.reads_steering = False
        await rig.deliver(said("1"), 0.5, said("2"), said("3"))
        assert front.answered == [["1"], ["2"], ["3"]]

    async def test_files_cannot_be_said_into_a_turn(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("look", attachments=(PHOTO,)))
        assert front.answered == [["1"], ["look"]]


class TestCommands:
    async def test_a_command_waits_for_what_came_before_it(self, rig, front, autojump_clock):
        await rig.deliver(said("hello"), 0.01, said("/title x"))
        assert front.answered == [["hello"]]
        assert front.commands == ["/title x"]

    async def test_one_that_may_runs_beside_the_turn(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("/status"))
        assert front.beside == ["/status"]
        assert front.answered == [["1"]]

    async def test_one_that_may_not_is_refused_while_a_turn_runs(self, rig, front, autojump_clock):
        await rig.deliver(said("1"), 0.5, said("/compress"))
        assert front.notices == [(Notice.NOT_WHILE_BUSY, True)]

    async def test_a_text_waits_for_a_command(self, rig, front, autojump_clock):
        await rig.deliver(said("/new"), 0.5, said("hello"))
        assert front.commands == ["/new"]
        assert front.answered == [["hello"]]

    async def test_a_path_is_no_command(self, rig, front, autojump_clock):
        await rig.deliver(said("/etc/hosts is odd"))
        assert front.answered == [["/etc/hosts is odd"]]

    async def test_what_a_command_asks_for_comes_last_and_disturbs_nothing(self, rig, front, autojump_clock):
        rig.table.deliver(said("1"))
        await trio.sleep(0.5)
        rig.table.put_last(said("asked for by a command"))
        await rig.table.idle()
        assert front.answered == [["1"], ["asked for by a command"]]
        assert front.notices == []


async def test_an_answer_to_a_question_is_no_message(rig, front, autojump_clock):
    rig.table.deliver(said("1"))
    await trio.sleep(0.5)
    front.questions = ["which?"]
    rig.table.deliver(said("the blue one"))
    await rig.table.idle()
    assert front.answered == [["1"]]
    assert front.interrupted == []


async def test_a_command_is_no_answer_to_a_question(rig, front, autojump_clock):
    rig.table.deliver(said("1"))
    await trio.sleep(0.5)
    front.questions = ["which?"]
    rig.table.deliver(said("/status"))
    await rig.table.idle()
    assert front.questions == ["which?"]
    assert front.beside == ["/status"]


async def test_two_bots_in_one_chat_have_two_lanes(rig, front, autojump_clock):
    one, other = said("to ada"), replace(said("to bob"), transport_profile="bob")
    rig.table.deliver(one)
    rig.table.deliver(other)
    assert rig.table.find("ada", one.session_key) is not rig.table.find("bob", one.session_key)
    await rig.table.idle()
    assert sorted(front.answered) == [["to ada"], ["to bob"]]


async def test_a_message_that_is_answered_again_is_not_mixed_with_others(rig, front, autojump_clock):
    await rig.deliver(replace(said("again"), attempts=1), said("new"))
    assert front.answered == [["again"], ["new"]]


async def test_a_message_that_is_answered_again_is_no_answer_to_a_question(rig, front, autojump_clock):
    rig.table.deliver(said("1"))
    await trio.sleep(0.5)
    front.questions = ["which?"]
    rig.table.deliver(replace(said("yes"), attempts=1))
    await rig.table.idle()
    assert front.questions == ["which?"]
    assert front.answered == [["1"], ["yes"]]


async def test_only_what_came_before_a_command_is_dropped(rig, front, autojump_clock):
    first, second, command, third = said("1"), said("2"), said("/stop"), said("3")
    rig.table.deliver(first)
    await trio.sleep(0.5)
    for one in (second, third):
        rig.table.put_last(one)
    assert rig.table.find("ada", first.session_key).drop_waiting(command.row_id) == (second,)
    await rig.table.idle()
    assert front.answered == [["1"], ["3"]]


async def test_what_gave_way_before_it_had_begun_is_answered_with_what_came_instead(rig, front, autojump_clock):
    lane_turns = []

    async def give_way(_lane, turn):
        lane_turns.append([one.message.text for one in turn.messages])
        with turn.scope:
            await trio.sleep(0.5)
        turn.put_back = turn.gave_way

    front.answer = give_way
    await rig.deliver(said("1"), 0.5, said("2"))
    assert lane_turns == [["1"], ["1", "2"]]


async def test_who_wants_no_answer_has_the_last_word(autojump_clock):
    turn = LaneTurn((said(),))
    turn.interrupt(for_message=True)
    assert turn.gave_way
    turn.interrupt()
    turn.interrupt(for_message=True)
    assert not turn.gave_way
