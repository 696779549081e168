"""Where a model's URLs may lead."""

from __future__ import annotations

import ipaddress

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from hermes_trio.tools.tool import ToolError
from hermes_trio.tools.web_address import address_refusal, name_refusal, parse_url, resolve
from tests.tools.web_rig import Resolver, Web

PRIVATE = (
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "0.0.0.0",
    "0.1.2.3", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1",
    "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:101::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1", "93.184.215.14", "172.32.0.1", "11.0.0.1", "192.167.1.1", "2606:4700::1111", "2a00:1450:4001::200e",
    "::ffff:8.8.8.8", "64:ff9b::808:808",
)  # fmt: skip
METADATA = (
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_closed_and_can_be_opened(address):
    assert address_refusal(address, allow_private=False) == "is a private address"
    assert address_refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address):
    assert address_refusal(address, allow_private=False) is None


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_are_closed_even_where_private_addresses_are_open(address):
    for allow_private in (False, True):
        assert address_refusal(address, allow_private=allow_private) == "is a cloud's metadata service"


CLOSED_BLOCKS = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]
CLOSED_V4 = st.one_of([
    st.integers(int(block[0]), int(block[-1])).map(ipaddress.IPv4Address) for block in CLOSED_BLOCKS
])  # fmt: skip


@given(CLOSED_V4)
def test_a_closed_address_is_closed_in_every_ipv6_disguise(address):
    number = int(address)
    disguises = (
        address,
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    )
    for disguise in disguises:
        assert address_refusal(str(disguise), allow_private=False) is not None, disguise
        assert address_refusal(disguise.exploded, allow_private=False) is not None, disguise


@given(st.ip_addresses(v=4))
def test_nothing_python_calls_private_is_open(address):
    if address.is_private or address.is_link_local or address.is_multicast or not address.is_global:
        assert address_refusal(str(address), allow_private=False) is not None


@given(st.ip_addresses(v=6))
def test_nothing_python_calls_private_is_open_in_ipv6_either(address):
    if address.is_private or address.is_link_local or address.is_multicast or not address.is_global:
        assert address_refusal(str(address), allow_private=False) is not None


@given(st.text())
def test_what_is_no_address_is_refused(text):
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        assert address_refusal(text, allow_private=True) == "is no address"


LOOPBACK = (
    "127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0",
)  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
async def test_numbers_are_judged_by_the_address_they_stand_for(host):
    """The resolver of the system reads all of these; glibc and we see the same address."""
    addresses = await resolve(host, 80)
    assert addresses
    assert all(address_refusal(address, allow_private=False) for address in addresses)


@given(CLOSED_V4)
@example(ipaddress.IPv4Address("127.0.0.1"))
def test_every_spelling_of_a_closed_address_is_closed(address):
    a, b, c, d = address.packed
    spellings = (
        str(int(address)), hex(int(address)), f"0{a:o}.{b}.{c}.{d}", f"{a}.{(b << 16) | (c << 8) | d}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"{a}.{b}.{(c << 8) | d}",
    )  # fmt: skip
    for spelling in spellings:
        addresses = trio.run(resolve, spelling, 80)
        assert addresses == (str(address),), spelling


async def test_addresses_come_with_ipv4_first_and_each_once():
    web = Web(names={"example.org": ["2606:4700::1111", "1.1.1.1", "1.1.1.1"]})
    trio.socket.set_custom_hostname_resolver(Resolver(web))
    assert await resolve("example.org", 80) == ("1.1.1.1", "2606:4700::1111")
    assert await resolve("other.org", 80) == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "example.org", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "http://", "http:///path",
        "gopher://example.org:70/", "http://[::1", "http://example.org:99999/", "https://exa mple.org/", "x" * 5000,
        "http://0177.0.0.1/", "http://1.2.3.4.5.6:port/", "//example.org/", "http:example.org",
        "http://" + "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(text):
    with pytest.raises(ToolError, match="not a usable URL"):
        parse_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://user@example.org/",
        "http://good.org:pw@evil.org/",
        "https://example.org%20@127.0.0.1/",
        "http://:@a.org/",
    ],
)
def test_user_names_are_refused(text):
    with pytest.raises(ToolError, match=r"user name|not a usable URL"):
        parse_url(text)


def test_the_host_is_the_one_that_is_connected_to():
    """A backslash, a fragment or a question mark does not move it."""
    assert parse_url("http://good.org#@evil.org/").host == "good.org"
    assert parse_url("http://good.org?@evil.org/").host == "good.org"
    assert parse_url("HTTP://EXAMPLE.org:80/x").host == "example.org"
    assert parse_url("https://bücher.example/").raw_host == b"xn--bcher-kva.example"
    assert parse_url(" https://example.org/a ").path == "/a"


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(st.text(max_size=60), LABEL)
def test_no_text_gives_anything_but_a_web_address_or_a_refusal(text, label):
    for candidate in (text, f"http://{text}", f"http://{text}@{label}.org/", f"https://{label}.org/{text}"):
        try:
            url = parse_url(candidate)
        except ToolError:
            continue
        assert url.scheme in ("http", "https")
        assert url.host
        assert not url.userinfo


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "x.internal", "nas.lan."],
)
def test_private_names_are_closed_and_can_be_opened(host):
    assert name_refusal(host, allow_private=False) is not None
    assert name_refusal(host, allow_private=True) is None


@pytest.mark.parametrize("host", ["metadata.google.internal", "Metadata.Google.Internal.", "metadata", "metadata.goog"])
def test_names_of_metadata_services_are_always_closed(host):
    assert name_refusal(host, allow_private=True) is not None


def test_other_names_are_open_until_they_are_resolved():
    assert name_refusal("example.org", allow_private=False) is None
    assert name_refusal("localhost.example.org", allow_private=False) is None
