"""Five signature schemes, in their order; against reference implementations of the standard library alone."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.http.types import Headers
from hermes_trio.http.webhooks.signatures import TOLERANCE_SECONDS, check_signature, sign_for_test

NOW = 1_790_000_000.0
SECRET = "a secret, not too short"
SVIX_SECRET = "whsec_" + base64.b64encode(b"key of twenty-four bytes").decode()
BODY = '{"text": "gr\u00fc\u00df dich"}'.encode()


def headers(**given_: str) -> Headers:
    return Headers(tuple((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given_.items()))


def hex_of(signed: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def svix(body: bytes = BODY, stamp: int = int(NOW), key: bytes = b"key of twenty-four bytes") -> dict[str, str]:
    signed = b"msg_1.%d." % stamp + body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"svix_id": "msg_1", "svix_timestamp": str(stamp), "svix_signature": f"v1,{signature}"}


def stamped(body: bytes = BODY, stamp: int = int(NOW)) -> dict[str, str]:
    return {
        "x_webhook_signature_v2": hex_of(b"%d." % stamp + body),
        "x_webhook_timestamp": str(stamp),
    }


GOOD = {
    "svix": (svix(), SVIX_SECRET),
    "github": ({"x_hub_signature_256": f"sha256={hex_of(BODY)}"}, SECRET),
    "gitlab": ({"x_gitlab_token": SECRET}, SECRET),
    "stamped": (stamped(), SECRET),
    "plain": ({"x_webhook_signature": hex_of(BODY)}, SECRET),
}


@pytest.mark.parametrize("scheme", GOOD)
def test_a_delivery_of_who_knows_the_secret_is_valid(scheme):
    given_, secret = GOOD[scheme]
    assert check_signature(headers(**given_), BODY, secret, NOW).valid


@pytest.mark.parametrize("scheme", GOOD)
def test_another_secret_is_not(scheme):
    given_, _ = GOOD[scheme]
    other = "whsec_" + base64.b64encode(b"another key altogether..").decode() if scheme == "svix" else "another secret"
    assert not check_signature(headers(**given_), BODY, other, NOW).valid


@pytest.mark.parametrize("scheme", ["svix", "github", "stamped", "plain"])
def test_nor_is_another_body(scheme):
    given_, secret = GOOD[scheme]
    assert not check_signature(headers(**given_), BODY + b" ", secret, NOW).valid


@pytest.mark.parametrize("make", [svix, stamped])
@pytest.mark.parametrize(
    ("seconds", "valid"),
    [(-TOLERANCE_SECONDS, True), (TOLERANCE_SECONDS, True), (-TOLERANCE_SECONDS - 1, False), (301, False)],
)
def test_a_stamp_may_be_five_minutes_off_and_no_more(make, seconds, valid):
    secret = SVIX_SECRET if make is svix else SECRET
    given_ = headers(**make(stamp=int(NOW) + seconds))
    assert check_signature(given_, BODY, secret, NOW).valid is valid


@pytest.mark.parametrize("stamp", ["", "soon", "-1790000000", "1.79e9", "\u00b2", "1" * 400])
def test_a_stamp_that_is_none_is_refused(stamp):
    given_ = {**stamped(), "x_webhook_timestamp": stamp}
    assert not check_signature(headers(**given_), BODY, SECRET, NOW).valid


def test_one_right_signature_of_several_is_enough_for_svix():
    given_ = svix()
    given_["svix_signature"] = f"v1,bm9wZQ== v2,xyz {given_['svix_signature']}"
    assert check_signature(headers(**given_), BODY, SVIX_SECRET, NOW).valid


@pytest.mark.parametrize("missing", ["svix_id", "svix_timestamp"])
def test_svix_needs_all_its_headers(missing):
    given_ = svix()
    del given_[missing]
    assert not check_signature(headers(**given_), BODY, SVIX_SECRET, NOW).valid


def test_svix_needs_a_secret_in_base64():
    verdict = check_signature(headers(**svix()), BODY, "not base64!", NOW)
    assert "base64" in verdict.reason


def test_svix_needs_a_key_behind_the_prefix_of_its_secret():
    signature = base64.b64encode(hmac.digest(b"", b"msg_1." + str(int(NOW)).encode() + b"." + BODY, "sha256")).decode()
    given_ = {"svix_id": "msg_1", "svix_timestamp": str(int(NOW)), "svix_signature": f"v1,{signature}"}
    verdict = check_signature(headers(**given_), BODY, "whsec_", NOW)
    assert (verdict.valid, "empty" in verdict.reason) == (False, True)


ORDER = ["svix", "github", "gitlab", "stamped", "plain"]
WRONG = {
    "svix": {"svix_id": "x", "svix_timestamp": str(int(NOW)), "svix_signature": "v1,bm9wZQ=="},
    "github": {"x_hub_signature_256": "sha256=00"},
    "gitlab": {"x_gitlab_token": "wrong"},
    "stamped": {"x_webhook_signature_v2": "00", "x_webhook_timestamp": str(int(NOW))},
}


@pytest.mark.parametrize(
    ("strong", "weak"),
    [(strong, weak) for place, strong in enumerate(ORDER[:-1]) for weak in ORDER[place + 1 :]],
)
def test_a_wrong_signature_of_a_stronger_scheme_is_not_saved_by_a_right_one_of_a_weaker(strong, weak):
    given_, secret = GOOD[weak]
    assert check_signature(headers(**given_), BODY, secret, NOW).valid
    assert not check_signature(headers(**given_, **WRONG[strong]), BODY, secret, NOW).valid


def test_an_empty_header_decides_too():
    assert not check_signature(headers(x_hub_signature_256="", x_gitlab_token=SECRET), BODY, SECRET, NOW).valid


def test_no_signature_at_all_is_refused():
    verdict = check_signature(headers(content_type="application/json"), BODY, SECRET, NOW)
    assert (verdict.valid, verdict.scheme, verdict.reason) == (False, "", "no signature")


def test_only_the_scheme_without_a_time_may_be_replayed():
    verdicts = {name: check_signature(headers(**given_), BODY, secret, NOW) for name, (given_, secret) in GOOD.items()}
    assert [name for name, verdict in verdicts.items() if verdict.may_be_replayed] == ["plain"]


@given(st.binary(max_size=200), st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_what_we_sign_ourselves_is_valid(body, secret):
    given_ = {name.lower().replace("-", "_"): value for name, value in sign_for_test(body, secret).items()}
    assert check_signature(headers(**given_), body, secret, NOW).valid


@given(
    st.sampled_from(["svix_signature", "x_hub_signature_256", "x_webhook_signature_v2", "x_webhook_signature"]),
    st.text(alphabet=st.characters(max_codepoint=255), max_size=100),
    st.binary(max_size=20),
)
def test_garbage_never_passes_and_never_raises(name, value, body):
    given_ = {name: value, "svix_id": "i", "svix_timestamp": str(int(NOW)), "x_webhook_timestamp": str(int(NOW))}
    assert not check_signature(headers(**given_), body, SVIX_SECRET, NOW).valid
