"""Changes one setting in a profile's ``config.yaml``, on the user's explicit word.

Only what is asked for changes: comments, order, quotes, line ends, mode and links stay. The result is read back before
it counts; what cannot be edited safely is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ConfigError
from hermes_trio.home.file_edit import edit_file
from hermes_trio.home.text_file import explain_os_error
from hermes_trio.home.yaml_edit import CannotEdit, Value, remove_value, set_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_STEP: Final = re.compile(r'"([^"]*)"|([^."]+)')


def set_config_value(path: Path, profile: str, setting: str, value: Value) -> bool:
    """Set one setting; blocking, atomic. It counts when the profile starts again.

    Args:
        path: The profile's ``config.yaml``; made with mode 0600 when it is missing; a link stays one.
        profile: Named in errors.
        setting: Dotted path; a key with a dot in it stands in double quotes: ``models."gpt-4.1".x``.
        value: Text, number, switch, None, list or mapping.

    Returns:
        Whether the file was changed; not when it says so already.

    Raises:
        ConfigError: The file cannot be read or written, or its form does not allow a safe edit; it is as it was.
    """
    steps = split_setting(setting)
    return edit_config(
        path, profile, lambda text: set_value(text, steps, value), where=setting, mend=f"set {setting} by hand"
    )


def remove_config_value(path: Path, profile: str, setting: str) -> bool:
    """Remove one setting; otherwise like `set_config_value`. One that is not there is fine."""
    steps = split_setting(setting)
    return edit_config(
        path, profile, lambda text: remove_value(text, steps), where=setting, mend=f"remove {setting} by hand"
    )


def split_setting(setting: str) -> tuple[str, ...]:
    """The keys of a dotted path.

    Raises:
        ValueError: It is none.
    """
    steps: list[str] = []
    at = 0
    while match := _STEP.match(setting, at):
        steps.append(match[1] if match[1] is not None else match[2])
        at = match.end()
        if at == len(setting):
            return tuple(steps)
        if setting[at] != ".":
            break
        at += 1
    raise ValueError(f"{setting!r} is not the dotted path of a setting")


def edit_config(path: Path, profile: str, edit: Callable[[str], str], *, where: str, mend: str) -> bool:
    """Edit the file; blocking, atomic.

    Args:
        path: The profile's ``config.yaml``.
        profile: Named in errors.
        edit: From the old text to the new; may raise `CannotEdit`.
        where: The setting, for errors.
        mend: What to do by hand, for errors. No secret.

    Raises:
        ConfigError: See `set_config_value`.
    """
    problem = "somebody else is writing the file"
    try:
        changed = edit_file(path, edit)
        if changed is not None:
            return changed
    except CannotEdit as exc:
        problem = str(exc)
    except OSError as exc:
        reason, usual_mend = explain_os_error(exc, path)
        raise ConfigError(reason, profile=profile, where=str(path), mend=usual_mend) from exc
    raise ConfigError(problem, profile=profile, where=f"{path} {where}", mend=mend)
