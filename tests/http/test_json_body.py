"""Bodies become what was declared, or an error that names the field."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import RequestError
from hermes_trio.http.json_body import read_body


class Inner(msgspec.Struct):
    number: int


class Outer(msgspec.Struct):
    name: str
    inner: list[Inner] = []


def test_a_body_that_fits_is_decoded_and_unknown_fields_are_passed_over():
    assert read_body(b'{"name": "a", "inner": [{"number": 1}], "more": true}', Outer) == Outer("a", [Inner(1)])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "name"),
        (b'{"name": 1}', "name"),
        (b'{"name": "a", "inner": {}}', "inner"),
        (b'{"name": "a", "inner": [{"number": 1}, {"number": "x"}]}', "inner[1].number"),
        (b'{"name": "a", "inner": [{}]}', "inner[0].number"),
        (b"[]", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_an_error_names_the_field(body, param):
    with pytest.raises(RequestError) as refused:
        read_body(body, Outer)
    assert (refused.value.status, refused.value.param) == (400, param)


@given(st.binary() | st.text().map(lambda text: f'{{"name": {text}}}'.encode("utf-8", "replace")))
def test_whatever_comes_is_decoded_or_refused(body):
    with suppress(RequestError):  # and no other error
        assert isinstance(read_body(body, Outer), Outer)
