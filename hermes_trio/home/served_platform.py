"""What the two platforms that are served over HTTP, ``api_server`` and ``webhook``, have in common in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hermes_trio.home.section import Section, first_with

if TYPE_CHECKING:
    from hermes_trio.home.variables import Variables

HIGHEST_PORT: Final = 65535


class Switch(NamedTuple):
    """What the user says about a platform: yes, no, both or nothing; ``no`` counts more."""

    yes: bool
    no: bool


def layers_of(name: str, top: Section, gateway: Section) -> tuple[Section, ...]:
    """Where a platform's settings may stand, strongest first."""
    sections = (top.section("platforms").section(name), gateway.section("platforms").section(name))
    return (*(layer for section in sections for layer in (section.section("extra"), section)), top.section(name))


def text_in(layers: tuple[Section, ...], key: str) -> str:
    """A text without blanks around it; empty when it is nowhere."""
    return first_with(key, *layers).text(key).strip()


def decode_switch(name: str, layers: tuple[Section, ...], variables: Variables) -> Switch:
    """Whether a platform is switched on or off, in the settings or by ``<NAME>_ENABLED``; disagreement is remarked."""
    variable = f"{name.upper()}_ENABLED"
    written = first_with("enabled", *layers).optional_boolean("enabled")
    by_variable = variables.boolean(variable, f"platforms.{name}.enabled")
    switch = Switch(bool(written or by_variable), written is False or by_variable is False)
    if switch.yes and switch.no:
        first_with("enabled", *layers).note("value_ignored", "enabled", f"{variable} disagrees; off counts")
    return switch


def decode_port(name: str, layers: tuple[Section, ...], variables: Variables) -> int | None:
    """The port, also in ``<NAME>_PORT``, which wins; None when it is nowhere."""
    port = variables.integer(f"{name.upper()}_PORT", f"platforms.{name}.extra.port", maximum=HIGHEST_PORT)
    if port is not None:
        return port
    return first_with("port", *layers).optional_integer("port", minimum=0, maximum=HIGHEST_PORT)
