from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import ConfigError
from hermes_trio.home.yaml_source import Document, parse_yaml

FILE = Path("/home/config.yaml")


def thaw(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: thaw(child) for key, child in value.items()}
    return [thaw(child) for child in value] if isinstance(value, tuple) else value


def parse(text: str) -> Document:
    return parse_yaml(text, FILE, "coder", lambda _path, value: value)


def failure(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value


def test_every_value_has_the_line_of_its_key() -> None:
    document = parse("a:\n  b: 1\n\n  c:\n    - x\n    - d: |\n        text\n")
    assert dict(document.lines) == {"a": 1, "a.b": 2, "a.c": 4, "a.c[0]": 5, "a.c[1]": 6, "a.c[1].d": 6}


def test_a_key_with_a_dot_is_quoted_in_its_path() -> None:
    assert 'models."gpt-4.1".x' in parse("models:\n  gpt-4.1: {x: 1}\n").lines


def test_json_is_yaml() -> None:
    assert thaw(parse('{"a": {"b": [1, 2.5, true, null, "x"]}}').values) == {"a": {"b": [1, 2.5, True, None, "x"]}}


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null\n", "~"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert dict(parse(text).values) == {}


@pytest.mark.parametrize(("text", "found"), [("- a\n- b\n", "a list"), ("just words\n", "a single value")])
def test_what_is_not_a_mapping_is_an_error(text: str, found: str) -> None:
    error = failure(text)
    assert error.found == found
    assert "key: value" in str(error)


def test_of_a_key_given_twice_the_last_counts_and_it_is_reported() -> None:
    document = parse("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert document.values["a"] == 3
    assert document.duplicates == (("b.c", 3), ("a", 1))
    assert document.lines["a"] == 5


def test_merged_mappings_count_less_than_the_mapping_itself() -> None:
    document = parse("base: &b {x: 1, y: 1}\nmore: &m {y: 2, z: 2}\nall:\n  x: 9\n  <<: [*b, *m]\n")
    assert thaw(document.values["all"]) == {"x": 9, "y": 1, "z": 2}
    assert document.duplicates == ()


def test_the_way_a_number_was_written_is_kept() -> None:
    assert parse("a: 1.10\nb: 0600\nc: text\n").spellings == {"a": "1.10", "b": "0600"}


def test_a_syntax_error_names_its_line() -> None:
    error = failure("a: 1\nb: c: d\n")
    assert error.where == "/home/config.yaml:2"
    assert error.mend
    assert error.profile == "coder"


@pytest.mark.parametrize(
    "text",
    [
        "password: *hunter2-very-secret\n",
        'password: "hunter2-very-secret" tail\n',
        "password: [hunter2-very-secret\n",
        "password: !hunter2!very-secret x\n",
        "a: &hunter2-very-secret\n  b: &hunter2-very-secret\n}",
        "a: 'hunter2-very-secret\n",
        "hunter2-very-secret\n",
    ],
)
def test_a_syntax_error_never_quotes_the_file(text: str) -> None:
    error = failure(text)
    assert "hunter2" not in f"{error!r} {error} {error.__cause__!r}"


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!!python/name:os.system", "!custom", "!!set"])
def test_tags_beyond_plain_yaml_are_refused(tag: str) -> None:
    assert "tag" in failure(f"a: {tag} {{}}\n").problem


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 50_000, id="lists without end"),
        pytest.param("a:\n  " + "[" * 1100, id="more lists than the parser itself takes while it looks ahead"),
        pytest.param("{a: " * 50_000, id="mappings without end"),
        pytest.param("- " * 50_000 + "x", id="lists on one line"),
        pytest.param("? " * 50_000 + "x", id="keys of keys"),
        pytest.param("a: " + "[" * 200 + "]" * 200, id="200 lists"),
        pytest.param("\n".join(" " * depth + "a:" for depth in range(300)) + " 1", id="300 columns"),
        pytest.param("\n".join(f"{' ' * i}a:\n{' ' * i}-" for i in range(120)) + " 1", id="two levels a column"),
    ],
)
def test_nesting_beyond_reason_is_an_error_and_not_the_end_of_the_process(text: str) -> None:
    assert failure(text).problem == "nested too deeply"


def test_a_few_levels_on_a_long_line_are_fine() -> None:
    assert parse("{a: {b: [" + ", ".join(["[1]"] * 200) + "]}}").values


def test_an_alias_within_itself_is_an_error() -> None:
    assert failure("a: &x [*x]\n").problem == "nested too deeply"
    assert failure("a: &x {b: 1, <<: *x}\n").problem == "nested too deeply"


def test_aliases_of_aliases_cannot_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 20)]
    assert failure("\n".join(lines)).problem == "too many values"


@pytest.mark.parametrize("value", ["2024-13-45", "!!int x", "!!float x"])
def test_an_impossible_value_is_an_error_with_its_place(value: str) -> None:
    assert failure(f"x:\n  a: {value}\n").where == "/home/config.yaml:2 x.a"


def test_a_key_that_is_a_list_is_an_error() -> None:
    assert "key" in failure("? [a, b]\n: c\n").problem


def test_a_second_document_is_an_error() -> None:
    assert failure("a: 1\n---\nb: 2\n").where == "/home/config.yaml:2"


def test_control_characters_are_an_error_with_their_line() -> None:
    assert failure("a: 1\nb: \x01\n").where == "/home/config.yaml:2"


def test_text_with_a_variable_is_offered_for_interpolation_and_its_spelling_kept() -> None:
    document = parse_yaml("a:\n  - ${X}\n  - plain\nb: 1\n", FILE, "coder", lambda path, text: f"<{path} {text}>")
    assert thaw(document.values["a"]) == ["<a[0] ${X}>", "plain"]
    assert document.spellings["a[0]"] == "${X}"


def test_values_cannot_be_changed() -> None:
    values = parse("a: {b: [1]}\n").values
    with pytest.raises(TypeError):
        values["c"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        values["a"]["b"] = 1  # type: ignore[index]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.text("abc.- é", max_size=6), child, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=5), PLAIN, max_size=5))
def test_reads_what_a_yaml_library_writes(values: dict[str, object]) -> None:
    document = parse(yaml.safe_dump(values))
    assert thaw(document.values) == values
    assert len(document.lines) >= len(values)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@?, \n\t${}12", max_size=60))
def test_any_text_gives_a_document_or_a_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse(text), Document)


def test_only_mappings_can_be_merged() -> None:
    error = failure("a:\n  <<: text\n")
    assert (error.problem, error.where) == ("cannot be merged", "/home/config.yaml:2 a.<<")
