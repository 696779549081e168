"""Which hosts ``security.egress.allow`` allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.agent_config import AuxiliaryConfig, EgressConfig
from hermes_trio.home.config import (
    ApiServerConfig,
    FallbackConfig,
    ModelConfig,
    ModelRoute,
    ProfileConfig,
    ProviderConfig,
)
from hermes_trio.home.egress import configured_provider_urls, make_egress_rules, parse_rule, place_of, plain_host


def allowed(entries, host, port=443, providers=()):
    rules = make_egress_rules(EgressConfig("enforce", tuple(entries)), providers)
    return rules.allows(host, port)


def test_switched_off_there_are_no_rules():
    assert make_egress_rules(EgressConfig("off", ("a.org",))) is None


def test_an_empty_list_allows_nothing():
    assert not allowed([], "a.org")


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("example.org", "example.org", 443),
        ("example.org", "example.org", 8080),
        ("Example.ORG.", "example.org", 80),
        ("example.org", "EXAMPLE.org.", 80),
        ("*.example.org", "a.example.org", 443),
        ("*.example.org", "a.b.example.org", 443),
        ("example.org:8443", "example.org", 8443),
        ("*.example.org:8443", "a.example.org", 8443),
        ("bücher.example", "xn--bcher-kva.example", 443),
        ("127.0.0.1", "127.0.0.1", 11434),
        ("127.0.0.1:11434", "127.0.0.1", 11434),
        ("::1", "[::1]", 80),
        ("[::1]:80", "::1", 80),
        ("0:0:0:0:0:0:0:1", "::1", 80),
        ("https://example.org/path", "example.org", 443),
        ("http://example.org:81", "example.org", 81),
        ("*", "anything.example", 1),
        ("*:443", "anything.example", 443),
        ("my_host", "my_host", 80),
    ],
)
def test_what_is_allowed(entry, host, port):
    assert allowed([entry], host, port)


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("example.org", "a.example.org", 443),
        ("example.org", "badexample.org", 443),
        ("example.org", "example.org.evil.net", 443),
        ("*.example.org", "example.org", 443),
        ("*.example.org", "badexample.org", 443),
        ("*.example.org", "a.example.org.evil.net", 443),
        ("example.org:8443", "example.org", 443),
        ("*.0.0.1", "127.0.0.1", 443),
        ("127.0.0.1", "2130706433", 443),
        ("127.0.0.1", "0x7f.1", 443),
        ("https://example.org", "example.org", 80),
        ("*:443", "anything.example", 80),
        ("ex*mple.org", "example.org", 443),
        ("*example.org", "badexample.org", 443),
        ("bücher.example", "bucher.example", 443),
        ("", "", 443),
        (".", "", 443),
        ("*.", "a", 443),
    ],
)
def test_what_is_not(entry, host, port):
    assert not allowed([entry], host, port)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "a b",
        "a/b",
        "a.org:0",
        "a.org:99999",
        "a.org:http",
        "[::1]x",
        "*.127.0.0.1",
        "user@a.org",
        "ftp:",
        "-a",
    ],
)
def test_an_entry_that_means_nothing_allows_nothing(entry):
    assert parse_rule(entry) is None


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@given(NAME, NAME, st.integers(1, 65535))
def test_a_name_allows_itself_and_nothing_else(name, other, port):
    assert allowed([name], name, port)
    assert allowed([name], other, port) == (plain_host(name) == plain_host(other))
    assert allowed([f"{name}:{port}"], name, port)
    assert not allowed([f"{name}:{port}"], name, port % 65535 + 1)


@given(NAME, LABEL, st.integers(1, 65535))
def test_a_wildcard_allows_what_is_below_and_nothing_else(name, label, port):
    below_is_name = parse_rule(f"*.{name}") is not None  # all digits and dots may be an address
    assert allowed([f"*.{name}"], f"x{label}.{name}", port) == below_is_name
    assert not allowed([f"*.{name}"], name, port)
    assert not allowed([f"*.{name}"], f"{label}{name}"[:253], port) or "." in label


@given(st.lists(st.text(max_size=20), max_size=5), st.text(max_size=30), st.integers(0, 65535))
def test_no_list_and_no_host_is_an_error(entries, host, port):
    allowed(entries, host, port)


@given(st.ip_addresses())
def test_every_spelling_of_an_address_is_one(address):
    assert allowed([str(address) if address.version == 4 else f"[{address}]"], address.exploded)


def test_model_providers_are_allowed_with_their_port_only():
    providers = ("http://127.0.0.1:11434/v1", "https://api.models.example/v1", "nonsense", "http://[::1]:9/")
    for host, port in (("127.0.0.1", 11434), ("api.models.example", 443), ("::1", 9)):
        assert allowed([], host, port, providers)
        assert not allowed([], host, port + 1, providers)


def test_the_addresses_of_providers_in_the_settings():
    config = ProfileConfig(
        model=ModelConfig(base_url="https://main/v1"),
        providers=(
            ProviderConfig("a", "a", base_url="https://a"),
            ProviderConfig("b", "b", base_url="https://b", enabled=False),
        ),
        fallback_providers=(FallbackConfig("c", "m", base_url="https://c"), FallbackConfig("d", "m")),
        api_server=ApiServerConfig(model_routes=(ModelRoute("r", base_url="https://r"),)),
        auxiliary={"vision": AuxiliaryConfig(base_url="https://v")},
    )
    assert configured_provider_urls(config) == {"https://main/v1", "https://a", "https://c", "https://r", "https://v"}


@pytest.mark.parametrize("url", ["", "a.org", "ftp://a.org", "http://", "http://a:b:c/", "http://a.org:99999/"])
def test_what_is_no_url_is_no_place(url):
    assert place_of(url) is None
