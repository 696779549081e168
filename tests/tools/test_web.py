"""Fetching pages, reading them, and searching the web."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
import time
import zlib

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.home.agent_config import WebConfig
from hermes_trio.io.egress import EgressDenied, EgressGate
from hermes_trio.tools.tool import ToolError
from hermes_trio.tools.web_extract import read_page
from hermes_trio.tools.web_page import LARGEST_PAGE, MOST_LOOKUPS, Page, fetch_page
from hermes_trio.tools.web_search import can_search, search_provider
from tests.tools.web_rig import OTHER, PUBLIC, Site, moved, open_person

ARTICLE = """<!doctype html><html><head><title>Storm &amp; light</title><script>evil()</script></head><body>
<nav><a href="/">Home</a> <a href="/sport">Sport</a></nav><article><h1>The lighthouse is closed</h1>
<p>The old lighthouse at Cape Hope was closed on Friday after waves, some of them ten metres high, broke its door.</p>
<p>Repairs will take <b>three weeks</b>, says the <a href="/office">harbour office</a>, and will cost 40,000 crowns.</p>
<ul><li>Keep two miles off the cape.</li><li>Report on channel 16.</li></ul></article>
<footer>All rights reserved</footer></body></html>"""


# -- fetching ----------------------------------------------------------------------------------------------------------


async def test_a_page_is_fetched_from_the_address_that_was_checked(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["news.example"] = [PUBLIC]
        ada.web.pages["news.example/a?b=c"] = Site("hello", headers={"Content-Type": "Text/Plain; Charset=utf-8"})
        page = await fetch_page(ada.scope, "http://news.example/a?b=c")
        assert (page.url, page.media_type, page.text()) == ("http://news.example/a?b=c", "text/plain", "hello")
        assert ada.web.places == [("http", PUBLIC, 80)]
        assert ada.web.resolved == ["news.example"]


async def test_tls_goes_to_the_checked_address_too(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["news.example"] = [PUBLIC]
        ada.web.pages["news.example/"] = Site("hello")
        assert (await fetch_page(ada.scope, "https://news.example/")).text() == "hello"
        assert ada.web.places == [("https", PUBLIC, 443)]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:192.168.0.1"])
async def test_a_name_that_leads_to_a_private_address_is_not_connected_to(tmp_path, autojump_clock, address):
    async with open_person(tmp_path) as ada:
        ada.web.names["rebind.example"] = [PUBLIC, address]
        with pytest.raises(ToolError, match="is not fetched") as caught:
            await fetch_page(ada.scope, "http://rebind.example/")
        assert caught.value.code == "url_refused"
        assert ada.web.places == []


async def test_a_name_that_changes_its_address_afterwards_gains_nothing(tmp_path, autojump_clock):
    """Rebinding: the name server says something else when it is asked again. We never ask again."""
    async with open_person(tmp_path) as ada:
        ada.web.names["rebind.example"] = [PUBLIC]
        ada.web.pages["rebind.example/"] = Site("hello")
        await fetch_page(ada.scope, "http://rebind.example/")
        ada.web.names["rebind.example"] = ["127.0.0.1"]
        with pytest.raises(ToolError, match="private address"):
            await fetch_page(ada.scope, "http://rebind.example/")
        assert ada.web.places == [("http", PUBLIC, 80)]


async def test_a_connection_somebody_else_opened_to_the_name_is_not_used(tmp_path, autojump_clock):
    """A model provider's connection was not checked: it may lead anywhere."""
    async with open_person(tmp_path) as ada:
        ada.web.pages["news.example/"] = Site("hello")
        ada.web.names["news.example"] = [PUBLIC]
        await ada.scope.http.client().get("http://news.example/")
        await fetch_page(ada.scope, "http://news.example/")
        assert [host for _, host, _ in ada.web.places] == ["news.example", PUBLIC]


