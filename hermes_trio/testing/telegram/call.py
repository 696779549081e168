"""One call of a bot: method and parameters, however they were sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec
from python_multipart.multipart import FormParser, parse_options_header

from hermes_trio.testing.telegram.answers import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from python_multipart.multipart import Field, File

    from hermes_trio.http.types import Request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body.

    Attributes:
        name: Its file name.
        content: Its bytes.
    """

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A call and its parameters.

    Attributes:
        token: The bot's token.
        method: As the documentation spells it, e.g. ``sendMessage``.
        values: Parameters: text from queries and forms, any JSON value from JSON bodies.
        uploads: Files of a multipart body, by field name.
    """

    token: str
    method: str
    values: Mapping[str, object]
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A parameter as text; empty when it is not there."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    def integer(self, name: str, default: int = 0) -> int:
        """A parameter as a whole number; the default when it is missing or no number, as the real API has it."""
        try:
            return int(self.text(name))
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        """A parameter as truth value."""
        return self.text(name).lower() in ("true", "1", "yes")

    def json(self, name: str, what: str) -> object:
        """A parameter that is JSON, decoded unless the body was JSON; None when it is missing or empty.

        Raises:
            ApiRefusal: It is no JSON; ``what`` names it in the description.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as exc:
            raise bad_request(f"can't parse {what} JSON object") from exc


def read_parameters(request: Request) -> tuple[dict[str, object], dict[str, Upload]]:
    """The parameters of a request: those of its query, and over them those of its body.

    Raises:
        ApiRefusal: The body is not what its content type says.
    """
    values: dict[str, object] = dict(request.query)
    uploads: dict[str, Upload] = {}
    if request.body:
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind == b"application/json":
            values.update(_read_json(request.body))
        elif kind == b"multipart/form-data":
            _read_multipart(request.body, options.get(b"boundary", b""), values, uploads)
        elif kind == b"application/x-www-form-urlencoded":
            values.update(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    return values, uploads


def _read_json(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError as exc:
        raise bad_request("can't parse request JSON object") from exc


def _read_multipart(body: bytes, boundary: bytes, values: dict[str, object], uploads: dict[str, Upload]) -> None:
    def on_field(part: Field) -> None:
        values[(part.field_name or b"").decode()] = (part.value or b"").decode("utf-8", "replace")

    def on_file(part: File) -> None:
        part.file_object.seek(0)
        name = (part.file_name or b"file").decode("utf-8", "replace")
        uploads[(part.field_name or b"").decode()] = Upload(name, part.file_object.read())

    parser = FormParser(
        "multipart/form-data",
        on_field,
        on_file,
        boundary=boundary,
        config={"MAX_MEMORY_FILE_SIZE": len(body) + 1, "UPLOAD_ERROR_ON_BAD_CTE": False},
    )
    try:
        parser.write(body)
        parser.finalize()
    except ValueError as exc:
        raise bad_request("can't parse multipart body") from exc
