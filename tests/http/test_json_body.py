import msgspec
import pytest

from hermes_trio.errors import RequestError
from hermes_trio.http.json_body import decode_body


class Place(msgspec.Struct):
    city: str


class Body(msgspec.Struct):
    name: str
    place: Place | None = None
    notes: list[str] = []


def refused(body: bytes, shape: type = Body) -> RequestError:
    with pytest.raises(RequestError) as caught:
        decode_body(body, shape)
    assert caught.value.status == 400
    return caught.value


def test_a_body_is_decoded():
    assert decode_body(b'{"name":"x","other":1}', Body) == Body("x")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "name"),
        (b'{"name":1}', "name"),
        (b'{"name":"x","place":{}}', "place.city"),
        (b'{"name":"x","place":{"city":2}}', "place.city"),
        (b'{"name":"x","notes":["a",1]}', "notes[1]"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(body, param):
    error = refused(body)
    assert error.param == param
    assert param in str(error)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000])
def test_what_is_no_json_is_refused(body):
    assert "JSON" in str(refused(body))


@pytest.mark.parametrize("body", [b"[]", b"3", b"null"])
@pytest.mark.parametrize("shape", [Body, dict[str, object]])
def test_what_is_no_object_is_refused(body, shape):
    assert "must be a JSON object" in str(refused(body, shape))