async def test_behind_a_proxy_a_name_only_the_proxy_knows_is_left_to_it(tmp_path, autojump_clock):
    async with open_person(tmp_path, {"network": {"proxy": "http://proxy.lan:3128"}}) as ada:
        ada.web.pages["outside.example/"] = Site("hello")
        ada.web.names["inside.example"] = ["10.0.0.1"]
        assert (await fetch_page(ada.scope, "http://outside.example/")).text() == "hello"
        for url in ("http://inside.example/", "http://localhost/", "http://127.0.0.1/", "http://metadata/"):
            with pytest.raises(ToolError, match="is not fetched"):
                await fetch_page(ada.scope, url)
        assert ada.web.places == [("http", "outside.example", 80)]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8642/health", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://2130706433/",
        "http://0x7f.1/", "http://localhost/", "http://localhost./", "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/", "http://[fd00:ec2::254]/", "http://0/", "http://10.0.0.1:2375/",
    ],
)  # fmt: skip
async def test_private_places_are_refused_however_they_are_written(tmp_path, autojump_clock, url):
    async with open_person(tmp_path) as ada:
        with pytest.raises(ToolError):
            await fetch_page(ada.scope, url)
        assert ada.web.places == []


async def test_the_user_can_open_private_addresses_but_not_metadata_services(tmp_path, autojump_clock):
    async with open_person(tmp_path, {"security": {"allow_private_urls": True}}) as ada:
        ada.web.pages["127.0.0.1:9/"] = Site("mine")
        assert (await fetch_page(ada.scope, "http://127.0.0.1:9/")).text() == "mine"
        with pytest.raises(ToolError, match="metadata"):
            await fetch_page(ada.scope, "http://169.254.169.254/")


