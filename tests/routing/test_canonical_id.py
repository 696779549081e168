from __future__ import annotations

import pytest

from hermes_trio.routing.canonical_id import canonical_id

NUMBER = "491701234567"


@pytest.mark.parametrize(
    "written",
    [
        NUMBER,
        f"+{NUMBER}",
        "+49 (170) 123-4567",
        f"{NUMBER}@s.whatsapp.net",
        f"{NUMBER}@S.WhatsApp.net",
        f"{NUMBER}@c.us",
        f"{NUMBER}:12@s.whatsapp.net",
        f" {NUMBER} ",
    ],
)
@pytest.mark.parametrize("platform", ["whatsapp", "whatsapp_cloud"])
def test_a_number_of_whatsapp_is_the_same_however_it_is_written(platform: str, written: str) -> None:
    assert canonical_id(platform, written) == NUMBER


def test_a_lid_is_no_number() -> None:
    assert canonical_id("whatsapp", f"{NUMBER}@lid") == f"{NUMBER}@lid"


def test_a_lid_is_the_same_on_every_device() -> None:
    assert canonical_id("whatsapp", f"{NUMBER}:3@lid") == f"{NUMBER}@lid"


@pytest.mark.parametrize("text", ["120363-99@g.us", "status@broadcast", "alice", "", "+", "@c.us"])
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert canonical_id("whatsapp", text) == text


@pytest.mark.parametrize("text", [f"+{NUMBER}", f"{NUMBER}:12@s.whatsapp.net", "!room:server", " 1 "])
@pytest.mark.parametrize("platform", ["telegram", "signal", ""])
def test_elsewhere_ids_are_compared_as_they_are(platform: str, text: str) -> None:
    assert canonical_id(platform, text) == text
