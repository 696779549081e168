"""``hermes-trio`` on a disk that hangs at the end: the last write of the status file never returns."""

import threading

from hermes_trio.cli.main import main
from hermes_trio.gateway import status_file

write_for_real = status_file.write_status


def write_or_hang(home, status) -> None:
    """Write like the original, but for the last time for ever."""
    if status.gateway_state == "stopped":
        threading.Event().wait()
    write_for_real(home, status)


status_file.write_status = write_or_hang

if __name__ == "__main__":
    main()
