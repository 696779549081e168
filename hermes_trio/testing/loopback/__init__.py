"""The loopback platform: a small chat platform of our own, for tests and as the example for authors of adapters.

Unlike most real platforms it takes idempotency keys, so that a test can demand that nothing is ever said twice. Its
adapter is `hermes_trio.testing.loopback.adapter`; a profile's settings name it ``loopback``.

Example::

    async with open_loopback() as server:
        ada = server.bot("ada-token", "ada")
        ...  # start the program under test with server.url
        await server.says(ada, "hello")
        answer = await server.wait_for(lambda done: done.action == "send")
        assert "hello" in answer.text
"""

from hermes_trio.testing.faults import Fault, FaultKind
from hermes_trio.testing.loopback.server import LOOPBACK_TEST_HOST, LoopbackServer, NothingHappened, open_loopback
from hermes_trio.testing.loopback.state import BotState, Done, LoopbackFile, LoopbackMessage

__all__ = [
    "LOOPBACK_TEST_HOST",
    "BotState",
    "Done",
    "Fault",
    "FaultKind",
    "LoopbackFile",
    "LoopbackMessage",
    "LoopbackServer",
    "NothingHappened",
    "open_loopback",
]
