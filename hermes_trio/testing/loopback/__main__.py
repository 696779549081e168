"""The platform as a process of its own: ``python -m hermes_trio.testing.loopback --port 0``.

Prints its port on a line by itself as soon as it accepts connections, and runs until SIGTERM or SIGINT. Tests drive it
over HTTP; see `hermes_trio.testing.loopback.control`::

    curl -d '{"token": "secret", "text": "hello"}' http://127.0.0.1:PORT/_control/messages
    curl -d '{"kind": "drop_after", "method": "send"}' http://127.0.0.1:PORT/_control/faults
    curl 'http://127.0.0.1:PORT/_control/done?since=0&wait=5'
"""

from __future__ import annotations

from hermes_trio.testing.loopback.server import open_loopback
from hermes_trio.testing.process import platform_command

main = platform_command(__doc__, open_loopback, lambda platform: platform.url)

if __name__ == "__main__":
    main()
