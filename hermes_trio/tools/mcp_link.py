"""One open session with an MCP server, in our own types: the only file that asks the SDK's session for anything.

Importing this module imports the SDK; `hermes_trio.tools.mcp_sdk` does it when it is wanted.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Self

import mcp_types as wire
import pydantic
import trio
from mcp import ClientSession, MCPError

from hermes_trio import __version__
from hermes_trio.tools.mcp_errors import McpError
from hermes_trio.tools.mcp_http import ServerAddress, open_http_streams
from hermes_trio.tools.mcp_results import KeepMedia, result_text
from hermes_trio.tools.mcp_stdio import open_stdio
from hermes_trio.tools.mcp_tools import ListedTool
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from types import TracebackType

    from mcp.shared._stream_protocols import ReadStream, WriteStream
    from mcp.shared.message import SessionMessage

    from hermes_trio.home.agent_config import McpServerConfig
    from hermes_trio.io.child_process import ChildCommand
    from hermes_trio.io.http_client import ProfileHttp

MOST_PAGES: Final = 100
MOST_TOOLS: Final = 1000
MOST_ROUNDS: Final = 100
LONGEST_PAUSE: Final = 5.0

_ANSWER: Final = pydantic.TypeAdapter[wire.CallToolResult | wire.InputRequiredResult](
    wire.CallToolResult | wire.InputRequiredResult
)


class McpLink:
    """An open session.

    Args:
        session: The SDK's session, negotiated.
        ended: Set when the server has closed the connection.
    """

    def __init__(self, session: ClientSession, ended: trio.Event) -> None:
        self._session = session
        self.ended = ended

    @property
    def announces(self) -> bool:
        """Whether the server says of its own accord that its tools have changed; those of 2026 want to be asked."""
        return self._session.initialize_result is not None

    @classmethod
    @asynccontextmanager
    async def over_stdio(
        cls, command: ChildCommand, *, news: Callable[[], None], complain: Callable[[str], None]
    ) -> AsyncIterator[McpLink]:
        """A session with a child process; see `open_stdio`.

        Args:
            command: How to start it.
            news: Called when the connection is over or the server's tools may have changed.
            complain: Told each line the server writes to its stderr.

        Raises:
            ChildError: It cannot be started.
            McpError: It refuses us.
        """
        async with (
            open_stdio(command, complain) as streams,
            open_link(streams.incoming, streams.outgoing, news) as link,
        ):
            yield link

    @classmethod
    @asynccontextmanager
    async def over_http(
        cls, http: ProfileHttp, server: McpServerConfig, *, news: Callable[[], None]
    ) -> AsyncIterator[McpLink]:
        """A session over HTTP; see `open_http_streams`.

        Args:
            http: The profile's way out.
            server: The server's settings.
            news: Called when the connection may be over or the server's tools may have changed.

        Raises:
            McpError: It cannot be reached or refuses us.
        """
        address = ServerAddress(
            server.url, server.headers, server.connect_timeout, server.timeout, old_sse=server.transport == "sse"
        )
        async with (
            open_http_streams(http, address, news) as (incoming, outgoing),
            open_link(incoming, outgoing, news) as link,
        ):
            yield link

    async def list_tools(self) -> tuple[ListedTool, ...]:
        """All tools of the server; asking also shows whether it is still there.

        Raises:
            McpError: It does not answer properly.
        """
        capabilities = self._session.server_capabilities
        tools: list[ListedTool] = []
        with _server_errors():
            if capabilities is None or capabilities.tools is None:
                await self._session.send_ping()
                return ()
            cursor: str | None = None
            for _ in range(MOST_PAGES):
                page = await self._session.list_tools(params=wire.PaginatedRequestParams(cursor=cursor))
                tools += [ListedTool(one.name, one.description or "", one.input_schema) for one in page.tools]
                cursor = page.next_cursor
                if cursor is None or len(tools) >= MOST_TOOLS:
                    break
        return tuple(tools[:MOST_TOOLS])

    async def call(self, tool: str, arguments: Mapping[str, object], keep: KeepMedia) -> str:
        """Call a tool; a cancelled call is cancelled on the server too, which takes at most 5 s.

        What the server returns is not checked against the schema it announced for it: that is the server's affair, and
        its schemas are not trusted to be cheap to check.

        Raises:
            ToolError: The tool failed, or the connection did.
        """
        state: str | None = None
        for round_number in range(MOST_ROUNDS):
            answer = await self._ask(tool, arguments, state)
            if isinstance(answer, wire.CallToolResult):
                return await _text_of(answer, keep)
            if answer.input_requests:
                raise ToolError("the server wants to ask the user or the model something, which is refused")
            state = answer.request_state
            await trio.sleep(min(LONGEST_PAUSE, 0.05 * 2**round_number))
        raise ToolError("the server did not come to an end")

    async def _ask(
        self, tool: str, arguments: Mapping[str, object], state: str | None
    ) -> wire.CallToolResult | wire.InputRequiredResult:
        params = wire.CallToolRequestParams(name=tool, arguments=dict(arguments), request_state=state)
        try:
            return await self._session.send_request(wire.CallToolRequest(params=params), _ANSWER)
        except MCPError as exc:
            raise _call_failed(exc) from exc
        except pydantic.ValidationError as exc:
            raise ToolError("the server's answer does not follow the protocol") from exc


def _call_failed(exc: MCPError) -> ToolError:
    message = exc.error.message or f"the server answered with error {exc.error.code}"
    if exc.error.code != wire.CONNECTION_CLOSED:
        return ToolError(message)
    lost = "the connection to the server failed during the call, which may have been carried out or not"
    return ToolError(f"{lost}: {message}", code="mcp_connection_lost")


async def _text_of(answer: wire.CallToolResult, keep: KeepMedia) -> str:
    text = await result_text(answer, keep)
    if answer.is_error:
        raise ToolError(text)
    return text


@contextmanager
def _server_errors() -> Iterator[None]:
    """Translate what the SDK raises when a server refuses, breaks the protocol or has gone."""
    try:
        yield
    except MCPError as exc:
        raise McpError(exc.error.message or f"the server answered with error {exc.error.code}") from exc
    except pydantic.ValidationError as exc:
        raise McpError("the server's answer does not follow the protocol", found=_first_problem(exc)) from exc
    except RuntimeError as exc:  # the SDK's word for a version of the protocol that it does not know
        raise McpError(str(exc)) from exc


def _first_problem(error: pydantic.ValidationError) -> str:
    """Where an answer is wrong; not what stood there, which may be anything."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


