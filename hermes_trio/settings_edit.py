"""Changes a profile's own files on the explicit word of its user: one setting, or one variable.

The settings of a running profile are immutable: a change counts when the profile starts again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.home.config_edit import remove_config_value, set_config_value
from hermes_trio.home.env_edit import remove_env_variable, set_env_variable

if TYPE_CHECKING:
    from hermes_trio.home.yaml_edit import Value
    from hermes_trio.scope import ProfileScope


async def update_config(scope: ProfileScope, path: str, value: Value) -> bool:
    """Set one setting in the profile's ``config.yaml``; all else in it stays as it is.

    Args:
        scope: The profile.
        path: Dotted path; see `hermes_trio.home.config_edit.set_config_value`.
        value: Text, number, switch, None, list or mapping.

    Returns:
        Whether the file was changed.

    Raises:
        ConfigError: The file cannot be written, or its form does not allow a safe edit; it is as it was.

    Cancellation: the edit may happen all the same, as a whole.
    """
    return await scope.run_blocking(set_config_value, scope.home.config, scope.name, path, value)


async def remove_from_config(scope: ProfileScope, path: str) -> bool:
    """Remove one setting from the profile's ``config.yaml``; otherwise like `update_config`."""
    return await scope.run_blocking(remove_config_value, scope.home.config, scope.name, path)


async def update_env(scope: ProfileScope, name: str, value: str | None) -> bool:
    """Set one variable in the profile's ``.env``, or remove it with None; every other line stays as it is.

    Returns:
        Whether the file was changed.

    Raises:
        SecretsError: The file cannot be written, or its form does not allow a safe edit; it is as it was.

    Cancellation: the edit may happen all the same, as a whole.
    """
    if value is None:
        return await scope.run_blocking(remove_env_variable, scope.home.env, scope.name, name)
    return await scope.run_blocking(set_env_variable, scope.home.env, scope.name, name, value)