async def test_every_redirect_is_checked(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names |= {"a.example": [PUBLIC], "b.example": [OTHER]}
        ada.web.pages |= {
            "a.example/": moved("//b.example/there?x"),
            "b.example/there?x": moved("end"),
            "b.example/end": Site("arrived"),
            "a.example/in": moved("http://127.0.0.1/admin"),
            "a.example/file": moved("file:///etc/passwd"),
        }
        page = await fetch_page(ada.scope, "http://a.example/")
        assert (page.url, page.text()) == ("http://b.example/end", "arrived")
        with pytest.raises(ToolError, match="private address"):
            await fetch_page(ada.scope, "http://a.example/in")
        with pytest.raises(ToolError, match="not a usable URL"):
            await fetch_page(ada.scope, "http://a.example/file")
        assert {host for _, host, _ in ada.web.places} == {PUBLIC, OTHER}


async def test_five_redirects_are_followed_and_no_more(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages |= {f"a.example/{n}": moved(f"/{n + 1}") for n in range(6)}
        ada.web.pages["a.example/6"] = Site("arrived")
        assert (await fetch_page(ada.scope, "http://a.example/1")).text() == "arrived"
        with pytest.raises(ToolError, match="more than 5 redirects"):
            await fetch_page(ada.scope, "http://a.example/0")


async def test_no_cookie_is_sent_to_anybody(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/"] = Site("x", headers={"Set-Cookie": "id=1; Path=/"})
        for _ in range(2):
            await fetch_page(ada.scope, "http://a.example/")
        assert all("cookie" not in request.headers for request in ada.web.requests)


async def test_the_next_address_is_tried_when_one_does_not_answer(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC, OTHER]
        ada.web.closed.add(PUBLIC)
        ada.web.pages["a.example/"] = Site("hello")
        assert (await fetch_page(ada.scope, "http://a.example/")).text() == "hello"
        ada.web.closed.add(OTHER)
        ada.web.names["b.example"] = [PUBLIC, OTHER]
        with pytest.raises(ToolError, match="Connection refused"):
            await fetch_page(ada.scope, "http://b.example/")


async def test_a_page_is_cut_off_at_its_limit(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/"] = Site(b"x" * 1000)
        page = await fetch_page(ada.scope, "http://a.example/", most=300)
        assert (len(page.data), page.truncated) == (300, True)
        page = await fetch_page(ada.scope, "http://a.example/", most=1000)
        assert (len(page.data), page.truncated) == (1000, False)


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_packed_pages_are_unpacked_and_never_beyond_the_limit(tmp_path, autojump_clock, name, pack):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/"] = Site(pack(b"hello"), headers={"Content-Encoding": name})
        ada.web.pages["a.example/bomb"] = Site(pack(bytes(8_000_000)), headers={"Content-Encoding": name})
        assert (await fetch_page(ada.scope, "http://a.example/")).data == b"hello"
        page = await fetch_page(ada.scope, "http://a.example/bomb")
        assert (len(page.data), page.truncated) == (LARGEST_PAGE, True)


async def test_a_page_packed_wrongly_or_strangely_is_an_error(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/"] = Site(b"not packed", headers={"Content-Encoding": "gzip"})
        ada.web.pages["a.example/br"] = Site(b"?", headers={"Content-Encoding": "br"})
        for path in ("", "br"):
            with pytest.raises(ToolError, match="pack"):
                await fetch_page(ada.scope, f"http://a.example/{path}")


async def test_errors_and_silence_of_servers_are_told(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        with pytest.raises(ToolError, match="answered 404"):
            await fetch_page(ada.scope, "http://a.example/missing")
        with pytest.raises(ToolError, match="no such host"):
            await fetch_page(ada.scope, "http://nowhere.example/")
        ada.web.silent = True
        began = trio.current_time()
        with pytest.raises(ToolError, match="not fetched within 45 s"):
            await fetch_page(ada.scope, "http://a.example/slow")
        assert trio.current_time() - began == pytest.approx(45)


async def test_the_egress_policy_is_asked_before_a_name_is_resolved(tmp_path, autojump_clock):
    class Rules:
        def allows(self, host, port):
            return host == "good.example"

    async with open_person(tmp_path) as ada:
        ada.scope.http.egress = EgressGate(Rules(), enforce=True, report=lambda line: None)
        ada.web.names |= {"good.example": [PUBLIC]}
        ada.web.pages["good.example/"] = moved("http://bad.example/")
        with pytest.raises(EgressDenied):
            await fetch_page(ada.scope, "http://bad.example/")
        assert ada.web.resolved == []
        with pytest.raises(EgressDenied):
            await fetch_page(ada.scope, "http://good.example/")
        assert ada.web.resolved == ["good.example"]


# -- reading -----------------------------------------------------------------------------------------------------------


def page_of(data, media_type="text/html", charset="", truncated=False):
    data = data.encode() if isinstance(data, str) else data
    return Page("http://a.example/p", media_type, charset, data, truncated)


def test_an_article_becomes_markdown_without_what_is_around_it():
    title, text = read_page(page_of(ARTICLE))
    assert title == "Storm & light"
    assert text.startswith("# The lighthouse is closed")
    assert "**three weeks**" in text
    assert "[harbour office](http://a.example/office)" in text
    assert "- Report on channel 16." in text
    assert "evil" not in text
    assert "Sport" not in text


def test_a_page_without_an_article_is_given_whole():
    rows = "".join(f"<li><a href='/{n}'>Entry number {n}</a></li>" for n in range(8))
    _, text = read_page(page_of(f"<html><body><ul>{rows}</ul></body></html>"))
    assert "Entry number 7" in text


def test_plain_text_and_json_are_given_as_they_are():
    assert read_page(page_of('{"a": 1}\n', "application/json")) == ("", '{"a": 1}')
    assert read_page(page_of("# Notes\n\ntext", "text/markdown")) == ("", "# Notes\n\ntext")
    assert read_page(page_of("<feed/>", "application/atom+xml")) == ("", "<feed/>")


@pytest.mark.parametrize("media_type", ["application/pdf", "image/png", "application/octet-stream", "video/mp4"])
def test_what_is_no_text_is_refused(media_type):
    with pytest.raises(ToolError, match="only text can be read"):
        read_page(page_of(b"%PDF-1.7", media_type))


@pytest.mark.parametrize(
    "text", ["", "<html><body></body></html>", "<html><script>x()</script></html>", "<div>" * 3000]
)
def test_a_page_without_text_says_so(text):
    with pytest.raises(ToolError, match="no text of its own"):
        read_page(page_of(text))


PIECES = st.sampled_from(
    ["<p>", "</p>", "<table><tr><td>", "<a href=", "&#0;", "\0", "<!--", "]]>", "<svg>", "x" * 300, "&", "<"]
)


@settings(max_examples=40)
@given(st.lists(PIECES | st.text(max_size=20), max_size=12))
def test_no_page_is_an_error_of_ours(pieces):
    text = "<html><body>" + "".join(pieces)
    with contextlib.suppress(ToolError):
        _, found = read_page(page_of(text.encode("utf-8", "replace")))
        assert found.strip()


def test_a_page_that_trips_the_parser_fails_alone(monkeypatch):
    def trip(*args, **options):
        raise RecursionError

    monkeypatch.setattr("trafilatura.extract", trip)
    with pytest.raises(ToolError, match="cannot be read: RecursionError"):
        read_page(page_of(ARTICLE))


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Grüße".encode(), "", "Grüße"),
        ("Grüße".encode("latin-1"), "", "Grüße"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("“x”".encode("cp1252"), "cp1252", "“x”"),
        (b'<meta charset="shift_jis">' + "灯台".encode("shift_jis"), "", '<meta charset="shift_jis">灯台'),
        (b'<meta charset="no-such-thing">x', "", '<meta charset="no-such-thing">x'),
        (b'<meta charset="base64">x', "", '<meta charset="base64">x'),
        ("\ufeffx".encode("utf-16"), "", "\ufeffx"),
        ("x".encode("utf-8-sig"), "", "x"),
        (b"a\xffb", "utf-8", "a\ufffdb"),
    ],
)
def test_text_is_decoded_as_browsers_do(data, charset, text):
    assert page_of(data, charset=charset).text().removeprefix("\ufeff") == text.removeprefix("\ufeff")


def test_a_character_cut_off_at_the_end_does_not_change_the_encoding():
    assert page_of("Grüße".encode()[:-4], truncated=True).text() == "Gr\ufffd"


async def test_pages_are_extracted_side_by_side_and_each_says_what_went_wrong(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/1"] = Site(ARTICLE)
        ada.web.pages["a.example/2"] = Site("x" * 400, headers={"Content-Type": "text/plain"})
        urls = ["http://a.example/1", "http://10.0.0.1/", "http://a.example/2", "http://a.example/3"]
        reply = await ada.call("web_extract", urls=urls, char_limit=100)
        first, second, third, fourth = reply["results"]
        assert first["title"] == "Storm & light"
        assert first["content"].startswith("# The lighthouse")
        assert "private address" in second["error"]
        assert third["content"] == "x" * 100
        assert third["note"] == "The first 100 of 400 characters; ask for more with char_limit."
        assert "404" in fourth["error"]


@pytest.mark.slow
def test_the_extraction_library_is_not_imported_before_it_is_needed():
    code = (
        "import sys, hermes_trio.tools.web_extract, hermes_trio.tools.web_search, hermes_trio.tools.vision, "
        "hermes_trio.tools.skills_manage; print('trafilatura' in sys.modules or 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "False"


# -- searching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "provider"),
    [
        (WebConfig(), None),
        (WebConfig(search_url="http://s/"), "searxng"),
        (WebConfig(search_api_key="k"), "brave"),
        (WebConfig(search_url="http://s/", search_api_key="k"), "searxng"),
        (WebConfig("brave", search_url="http://s/", search_api_key="k"), "brave"),
        (WebConfig("brave", search_url="http://s/"), None),
        (WebConfig("searxng", search_api_key="k"), None),
        (WebConfig("firecrawl", search_url="http://s/", search_api_key="k"), None),
    ],
)
def test_the_search_service_is_the_one_that_is_named_or_the_one_that_is_there(config, provider):
    assert search_provider(config) == provider


async def test_without_a_search_service_there_is_no_search_tool(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        assert not can_search(ada.scope)
        with pytest.raises(ToolError, match="no search service"):
            await ada.call("web_search", query="lighthouse")


JSON = {"Content-Type": "application/json"}


async def test_searxng_is_asked_for_json(tmp_path, autojump_clock):
    config = {"web": {"search_url": "http://search.lan:8080/", "search_api_key": "brave-key-123456"}}
    async with open_person(tmp_path, config) as ada:
        body = (
            '{"results": [{"title": "A", "url": "http://a/", "content": "about a", "engine": "x"}, {"title": "no url"},'
        )
        ada.web.pages["search.lan:8080/search?q=light+house&format=json"] = Site(
            body + '{"title": null, "url": "http://b/"}, {"url": "http://c/"}]}', headers=JSON
        )
        assert can_search(ada.scope)
        reply = await ada.call("web_search", query=" light  house ", limit=2)
        assert reply == {
            "success": True,
            "data": {
                "web": [
                    {"title": "A", "url": "http://a/", "description": "about a", "position": 1},
                    {"title": "", "url": "http://b/", "description": "", "position": 2},
                ]
            },
        }
        assert ada.web.places == [("http", "search.lan", 8080)]
        assert "brave-key-123456" not in str(ada.web.requests)


async def test_brave_gets_its_key(tmp_path, autojump_clock):
    async with open_person(tmp_path, {"web": {"search_provider": "brave"}}, {"BRAVE_SEARCH_API_KEY": "key-1"}) as ada:
        ada.web.pages["api.search.brave.com/res/v1/web/search?q=x&count=5"] = Site(
            '{"web": {"results": [{"title": "A", "url": "http://a/", "description": "d"}]}}', headers=JSON
        )
        reply = await ada.call("web_search", query="x")
        assert reply["data"]["web"] == [{"title": "A", "url": "http://a/", "description": "d", "position": 1}]
        assert ada.web.places == [("https", "api.search.brave.com", 443)]
        assert ada.web.requests[0].headers["x-subscription-token"] == "key-1"


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (Site("no", 403), "search.formats"),
        (Site("no", 500), "answered 500"),
        (Site("<html>"), "not what was expected"),
        (Site('{"results": 1}'), "not what was expected"),
        (Site(b'{"results": ["' + b"x" * 3_000_000), "too large"),
    ],
)
async def test_a_search_service_that_fails_says_how(tmp_path, autojump_clock, site, words):
    async with open_person(tmp_path, {"web": {"search_url": "http://s"}}) as ada:
        ada.web.pages["s/search?q=x&format=json"] = site
        with pytest.raises(ToolError) as caught:
            await ada.call("web_search", query="x")
        assert words in str(caught.value)


async def test_a_search_service_that_is_silent_or_away_is_given_up(tmp_path, autojump_clock):
    async with open_person(tmp_path, {"web": {"search_url": "http://s", "timeout": 3}}) as ada:
        ada.web.silent = True
        with pytest.raises(ToolError, match="did not answer within 3 s"):
            await ada.call("web_search", query="x")
        ada.web.closed.add("s")
        with pytest.raises(ToolError, match="cannot be reached"):
            await ada.call("web_search", query="x")


# -- the egress policy of a profile ------------------------------------------------------------------------------------


async def test_an_enforced_policy_holds_for_everything_the_profile_does(tmp_path, autojump_clock):
    config = {
        "model": {"default": "m", "provider": "custom", "base_url": "http://models.example:8000/v1"},
        "security": {"egress": {"mode": "enforce", "allow": ["*.good.example"]}},
        "web": {"search_url": "http://search.example"},
    }
    async with open_person(tmp_path, config) as ada:
        ada.web.names |= {"a.good.example": [PUBLIC], "bad.example": [OTHER]}
        ada.web.pages |= {"a.good.example/": Site(ARTICLE), "models.example:8000/v1/models": Site("{}")}
        urls = ["http://a.good.example/", "http://bad.example/", "http://models.example:8001/"]
        good, *bad = (await ada.call("web_extract", urls=urls))["results"]
        assert "lighthouse" in good["content"]
        assert all("not allowed" in result["error"] for result in bad)
        with pytest.raises(EgressDenied):
            await ada.call("web_search", query="x")
        assert (await ada.scope.http.client().get("http://models.example:8000/v1/models")).text == "{}"
        assert {host for _, host, _ in ada.web.places} == {PUBLIC, "models.example"}


async def test_a_reporting_policy_writes_one_line_for_a_host(tmp_path, autojump_clock):
    async with open_person(tmp_path, {"security": {"egress": {"mode": "report"}}}) as ada:
        ada.web.names["a.example"] = [PUBLIC]
        ada.web.pages["a.example/"] = Site(ARTICLE)
        for _ in range(3):
            assert (await fetch_page(ada.scope, "http://a.example/")).data
        await trio.sleep(1)
        (line,) = (line for line in ada.log_lines() if "egress" in line)
        assert "a.example:80 would be stopped" in line


async def test_a_profile_looks_up_a_few_names_at_once(tmp_path, autojump_clock, monkeypatch):
    running: set[str] = set()
    most: list[int] = []

    async def look_up(host, _port):
        running.add(host)
        most.append(len(running))
        await trio.sleep(5)
        running.remove(host)
        return ()

    async def fetch(number: int) -> None:
        with contextlib.suppress(ToolError):
            await fetch_page(ada.scope, f"http://slow{number}.org/")

    monkeypatch.setattr("hermes_trio.tools.web_page.resolve", look_up)
    async with open_person(tmp_path) as ada, trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(fetch, number)
    assert (max(most), len(most)) == (MOST_LOOKUPS, 12)


PARAGRAPH = "<p>The old lighthouse at Cape Hope was closed on Friday after waves broke its door.</p>"
MANY = " ".join(f"a{number}=1" for number in range(60_000))
QUOTED = MANY.replace("=1", '=">"')
SLASHES = MANY.replace("=1 ", "/")


@pytest.mark.slow
@pytest.mark.parametrize(
    "tag",
    [
        f"<p {MANY}>",
        f"<p {QUOTED}>",
        f"<p\n{SLASHES}>",
        f"<!-- <x a=' --><p {MANY}>",
        f"<script>'<x a=\"'</script><p {MANY}>",
        f"<{'x' * 500_000}>",
        "<a " * 200_000,
        "<a b='" * 100_000,
        "<a href=x>b</a>" * 60_000,
    ],
    ids=["plain", "quoted", "slashes", "behind a comment", "behind a script", "name", "open", "quotes", "links"],
)
def test_a_page_made_to_be_slow_takes_seconds_only(tag):
    """A tag with as many attributes takes the parser more than ten seconds, with all that fit a page minutes."""
    began = time.process_time()
    page = Page("http://x.test/", "text/html", "", f"<html><body>{PARAGRAPH}{tag}x</body></html>".encode(), False)
    with contextlib.suppress(ToolError):
        read_page(page)
    assert time.process_time() - began < 8


def test_a_tag_with_a_long_attribute_loses_no_text():
    text = f'<html><body><div data-state="{"x" * 10_000}">{PARAGRAPH}</div></body></html>'
    page = Page("http://x.test/", "text/html", "", text.encode(), False)
    assert "closed on Friday" in read_page(page)[1]
