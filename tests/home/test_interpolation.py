from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.interpolation import interpolate, variable_names

SET = {"KEY": "value", "EMPTY": "", "NESTED": "${KEY}"}


def test_a_set_variable_is_replaced_wherever_it_stands() -> None:
    assert interpolate("a ${KEY} b ${KEY}", SET.get) == ("a value b value", ())


def test_an_unset_variable_stays_as_it_is_and_is_told() -> None:
    assert interpolate("${NO} ${KEY}", SET.get) == ("${NO} value", ("NO",))


def test_an_empty_variable_is_a_set_one() -> None:
    assert interpolate("<${EMPTY}>", SET.get) == ("<>", ())


def test_what_is_put_in_is_not_looked_at_again() -> None:
    assert interpolate("${NESTED}", SET.get) == ("${KEY}", ())


def test_there_are_no_defaults_and_no_escapes() -> None:
    assert interpolate("${KEY:-other} $KEY $${KEY} ${}", SET.get) == ("${KEY:-other} $KEY $value ${}", ("KEY:-other",))


def test_names_are_listed_in_order() -> None:
    assert variable_names("${A}/${B}") == ("A", "B")


@given(st.text(max_size=60))
def test_with_nothing_set_no_text_changes(text: str) -> None:
    assert interpolate(text, lambda _name: None)[0] == text


NAMES = st.text("ABC_", min_size=1, max_size=5)


@given(
    st.lists(st.tuples(st.text(max_size=8).filter(lambda t: "$" not in t), NAMES)), st.dictionaries(NAMES, st.text())
)
def test_every_reference_is_replaced_on_its_own(parts: list[tuple[str, str]], values: dict[str, str]) -> None:
    text = "".join(f"{plain}${{{name}}}" for plain, name in parts)
    expected = "".join(plain + values.get(name, f"${{{name}}}") for plain, name in parts)
    assert interpolate(text, values.get)[0] == expected
