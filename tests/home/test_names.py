from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import HomeError
from hermes_trio.home.names import RESERVED_NAMES, is_profile_name, normalize_profile_name


@pytest.mark.parametrize("name", ["a", "coder", "p001", "my-bot_2", "0", "x" * 64])
def test_accepts_lower_case_letters_digits_dashes_and_underscores(name: str) -> None:
    assert is_profile_name(name)


@pytest.mark.parametrize("text", ["", "-a", "_a", "Coder", "a b", "a.b", "a/b", "..", "ä", "٣", "a\n", "x" * 65])
def test_refuses_everything_else_as_written(text: str) -> None:
    assert not is_profile_name(text)


def test_normalizing_strips_and_lower_cases() -> None:
    assert normalize_profile_name("  Default\n") == "default"


def test_a_name_that_cannot_be_normalized_is_an_error_with_a_stable_code() -> None:
    with pytest.raises(HomeError) as caught:
        normalize_profile_name("../etc")
    assert caught.value.code == "profile_name_invalid"
    assert "../etc" in str(caught.value)


def test_an_error_quotes_no_more_than_a_line_of_a_long_name() -> None:
    with pytest.raises(HomeError) as caught:
        normalize_profile_name("!" * 10_000)
    assert len(str(caught.value)) < 400


def test_reserved_names_are_those_of_hermes() -> None:
    assert {"hermes", "default", "test", "tmp", "root", "sudo"} == RESERVED_NAMES


@given(st.text(max_size=80))
def test_normalizing_gives_a_valid_name_or_an_error_and_is_stable(text: str) -> None:
    try:
        name = normalize_profile_name(text)
    except HomeError:
        return
    assert is_profile_name(name)
    assert normalize_profile_name(name) == name
    assert not set(name) & set("./\\ \n\0")
