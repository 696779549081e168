"""What finding a message's route costs: ``python -m tests.bench.bench_routes [--routes N]``.

Half the routes name a topic, a quarter a chat, a quarter a sender. Microseconds per message.
"""

from __future__ import annotations

import argparse
import time

from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.route_table import RouteTable, build_route_table, explain_candidates, resolve_route
from hermes_trio.routing.source import MessageSource

ROUNDS = 20_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=int, default=1000)
    count = parser.parse_args().routes
    began = time.perf_counter()
    table = build_route_table(map(route, range(count)))
    print(f"build            {1e6 * (time.perf_counter() - began):10.1f}")
    messages = {
        "by sender": message(user=4 * (count // 4) - 1),
        "by topic": message(chat=0, thread=0),
        "by chat": message(chat=2),
        "none": message(),
    }
    for name, source in messages.items():
        print(f"resolve, {name:9}{measure(table, source):9.1f}")
    began = time.perf_counter()
    explain_candidates(table, "default", message())
    print(f"explain          {1e6 * (time.perf_counter() - began):10.1f}")


def route(number: int) -> RouteConfig:
    """One of many routes."""
    if number % 4 == 3:
        return RouteConfig("a", "telegram", user_id=str(number))
    return RouteConfig("a", "telegram", chat_id=f"-{number}", thread_id=None if number % 4 == 2 else str(number))


def message(chat: int = -1, thread: int = -1, user: int = -1) -> MessageSource:
    """A message to a forum."""
    return MessageSource("telegram", "group", f"-{chat}", str(thread), str(user))


def measure(table: RouteTable, source: MessageSource) -> float:
    """Microseconds of one resolution."""
    began = time.perf_counter()
    for _ in range(ROUNDS):
        resolve_route(table, "default", source)
    return 1e6 * (time.perf_counter() - began) / ROUNDS


if __name__ == "__main__":
    main()
