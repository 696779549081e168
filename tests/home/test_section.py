from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import ConfigError
from hermes_trio.home.scalars import to_boolean, to_integer, to_number
from hermes_trio.home.section import Origin, Section, first_with
from hermes_trio.home.yaml_source import parse_yaml

FILE = Path("/h/config.yaml")


def section(text: str, **values: str) -> Section:
    def replace(_path: str, written: str) -> str:
        for name, value in values.items():
            written = written.replace(f"${{{name}}}", value)
        return written

    document = parse_yaml(text, FILE, "coder", replace)
    return Section(Origin(FILE, "coder", document.lines, document.spellings), document.values, "")


def test_absent_and_null_give_the_default() -> None:
    found = section("a: null\n")
    assert found.integer("a", default=7) == found.integer("b", default=7) == 7
    assert found.text("a", "b", default="x") == "x"


def test_the_first_key_that_is_there_counts() -> None:
    assert section("b: 2\nc: 3\n").text("a", "b", "c") == "2"


@pytest.mark.parametrize(("written", "read"), [("60", 60), ("'60'", 60), ("60.0", 60), ("' 60 '", 60), ("0x10", 16)])
def test_whole_numbers_may_be_text(written: str, read: int) -> None:
    assert section(f"a: {written}\n").integer("a", default=0) == read


@pytest.mark.parametrize(
    "written", ["sixty", "60s", "1.5", "true", "[60]", "{a: 1}", ".inf", ".nan", "2024-01-01", "-1"]
)
def test_what_is_no_whole_number_is_an_error(written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section(f"x: 1\na: {written}\n").integer("a", default=0, minimum=0)
    assert caught.value.where == "/h/config.yaml:2 a"
    assert caught.value.expected == "a whole number of at least 0"


@pytest.mark.parametrize("written", ["true", "yes", "on", "1", "'true'", "'Yes'", "'ON'", "'1'"])
def test_switches_may_be_text(written: str) -> None:
    assert section(f"a: {written}\n").boolean("a", default=False) is True


@pytest.mark.parametrize("written", ["false", "no", "off", "0", "'False'", "'no'", "'OFF'"])
def test_switches_may_be_off_in_as_many_ways(written: str) -> None:
    assert section(f"a: {written}\n").boolean("a", default=True) is False


@pytest.mark.parametrize("written", ["maybe", "2", "1.0", "[]", "{}"])
def test_what_is_no_switch_is_an_error(written: str) -> None:
    with pytest.raises(ConfigError, match="true or false"):
        section(f"a: {written}\n").boolean("a", default=False)


def test_empty_text_is_no_number_and_no_switch_but_unset() -> None:
    found = section("a: ''\n")
    assert found.optional_number("a") is None
    assert found.optional_boolean("a") is None


@pytest.mark.parametrize(
    ("written", "read"), [("1.10", "1.10"), ("0600", "0600"), ("2024-01-02", "2024-01-02"), ("4o", "4o"), ("''", "")]
)
def test_text_that_looks_like_a_number_is_taken_as_it_is_spelled(written: str, read: str) -> None:
    assert section(f"a: {written}\n").text("a") == read


def test_a_switch_where_text_is_wanted_is_an_error_that_tells_of_quotes() -> None:
    with pytest.raises(ConfigError) as caught:
        section("a: on\n").text("a")
    assert "quotes" in str(caught.value.mend)


@pytest.mark.parametrize("written", ["[a, ' b', '', 1.10]", "'a, b,, 1.10'"])
def test_texts_are_a_list_or_divided_by_commas(written: str) -> None:
    assert section(f"a: {written}\n").texts("a") == ("a", "b", "1.10")


def test_a_wrong_item_of_a_list_is_named_by_its_index() -> None:
    with pytest.raises(ConfigError) as caught:
        section("a:\n  - x\n  - [y]\n").texts("a")
    assert caught.value.where == "/h/config.yaml:3 a[1]"


@pytest.mark.parametrize("written", ["[a, b]", "{a: {x: 1}, b: null}", "[{id: a}, {name: b}]", "'a, b'"])
def test_names_may_be_listed_in_any_way(written: str) -> None:
    assert section(f"m: {written}\n").names("m") == ("a", "b")


def test_a_list_where_a_mapping_is_wanted_is_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        section("a:\n  b: [1]\n").section("a").section("b")
    assert caught.value.where == "/h/config.yaml:2 a.b"
    assert caught.value.found == "a list"


def test_entries_must_be_mappings() -> None:
    with pytest.raises(ConfigError) as caught:
        section("p:\n  one: http://x\n").entries("p")
    assert caught.value.where == "/h/config.yaml:2 p.one"


def test_a_single_mapping_is_a_list_of_one() -> None:
    assert [item.text("x") for item in section("a: {x: 1}\n").items("a")] == ["1"]
    assert [item.path for item in section("a: [{x: 1}, {x: 2}]\n").items("a")] == ["a[0]", "a[1]"]


def test_of_several_sections_the_first_that_has_the_key_is_read() -> None:
    top = section("a: {x: null}\nb: {x: 1}\n")
    assert first_with("x", top.section("a"), top.section("b")).path == "b"
    assert first_with("y", top.section("a"), top.section("b")).path == "a"


def test_an_interpolated_number_is_read() -> None:
    assert section("a: ${PORT}\n", PORT="8642").integer("a", default=0) == 8642


def test_an_error_shows_what_is_written_and_never_what_was_put_in() -> None:
    with pytest.raises(ConfigError) as caught:
        section("port: x${KEY}\n", KEY="hunter2").integer("port", default=0)
    assert "hunter2" not in str(caught.value)
    assert "x${KEY}" in str(caught.value)


def test_an_error_about_an_unset_variable_names_it() -> None:
    with pytest.raises(ConfigError) as caught:
        section("port: ${PORT}\n").integer("port", default=0)
    assert caught.value.mend == "set PORT in the .env of this profile"


@pytest.mark.parametrize("key", ["api_key", "token", "password", "bot_secret"])
def test_an_error_about_a_secret_shows_no_part_of_it(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section(f"{key}: hunter2\n").integer(key, default=0)
    assert "hunter2" not in str(caught.value)


def test_an_error_shows_no_long_word_that_might_be_a_misplaced_key() -> None:
    word = "sk-" + "x" * 40
    with pytest.raises(ConfigError) as caught:
        section(f"port: {word}\n").integer("port", default=0)
    assert word not in str(caught.value)
    assert "43 characters" in str(caught.value)


@given(st.integers(-(10**12), 10**12))
def test_every_whole_number_is_read_in_every_spelling(number: int) -> None:
    assert to_integer(number) == to_integer(str(number)) == to_integer(float(number)) == number


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.integers()))
def test_any_value_is_read_or_refused_with_a_value_error(value: object) -> None:
    for read, kind in ((to_integer, int), (to_number, (int, float)), (to_boolean, bool)):
        try:
            result = read(value)
        except ValueError:
            continue
        assert isinstance(result, kind)


def test_numbers_beyond_all_bounds_are_refused() -> None:
    for written in ("1" * 400, "'1e999'", "1.0e+999"):
        with pytest.raises(ConfigError, match="expected a number"):
            section(f"a: {written}\n").number("a", default=0)


def test_an_error_cuts_a_long_text_off() -> None:
    with pytest.raises(ConfigError) as caught:
        section(f"port: {'many words ' * 30}\n").integer("port", default=0)
    assert caught.value.found is not None
    assert len(caught.value.found) < 80
