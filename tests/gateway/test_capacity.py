from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import CapacityExceeded
from hermes_trio.gateway.capacity import TurnCapacity


def take(stack: ExitStack, capacity: TurnCapacity, profile: str, limit: int = 1000) -> bool:
    has_free = capacity.has_free(profile, limit)
    try:
        stack.enter_context(capacity.seat(profile, limit))
    except CapacityExceeded:
        assert not has_free
        return False
    assert has_free
    return True


def test_a_profile_never_exceeds_its_own_limit_and_the_error_names_it():
    capacity = TurnCapacity(100, 1)
    with ExitStack() as stack:
        assert [take(stack, capacity, "a", 2) for _ in range(3)] == [True, True, False]
        with pytest.raises(CapacityExceeded) as caught, capacity.seat("a", 2):
            pass
    assert caught.value.limit == "max_concurrent_sessions"
    assert caught.value.retry_after == 1.0
    assert capacity.running() == 0


def test_a_greedy_profile_leaves_every_other_one_its_part():
    capacity = TurnCapacity(12, 3)
    with ExitStack() as stack:
        assert sum(take(stack, capacity, "greedy") for _ in range(50)) == 8
        assert [take(stack, capacity, "b") for _ in range(3)] == [True, True, False]
        assert [take(stack, capacity, "c") for _ in range(3)] == [True, True, False]
        with pytest.raises(CapacityExceeded, match=r"gateway\.max_concurrent_turns"), capacity.seat("c", 9):
            pass


def test_a_released_seat_can_be_taken_again():
    capacity = TurnCapacity(1, 1)
    for _ in range(3):
        with capacity.seat("a", 1):
            assert capacity.running("a") == 1


@given(
    total=st.integers(1, 40),
    moves=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=200),
)
def test_whatever_happens_the_total_holds_and_nothing_leaks(total, moves):
    capacity = TurnCapacity(total, 3)
    held: dict[str, list[ExitStack]] = {"a": [], "b": [], "c": []}
    for profile, takes in moves:
        if takes:
            stack = ExitStack()
            if take(stack, capacity, profile):
                held[profile].append(stack)
        elif held[profile]:
            held[profile].pop().close()
        assert capacity.running() == sum(map(len, held.values())) <= total
    for stacks in held.values():
        for stack in stacks:
            stack.close()
    with ExitStack() as stack:
        assert sum(take(stack, capacity, name) for name in "abc" * total) == total
