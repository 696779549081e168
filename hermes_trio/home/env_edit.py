"""Sets or removes one variable in a profile's ``.env``; every other line and the mode stay as they are."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from dotenv.parser import Binding, parse_stream

from hermes_trio.errors import SecretsError
from hermes_trio.home.file_edit import edit_file
from hermes_trio.home.text_file import explain_os_error

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BOM: Final = "\ufeff"
#: Name and equals sign; the value; what follows it.
_LINE: Final = re.compile(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?'?[^=\#'\s]+'?[^\S\r\n]*(?:=[^\S\r\n]*)?)
        (?P<value>'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|[^\r\n]*?)
        (?P<tail>(?:[^\S\r\n]+\#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r)?)""",
    re.VERBOSE,
)


class _Refused(ValueError):
    """The file has a form in which the edit is not safe."""


def set_env_variable(path: Path, profile: str, name: str, value: str) -> bool:
    """Set a variable; blocking, atomic. It counts when the profile starts again.

    Where it is given several times the last one, which counts, is changed. Line ends in the value fall away.

    Args:
        path: The profile's ``.env``; made with mode 0600 when it is missing; a link stays one.
        profile: Named in errors.
        name: Name of the variable.
        value: Its value.

    Returns:
        Whether the file was changed; not when it says so already.

    Raises:
        SecretsError: The file cannot be read or written, or the name or the value cannot stand in it; it is as it was.
    """
    clean = re.sub(r"[\r\n]+", "", value)
    return _edit(path, profile, name, clean)


def remove_env_variable(path: Path, profile: str, name: str) -> bool:
    """Remove a variable wherever it is given; otherwise like `set_env_variable`. One that is not there is fine."""
    return _edit(path, profile, name, None)


def _edit(path: Path, profile: str, name: str, value: str | None) -> bool:
    problem, mend = "somebody else is writing the file", f"edit the line of {name} by hand"
    try:
        changed = edit_file(path, lambda text: _with_variable(text, name, value))
        if changed is not None:
            return changed
    except _Refused as exc:
        problem = str(exc)
    except OSError as exc:
        reason, usual_mend = explain_os_error(exc, path)
        raise SecretsError(reason, profile=profile, where=str(path), mend=usual_mend) from exc
    raise SecretsError(problem, profile=profile, where=f"{path} {name}", mend=mend)


def _with_variable(text: str, name: str, value: str | None) -> str:
    if not _NAME.fullmatch(name):
        raise _Refused("not the name of a variable")
    mark = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    bindings = list(parse_stream(io.StringIO(body, newline="")))
    own = [index for index, binding in enumerate(bindings) if binding.key == name]
    pieces = [binding.original.string for binding in bindings]
    if value is None:
        for index in own:
            pieces[index] = _blank_lines(pieces[index])
    elif not own:
        line_end = "\r\n" if "\r\n" in body else "\n"
        gap = "" if not body or body.endswith(("\n", "\r")) else line_end
        pieces.append(f"{gap}{name}={_quote(value)}{line_end}")
    elif bindings[own[-1]].value != value:
        pieces[own[-1]] = _with_value(pieces[own[-1]], value)
    edited = "".join(pieces)
    if not _is_as_meant(bindings, edited, name, value):
        raise _Refused("its form does not allow a safe edit")
    return mark + edited


def _blank_lines(original: str) -> str:
    """The parser counts the blank lines before an entry to it; they stay."""
    blank = original[: len(original) - len(original.lstrip())]
    return blank[: max(blank.rfind("\n"), blank.rfind("\r")) + 1]


def _with_value(original: str, value: str) -> str:
    match = _LINE.fullmatch(original)
    if match is None:
        raise _Refused("its form does not allow a safe edit")
    head = match["head"] if "=" in match["head"] else match["head"].rstrip() + "="
    return head + _quote(value) + match["tail"]


def _quote(value: str) -> str:
    """A value as it is where that is safe, else in quotes; Hermes knows no escapes, so the kind that needs none."""
    safe = value == value.strip() and not value.startswith(("'", '"')) and not re.search(r"\s#", value)
    if safe:
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _is_as_meant(before: list[Binding], edited: str, name: str, value: str | None) -> bool:
    after = list(parse_stream(io.StringIO(edited, newline="")))
    found = [binding.value for binding in after if binding.key == name]
    if (found[-1] if found else None) != value:
        return False
    return _others(before, name) == _others(after, name)


def _others(bindings: list[Binding], name: str) -> list[tuple[str | None, str | None, str]]:
    """Every other entry and comment; blank lines around a removed one may now belong to its neighbour."""
    return [
        (binding.key, binding.value, binding.original.string.strip())
        for binding in bindings
        if binding.key != name and binding.original.string.strip()
    ]
