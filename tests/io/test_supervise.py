import pytest
import trio

from hermes_trio.errors import ConfigError, ModelError, StoreError
from hermes_trio.io.supervise import RestartPolicy, Setback, SetbackKind, keep_running


class Patient:
    """Fails as scripted, then runs until stopped; remembers when it was started and what was said of its failures."""

    def __init__(self, *failures: BaseException, mend_after: float | None = None, lasts: float = 0) -> None:
        self.failures = list(failures)
        self.starts: list[float] = []
        self.setbacks: list[Setback] = []
        self.mend_after = mend_after
        self.lasts = lasts

    async def run_once(self) -> None:
        self.starts.append(trio.current_time())
        if self.failures:
            await trio.sleep(self.lasts)
            raise self.failures.pop(0)

    async def mended(self) -> None:
        if self.mend_after is None:
            await trio.sleep_forever()
        await trio.sleep(self.mend_after)

    async def keep(self, **policy: float) -> None:
        begun = trio.current_time()
        await keep_running(
            self.run_once,
            RestartPolicy(**policy),
            jitter=lambda: 0.5,
            on_setback=self.setbacks.append,
            mended=self.mended,
        )
        self.starts = [round(at - begun, 3) for at in self.starts]


async def test_a_clean_return_ends_the_supervision(autojump_clock):
    patient = Patient()
    await patient.keep()
    assert patient.starts == [0]
    assert patient.setbacks == []


async def test_crashes_back_off_with_doubled_waits(autojump_clock):
    patient = Patient(*[RuntimeError("boom")] * 4)
    await patient.keep()
    assert patient.starts == [0, 1, 3, 7, 15]
    assert {s.kind for s in patient.setbacks} == {SetbackKind.TRANSIENT}


async def test_jitter_spreads_the_wait_by_a_fifth_either_way(autojump_clock):
    for jitter, wait in ((0.0, 0.8), (1.0, 1.2)):
        setbacks: list[Setback] = []
        patient = Patient(RuntimeError("boom"))
        await keep_running(
            patient.run_once,
            RestartPolicy(),
            jitter=lambda j=jitter: j,
            on_setback=setbacks.append,
            mended=patient.mended,
        )
        assert setbacks[0].delay == pytest.approx(wait)


async def test_who_says_when_to_come_back_is_not_asked_before(autojump_clock):
    patient = Patient(ModelError("later", retry_after=40.0), RuntimeError("boom"))
    await patient.keep()
    assert patient.starts == [0, 40, 42]


async def test_the_fifth_failure_in_a_minute_quarantines_and_probes_every_five_minutes(autojump_clock):
    patient = Patient(*[RuntimeError("boom")] * 6)
    await patient.keep()
    assert [s.kind for s in patient.setbacks] == [SetbackKind.TRANSIENT] * 4 + [SetbackKind.TOO_OFTEN] * 2
    assert patient.starts == [0, 1, 3, 7, 15, 315, 615]


async def test_slow_crashes_never_quarantine_and_wait_at_most_a_minute(autojump_clock):
    patient = Patient(*[RuntimeError("boom")] * 10, lasts=61)
    await patient.keep()
    assert {s.kind for s in patient.setbacks} == {SetbackKind.TRANSIENT}
    assert max(s.delay for s in patient.setbacks) == 60


async def test_five_healthy_minutes_forgive_the_past(autojump_clock):
    patient = Patient(*[RuntimeError("boom")] * 4, lasts=301)
    await patient.keep()
    assert [s.delay for s in patient.setbacks] == [1.0] * 4


async def test_an_error_that_only_a_mend_cures_waits_for_the_mend(autojump_clock):
    patient = Patient(ConfigError("bad value", where="config.yaml:3"), mend_after=1000)
    await patient.keep()
    assert patient.starts == [0, 1000]
    assert patient.setbacks[0].kind is SetbackKind.PERMANENT
    assert patient.setbacks[0].reason == "config_invalid"
    assert patient.setbacks[0].delay is None


async def test_a_mend_cuts_a_back_off_short(autojump_clock):
    patient = Patient(*[RuntimeError("boom")] * 4, mend_after=0.25)
    await patient.keep()
    assert patient.starts == [0, 0.25, 0.5, 0.75, 1.0]


async def test_a_locked_database_is_tried_again_a_corrupt_one_is_not(autojump_clock):
    patient = Patient(
        StoreError("locked", code="store_locked"), StoreError("corrupt", code="store_corrupt"), mend_after=500
    )
    await patient.keep()
    assert [(s.kind, s.reason) for s in patient.setbacks] == [
        (SetbackKind.TRANSIENT, "store_locked"),
        (SetbackKind.PERMANENT, "store_corrupt"),
    ]


async def test_nested_groups_are_explained_by_their_leaves_and_ours_come_first(autojump_clock):
    group = ExceptionGroup("outer", [ValueError("foreign"), ExceptionGroup("inner", [ConfigError("ours")])])
    patient = Patient(group, mend_after=1)
    await patient.keep()
    assert patient.setbacks[0].reason == "config_invalid"
    assert patient.setbacks[0].errors == ("ValueError: foreign", "ConfigError: ours")


async def test_cancellation_passes_through(autojump_clock):
    patient = Patient(RuntimeError("boom"))
    with trio.move_on_after(0.5) as scope:
        await patient.keep()
    assert scope.cancelled_caught


async def test_keyboard_interrupt_passes_through(autojump_clock):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  may come alone or in a group
        await Patient(KeyboardInterrupt()).keep()
    assert "KeyboardInterrupt" in repr(caught.value)


async def test_a_thousand_slow_crashes_do_not_end_the_supervision(autojump_clock):
    patient = Patient(*[RuntimeError("boom")] * 1100, lasts=61)
    await patient.keep()
    assert patient.setbacks[-1].delay == 60


async def test_an_exception_whose_text_fails_is_handled_like_any_other(autojump_clock):
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    patient = Patient(Mute())
    await patient.keep()
    assert patient.setbacks[0].detail == "Mute"
