"""Adds names to ``command_allowlist`` in a profile's ``config.yaml``, on the user's explicit word.

This is the only place that writes a user's settings. The text is edited, not written anew: comments, order, quotes,
line ends, mode and links stay. The result is read back before it counts; what cannot be edited safely is refused.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from hermes_trio.errors import ConfigError
from hermes_trio.home.text_file import SIZE_LIMIT, explain_os_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from yaml.nodes import Node

KEY: Final = "command_allowlist"
_NEW_MODE: Final = 0o600
_ATTEMPTS: Final = 3
_BOM: Final = "\ufeff"
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{2,}")
_WORDS_THAT_ARE_NOT_TEXT: Final = frozenset({"true", "false", "yes", "off", "null"})
_NULL: Final = "tag:yaml.org,2002:null"


class _Version(NamedTuple):
    """A state of the file."""

    text: str
    identity: tuple[int, int, int] | None
    mode: int


def add_to_command_allowlist(path: Path, profile: str, names: Sequence[str]) -> bool:
    """Append names to the list, those it has already left out; blocking, atomic.

    Args:
        path: The profile's ``config.yaml``; made when it is missing; a link stays one.
        profile: Named in errors.
        names: What to add.

    Returns:
        Whether the file was changed.

    Raises:
        ConfigError: The file cannot be read or written, or its form does not allow a safe edit; it is as it was.
    """
    try:
        target = path.resolve()
        for _ in range(_ATTEMPTS):
            version = _read(target)
            edited = _edit(version.text, names, path, profile)
            if edited == version.text:
                return False
            if _write(target, edited, version):
                return True
    except OSError as exc:
        problem, mend = explain_os_error(exc, path)
        raise ConfigError(problem, profile=profile, where=str(path), mend=mend) from exc
    raise _refuse(path, profile, names, "somebody else is writing the file")


def _read(target: Path) -> _Version:
    try:
        with target.open("rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return _Version("", None, _NEW_MODE)
    # Undecodable bytes come back as they were; YAML does not allow them, so the edit is refused there.
    text = data.decode("utf-8", errors="surrogateescape")
    return _Version(text, (found.st_mtime_ns, found.st_size, found.st_ino), found.st_mode & 0o7777)


def _write(target: Path, text: str, version: _Version) -> bool:
    """Replace the file, unless it is not the one that was read any more."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", errors="surrogateescape"))
            os.fchmod(file.fileno(), version.mode)
            _keep_owner(target, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        if _identity(target) != version.identity:
            os.unlink(temporary)  # noqa: PTH108  mkstemp gives text
            return False
        os.replace(temporary, target)  # noqa: PTH105  both are on one file system
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  mkstemp gives text
        raise
    return True


def _identity(target: Path) -> tuple[int, int, int] | None:
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _keep_owner(target: Path, descriptor: int) -> None:
    """Only root may give a file away; everybody else owns the new one, which is all that can be had."""
    with suppress(OSError):
        found = target.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)


def _edit(text: str, names: Sequence[str], path: Path, profile: str) -> str:
    mark = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    try:
        before = yaml.safe_load(body)
        root = yaml.compose(body, Loader=yaml.SafeLoader)
        known = _known(before)
        new = [name for name in dict.fromkeys(names) if name not in known]
        if not new:
            return text
        after = _insert(body, root, new)
        if after is not None and _is_as_meant(before, yaml.safe_load(after), [*known, *new]):
            return mark + after
    except (yaml.YAMLError, ValueError, RecursionError):
        pass
    raise _refuse(path, profile, names, "its form does not allow a safe edit")


def _known(values: object) -> list[object]:
    found = values.get(KEY) if isinstance(values, dict) else None
    if isinstance(found, list):
        return found
    return [] if found in (None, "") else [found]


def _is_as_meant(before: object, after: object, wanted: list[object]) -> bool:
    if not isinstance(after, dict) or after.get(KEY) != wanted:
        return False
    rest = {key: value for key, value in after.items() if key != KEY}
    old = before if isinstance(before, dict) else {}
    return rest == {key: value for key, value in old.items() if key != KEY} and list(rest) == [
        key for key in old if key != KEY
    ]


def _insert(text: str, root: Node | None, names: Sequence[str]) -> str | None:
    line_end = "\r\n" if "\r\n" in text else "\n"
    if root is not None and not isinstance(root, MappingNode):
        return None
    node = None if root is None else _list_node(root)
    if node is None:
        if root is not None and root.flow_style:
            return None
        indent = " " * (0 if root is None else root.start_mark.column)
        gap = "" if not text or text.endswith("\n") else line_end
        return text + gap + _block([f"{indent}{KEY}:", *(f"{indent}  - {_quote(name)}" for name in names)], line_end)
    if isinstance(node, SequenceNode):
        return _append_to_flow(text, node, names) if node.flow_style else _append_to_block(text, node, names, line_end)
    return _replace_scalar(text, node, names)


def _list_node(root: MappingNode) -> Node | None:
    """The last one: where a key is given twice that is the one that counts."""
    found = [value for key, value in root.value if isinstance(key, ScalarNode) and key.value == KEY]
    return found[-1] if found else None


def _append_to_block(text: str, node: SequenceNode, names: Sequence[str], line_end: str) -> str:
    end = node.value[-1].end_mark
    at = end.index
    if end.column != 0:
        newline = text.find("\n", at)
        at = len(text) if newline < 0 else newline + 1
    gap = "" if text[:at].endswith("\n") else line_end
    indent = " " * node.start_mark.column
    return text[:at] + gap + _block([f"{indent}- {_quote(name)}" for name in names], line_end) + text[at:]


def _append_to_flow(text: str, node: SequenceNode, names: Sequence[str]) -> str:
    added = ", ".join(map(_quote, names))
    if not node.value:
        return text[: node.start_mark.index] + f"[{added}]" + text[node.end_mark.index :]
    at = node.value[-1].end_mark.index
    return text[:at] + ", " + added + text[at:]


def _replace_scalar(text: str, node: Node, names: Sequence[str]) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    written = text[start:end]
    empty = node.tag == _NULL or not node.value
    items = ", ".join([*([] if empty else [written]), *map(_quote, names)])
    space = "" if text[start - 1 : start].isspace() else " "
    return text[:start] + space + f"[{items}]" + text[end:]


def _block(lines: Sequence[str], line_end: str) -> str:
    return "".join(line + line_end for line in lines)


def _quote(name: str) -> str:
    plain = _PLAIN.fullmatch(name) and name.lower() not in _WORDS_THAT_ARE_NOT_TEXT
    return name if plain else json.dumps(name, ensure_ascii=False)


def _refuse(path: Path, profile: str, names: Sequence[str], problem: str) -> ConfigError:
    return ConfigError(
        problem,
        profile=profile,
        where=f"{path} {KEY}",
        mend=f"add {', '.join(map(_quote, names))} to the list {KEY} by hand",
    )
