"""Whether a delivery comes from who knows the route's secret. Pure.

Five schemes, in the order in which their headers are looked for; the first header that is there decides, so that a
signature that is wrong in a strong scheme is not saved by one that is right in a weaker one:

1. Svix, also "Standard Webhooks" of many services: ``svix-signature`` with ``svix-id`` and ``svix-timestamp``
   (docs.svix.com/receiving/verifying-payloads/how-manual).
2. GitHub: ``X-Hub-Signature-256`` (docs.github.com, "Validating webhook deliveries").
3. GitLab: ``X-Gitlab-Token``, the secret itself (docs.gitlab.com, "Webhooks").
4. ``X-Webhook-Signature-V2`` with ``X-Webhook-Timestamp``, and 5. ``X-Webhook-Signature``: hermes-agent's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermes_trio.http.types import Headers

#: How far a sender's clock may be from ours, in seconds.
TOLERANCE_SECONDS: Final = 300
_LONGEST_TIMESTAMP: Final = 20
_MOST_SIGNATURES: Final = 32


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the check.

    Attributes:
        valid: Whether the delivery is from who knows the secret.
        scheme: The header that decided; empty when there was none.
        reason: Why it is not valid, for the log.
    """

    valid: bool
    scheme: str = ""
    reason: str = ""

    @property
    def may_be_replayed(self) -> bool:
        """Whether who has seen a delivery once could send it again for ever: nothing in the signature says when."""
        return self.scheme == "x-webhook-signature"


def check_signature(headers: Headers, body: bytes, secret: str, now: float) -> Verdict:
    """Check a delivery; every comparison takes the same time whatever it finds.

    Args:
        headers: The request's.
        body: The bytes as they came.
        secret: The route's secret, not empty.
        now: Seconds since the epoch.
    """
    for name, check in _SCHEMES.items():
        given = headers.get(name)
        if given is not None:
            problem = check(given, headers, body, secret, now)
            return Verdict(not problem, name, problem)
    return Verdict(False, reason="no signature")


def sign_for_test(body: bytes, secret: str) -> Mapping[str, str]:
    """The headers that `check_signature` accepts for a delivery of our own, in GitHub's scheme."""
    return {"X-Hub-Signature-256": f"sha256={_hex(secret.encode(), body)}"}


def _check_svix(given: str, headers: Headers, body: bytes, secret: str, now: float) -> str:
    identity, stamp = headers.get("svix-id"), headers.get("svix-timestamp")
    if identity is None or stamp is None:
        return "svix-id or svix-timestamp is missing"
    if not _is_now(stamp, now):
        return "too old, or from the future"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return "the route's secret is no secret of this scheme: not base64"
    if not key:  # anybody can sign with nothing
        return "the route's secret is no secret of this scheme: empty after whsec_"
    signed = b".".join((_raw(identity), _raw(stamp), body))
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    matches = [hmac.compare_digest(expected, _raw(one)) for one in given.split()[:_MOST_SIGNATURES]]
    return "" if any(matches) else "wrong"


def _check_github(given: str, headers: Headers, body: bytes, secret: str, now: float) -> str:  # noqa: ARG001
    return _compare(f"sha256={_hex(secret.encode(), body)}", given)


def _check_gitlab(given: str, headers: Headers, body: bytes, secret: str, now: float) -> str:  # noqa: ARG001
    return _compare(secret, given)


def _check_stamped(given: str, headers: Headers, body: bytes, secret: str, now: float) -> str:
    stamp = headers.get("x-webhook-timestamp")
    if stamp is None:
        return "x-webhook-timestamp is missing"
    if not _is_now(stamp, now):
        return "too old, or from the future"
    return _compare(_hex(secret.encode(), _raw(stamp) + b"." + body), given)


def _check_plain(given: str, headers: Headers, body: bytes, secret: str, now: float) -> str:  # noqa: ARG001
    return _compare(_hex(secret.encode(), body), given)


_SCHEMES: Final[Mapping[str, Callable[[str, Headers, bytes, str, float], str]]] = MappingProxyType(
    {
        "svix-signature": _check_svix,
        "x-hub-signature-256": _check_github,
        "x-gitlab-token": _check_gitlab,
        "x-webhook-signature-v2": _check_stamped,
        "x-webhook-signature": _check_plain,
    }
)


def _compare(expected: str, given: str) -> str:
    return "" if hmac.compare_digest(expected.encode(), _raw(given)) else "wrong"


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.digest(key, signed, hashlib.sha256).hex()


def _raw(header: str) -> bytes:
    """A header's value as it came over the wire."""
    return header.encode("latin-1", "replace")


def _is_now(stamp: str, now: float) -> bool:
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= _LONGEST_TIMESTAMP):
        return False
    return abs(now - int(stamp)) <= TOLERANCE_SECONDS
