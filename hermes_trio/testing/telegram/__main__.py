"""The fake as a process of its own: ``python -m hermes_trio.testing.telegram --port 0``.

Prints its port on a line by itself as soon as it accepts connections, and runs until SIGTERM or SIGINT. Tests drive it
over HTTP; see `hermes_trio.testing.telegram.control`::

    curl -d '{"token": "42:secret", "text": "hello"}' http://127.0.0.1:PORT/_control/messages
    curl -d '{"kind": "drop_after", "method": "sendMessage"}' http://127.0.0.1:PORT/_control/faults
    curl 'http://127.0.0.1:PORT/_control/sent?since=0&wait=5'
"""

from __future__ import annotations

from hermes_trio.testing.process import platform_command
from hermes_trio.testing.telegram.fake import open_fake_telegram

main = platform_command(__doc__, open_fake_telegram, lambda platform: platform.address)

if __name__ == "__main__":
    main()
