"""Filters: operators, combinators, and what is refused."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.http.webhooks.filters import OPERATORS, FilterInvalid, compile_filter

PAYLOAD = {
    "action": "opened",
    "id": 42,
    "flag": True,
    "nothing": None,
    "labels": ["bug", 7],
    "user": {"login": "octocat"},
}


def frozen(value: object) -> object:
    """As settings are read: mappings and tuples."""
    if isinstance(value, dict):
        return MappingProxyType({key: frozen(inner) for key, inner in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def takes(written: object, payload: object = PAYLOAD, lists: dict[str, frozenset[str]] | None = None) -> bool:
    return compile_filter(frozen(written)).accepts(payload, lists or {})


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("action", "exists", True, True),
        ("action", "exists", False, False),
        ("nothing", "exists", True, False),
        ("gone", "exists", True, False),
        ("gone", "missing", True, True),
        ("nothing", "missing", True, True),
        ("action", "missing", True, False),
        ("action", "equals", "opened", True),
        ("action", "equals", "Opened", False),
        ("id", "equals", 42, True),
        ("id", "equals", "42", True),
        ("flag", "equals", True, True),
        ("flag", "equals", "true", True),
        ("gone", "equals", "", False),
        ("user.login", "equals", "octocat", True),
        ("action", "not_equals", "closed", True),
        ("gone", "not_equals", "closed", True),
        ("action", "not_equals", "opened", False),
        ("action", "contains", "pen", True),
        ("labels", "contains", "bug", True),
        ("labels", "contains", 7, True),
        ("labels", "contains", "bu", False),
        ("user", "contains", "login", True),
        ("id", "contains", 4, False),
        ("action", "in", ["closed", "opened"], True),
        ("id", "in", [41, 42], True),
        ("action", "in", [], False),
        ("action", "regex", "^open(ed)?$", True),
        ("action", "regex", "^pen", False),
        ("id", "regex", "^4\\d$", True),
        ("gone", "regex", ".*", False),
    ],
)
def test_an_operator(field, operator, value, expected):
    assert takes({"field": field, operator: value}) is expected
    assert takes({"not": {"field": field, operator: value}}) is not expected


def test_several_operators_of_one_field_must_all_fit():
    assert takes({"field": "action", "contains": "open", "not_equals": "reopened"})
    assert not takes({"field": "action", "contains": "open", "equals": "reopened"})


def test_combinators():
    yes, no = {"field": "id", "equals": 42}, {"field": "id", "equals": 1}
    assert takes({"all": [yes, yes]})
    assert not takes({"all": [yes, no]})
    assert takes({"any": [no, yes]})
    assert not takes({"any": []})
    assert takes([yes, {"not": {"all": [yes, no]}}])
    assert takes(None)
    assert takes([])


def test_a_list_in_a_file():
    rule = compile_filter(frozen({"field": "user.login", "in_file": "friends.txt"}))
    assert rule.files == ("friends.txt",)
    assert rule.accepts(PAYLOAD, {"friends.txt": frozenset({"octocat"})})
    assert not rule.accepts(PAYLOAD, {"friends.txt": frozenset()})


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ({"field": "a", "like": "x"}, "unknown operator `like`"),
        ({"field": "a"}, "no operator"),
        ({"equals": "x"}, "no `field`"),
        ({"any": [], "all": []}, "stands alone"),
        ({"all": {"field": "a"}}, "not a list of filters"),
        ({"any": [{"field": "a", "regex": "("}]}, "filters.any[0].regex"),
        ({"field": "a", "regex": "(?=x)"}, "RE2"),
        ({"field": "a", "in": "x"}, "not a list"),
        ({"field": "a", "exists": "perhaps"}, "neither true nor false"),
        ({"field": "a", "equals": ["x"]}, "not a text"),
        ({"field": "a", "in_file": 7}, "name of a file"),
        ("action", "not a mapping"),
    ],
)
def test_what_cannot_be_used_says_where_and_why(written, part):
    with pytest.raises(FilterInvalid) as caught:
        compile_filter(frozen(written))
    assert part in str(caught.value)


def test_rules_within_rules_have_a_bound():
    written: object = {"field": "a", "exists": True}
    for _ in range(50):
        written = {"not": written}
    with pytest.raises(FilterInvalid):
        compile_filter(frozen(written))


def test_a_pattern_that_would_take_for_ever_elsewhere_is_matched_at_once():
    assert not takes({"field": "x", "regex": "^(a+)+$"}, {"x": "a" * 5000 + "b"})


scalars = st.text("ab1", max_size=3) | st.integers(0, 3) | st.booleans()
payloads = st.dictionaries(st.sampled_from("xyz"), scalars | st.none() | st.lists(scalars, max_size=3), max_size=3)
leaves = st.builds(
    lambda field, operator, value: {"field": field, operator: [value] if operator == "in" else value},
    st.sampled_from("xyz"),
    st.sampled_from([name for name in OPERATORS if name not in ("regex", "in_file", "exists", "missing")]),
    scalars,
)


@given(st.lists(leaves, max_size=4), payloads)
def test_the_laws_of_de_morgan_hold(rules, payload):
    negated = [{"not": rule} for rule in rules]
    assert takes({"not": {"all": rules}}, payload) == takes({"any": negated}, payload)
    assert takes({"not": {"any": rules}}, payload) == takes({"all": negated}, payload)
