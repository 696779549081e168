"""An MCP server on stdin and stdout in plain Python, which starts at once and can misbehave. Run it as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

TOOLS = ["echo", "environment", "pid", "hang", "die", "grow", "child", "fail", "cancelled", "noise", "ask"]
cancelled: list[object] = []
hanging: list[object] = []


def send(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tool(name: str) -> dict[str, object]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return {"name": name, "description": f"The tool {name}.", "inputSchema": schema}


def text(value: object) -> dict[str, object]:
    return {"content": [{"type": "text", "text": value if isinstance(value, str) else json.dumps(value)}]}


def call(name: str, arguments: dict[str, object]) -> dict[str, object] | None:
    if name == "echo":
        return text(arguments.get("text", ""))
    if name == "environment":
        return text(dict(os.environ))
    if name == "pid":
        return text(os.getpid())
    if name == "die":
        os._exit(3)
    if name == "grow":
        TOOLS.append("late")
        send({"method": "notifications/tools/list_changed"})
        return text("grown")
    if name == "child":
        program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        return text(subprocess.Popen([sys.executable, "-S", "-c", program]).pid)
    if name == "fail":
        return {**text("it went wrong"), "isError": True}
    if name == "cancelled":
        return text(cancelled)
    if name == "noise":
        sys.stdout.write("this is not JSON\n")
        sys.stderr.write(f"a complaint with {os.environ.get('TOKEN')}\n")
        sys.stderr.flush()
        return text("noisy")
    if name == "ask":
        send({"id": "a question", "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}})
        return text(json.loads(sys.stdin.readline()))
    return None


def answer(message: dict[str, object]) -> None:
    method, params = message.get("method"), message.get("params") or {}
    assert isinstance(params, dict)
    if method == "notifications/cancelled":
        cancelled.append(params["requestId"])
    if "id" not in message:
        return
    result: dict[str, object] | None = {}
    if method == "initialize":
        info = {"name": "plain", "version": "1"}
        capabilities = {"tools": {"listChanged": True}}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": capabilities, "serverInfo": info}
    elif method == "tools/list":
        result = {"tools": [tool(name) for name in TOOLS]}
    elif method == "tools/call":
        result = call(params["name"], params.get("arguments") or {})
    if result is not None:
        send({"id": message["id"], "result": result})


def main() -> None:
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "silent":
        time.sleep(600)
    if mode == "broken":
        sys.exit("no such thing: " + os.environ.get("TOKEN", ""))
    for line in sys.stdin:
        answer(json.loads(line))
    while mode == "stubborn":
        time.sleep(600)


if __name__ == "__main__":
    main()
