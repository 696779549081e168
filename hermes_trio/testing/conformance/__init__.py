"""The conformance kit: the checks that every adapter has to pass, ours and everybody else's.

Each check runs the adapter in two profiles at once, in a whole gateway in memory, against a stand-in for the platform.
The author gives a `PlatformRig`; see ``docs/adapters.md``::

    @pytest.mark.parametrize("check", conformance_checks(MyRig()), ids=str)
    async def test_conformance(check, autojump_clock):
        await check()
"""

from hermes_trio.testing.conformance.kit import Check, conformance_checks
from hermes_trio.testing.conformance.rig import (
    Effect,
    EffectKind,
    Moment,
    PlatformRig,
    StandIn,
    StandInBot,
    Trouble,
)

__all__ = [
    "Check",
    "Effect",
    "EffectKind",
    "Moment",
    "PlatformRig",
    "StandIn",
    "StandInBot",
    "Trouble",
    "conformance_checks",
]