@asynccontextmanager
async def open_link(
    incoming: ReadStream[SessionMessage | Exception], outgoing: WriteStream[SessionMessage], news: Callable[[], None]
) -> AsyncIterator[McpLink]:
    """A session over two streams of messages.

    Args:
        incoming: The server's messages.
        outgoing: Ours.
        news: Called when the connection is over or the server's tools may have changed.

    Raises:
        McpError: The server refuses us.
    """
    ended = trio.Event()

    def over() -> None:
        ended.set()
        news()

    async def hear(message: object) -> None:
        if isinstance(message, wire.ToolListChangedNotification):
            news()
        await trio.lowlevel.checkpoint()

    # No callbacks for sampling, roots and elicitation: the SDK then refuses them and does not offer them.
    client = wire.Implementation(name="hermes-trio", version=__version__)
    watched = _WatchedStream(incoming, over)
    async with ClientSession(watched, outgoing, message_handler=hear, client_info=client) as session:
        with _server_errors():
            await _negotiate(session)
        yield McpLink(session, ended)


async def _negotiate(session: ClientSession) -> None:
    """Agree on a version of the protocol.

    First the handshake that servers of 2024 and 2025 know and those of 2026 may refuse, then what came in its place.
    The other way round some servers end on the unknown first message, and others never answer it.
    """
    try:
        await session.initialize()
    except MCPError as refusal:
        if refusal.error.code == wire.CONNECTION_CLOSED:
            raise
        try:
            await session.discover()
        except (MCPError, RuntimeError, pydantic.ValidationError):
            raise refusal from None


class _WatchedStream:
    """A stream of messages that tells when it ends, which the SDK's session keeps to itself."""

    def __init__(self, stream: ReadStream[SessionMessage | Exception], over: Callable[[], None]) -> None:
        self._stream = stream
        self._over = over

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._over()
            raise

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        return await self._stream.receive()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
