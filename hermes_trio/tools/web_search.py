"""The tool ``web_search``: asks the search service of the profile's settings, a SearXNG server or Brave's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.tools.tool import Tool, ToolError
from hermes_trio.tools.web_page import PACKED_HOW, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from hermes_trio.home.agent_config import WebConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

SEARXNG: Final = "searxng"
BRAVE: Final = "brave"
BRAVE_URL: Final = "https://api.search.brave.com/res/v1/web/search"
USUAL_RESULTS: Final = 5
MOST_RESULTS: Final = 20
LARGEST_ANSWER: Final = 2 * 1024 * 1024
LONGEST_QUERY: Final = 400
LONGEST_TEXT: Final = 1000


class _Hit(msgspec.Struct):
    """One result of either service."""

    title: str | None = None
    url: str | None = None
    content: str | None = None
    description: str | None = None


class _Hits(msgspec.Struct):
    results: list[_Hit] = []


class _Answer(msgspec.Struct):
    """SearXNG gives ``results``, Brave ``web.results``."""

    results: list[_Hit] = []
    web: _Hits | None = None


def search_provider(config: WebConfig) -> str | None:
    """Which service is asked: the one that is named, else the one there is an address or key for; or None."""
    able = {SEARXNG: bool(config.search_url), BRAVE: bool(config.search_api_key)}
    if config.search_provider:
        return config.search_provider if able.get(config.search_provider) else None
    return next((name for name, usable in able.items() if usable), None)


async def run_web_search(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Search the web.

    Raises:
        ToolError: The service cannot be reached, or does not answer as it should.
        EgressDenied: The profile's egress policy does not allow its host.
    """
    query = " ".join(str(arguments["query"]).split())[:LONGEST_QUERY]
    if not query:
        raise ToolError("the query is empty")
    wanted = arguments.get("limit")
    limit = max(1, min(wanted, MOST_RESULTS)) if isinstance(wanted, int) else USUAL_RESULTS
    hits = await _ask(scope, query, limit)
    usable = [hit for hit in hits if hit.url][:limit]
    return {"success": True, "data": {"web": [_result(hit, number) for number, hit in enumerate(usable, 1)]}}


def _result(hit: _Hit, position: int) -> Mapping[str, object]:
    text = hit.content or hit.description or ""
    title = (hit.title or "")[:LONGEST_TEXT]
    return {"title": title, "url": hit.url, "description": text[:LONGEST_TEXT], "position": position}


async def _ask(scope: ProfileScope, query: str, limit: int) -> list[_Hit]:
    import httpx

    config = scope.config.web
    provider = search_provider(config)
    if provider is None:
        raise ToolError("no search service is configured", mend="set web.search_url to a SearXNG server")
    client = scope.http.client()
    with trio.move_on_after(config.timeout):
        try:
            response = await client.send(_request(client, config, provider, query, limit), stream=True)
            try:
                return await _read_hits(response, provider)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise ToolError(f"the search service cannot be reached: {error}", where=provider) from error
    raise ToolError(f"the search service did not answer within {config.timeout:g} s", where=provider)


def _request(client: httpx.AsyncClient, config: WebConfig, provider: str, query: str, limit: int) -> httpx.Request:
    """The request to the service. The key is Brave's and goes to Brave only."""
    import httpx

    if provider == BRAVE:
        headers = {**PACKED_HOW, "X-Subscription-Token": config.search_api_key, "Accept": "application/json"}
        return client.build_request("GET", BRAVE_URL, params={"q": query, "count": limit}, headers=headers)
    try:
        url = httpx.URL(config.search_url.rstrip("/").removesuffix("/search") + "/search")
    except httpx.InvalidURL as error:
        raise ToolError("web.search_url is not a URL", mend="the user has to correct it in config.yaml") from error
    return client.build_request(
        "GET", url, params={"q": query, "format": "json"}, headers={**PACKED_HOW, "Accept": "application/json"}
    )


async def _read_hits(response: httpx.Response, provider: str) -> list[_Hit]:
    if response.status_code != 200:
        mend = None
        if provider == SEARXNG and response.status_code == 403:
            mend = "the user has to allow `json` under search.formats in the server's settings.yml"
        raise ToolError(f"the search service answered {response.status_code}", where=provider, mend=mend)
    received, too_large = await read_body(response, LARGEST_ANSWER)
    if too_large:
        raise ToolError("the search service's answer is too large", where=provider)
    try:
        answer = msgspec.json.decode(received, type=_Answer)
    except msgspec.DecodeError as error:
        raise ToolError("the search service's answer is not what was expected", where=provider) from error
    return answer.web.results if answer.web is not None else answer.results


def can_search(scope: ProfileScope) -> bool:
    """Whether the profile has a search service."""
    return search_provider(scope.config.web) is not None


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="web_search",
        description="Search the web. Read what looks right with web_extract.",
        parameters={
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS, "default": USUAL_RESULTS},
            },
            "required": ["query"],
        },
        toolset="web",
        run=run_web_search,
        usable=can_search,
    ),
)
