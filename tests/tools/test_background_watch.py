"""What is reported of commands in the background."""

from __future__ import annotations

from hermes_trio.io.child_output import Tail
from hermes_trio.tools.background_store import ProcessEntry
from hermes_trio.tools.background_watch import ProcessNotice, Watch, describe_notice

SERVER = ProcessEntry("proc_1", "serve\n --all", 7, notify_on_complete=True, watch_patterns=("ready", "ERROR"))


async def test_the_end_is_reported_with_the_last_output(autojump_clock):
    notices: list[ProcessNotice] = []
    watched = Watch(Tail(10_000), SERVER, notices.append)
    watched.feed(b"x" * 5000 + b"\nlast words ready")
    watched.finish(3)
    line, end = notices
    assert (line.line[-5:], line.exit_code) == ("ready", None)
    assert (end.exit_code, len(end.output), end.output[-16:]) == (3, 2000, "last words ready")


def test_a_notice_reads_as_a_message_to_the_agent():
    assert describe_notice(ProcessNotice(SERVER, 3, output="boom\n")) == (
        "[Background process proc_1 (serve --all) has ended with exit code 3.]\nIts last output:\nboom\n"
    )
    assert describe_notice(ProcessNotice(SERVER, 0)).endswith("exit code 0.]\nIt wrote nothing.")
    assert describe_notice(ProcessNotice(SERVER, None, "now ready")) == (
        "[Background process proc_1 (serve --all) has written a line you wait for.]\nnow ready"
    )
    assert describe_notice(ProcessNotice(SERVER, None, "ERROR", 4)).endswith("that were not reported: 4.")
    assert "its exit code and its output are not known" in describe_notice(ProcessNotice(SERVER, lost=True))
