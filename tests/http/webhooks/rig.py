"""Signs deliveries as senders do, by means that are not the product's, and posts them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from hermes_trio.testing import ProfileFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from hermes_trio.testing import GatewayFixture

SECRET = "secret-of-all-routes-0123456789"


def github_signature(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes, secret: str = SECRET, *, event: str = "push", delivery: str = "d1") -> dict[str, str]:
    """The headers of a delivery from GitHub."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": github_signature(body, secret),
    }


def with_routes(soul: str = "You are Hermes.", **routes: Mapping[str, object]) -> ProfileFiles:
    """The default profile with these routes, which have the secret of all routes."""
    webhook = {"enabled": True, "extra": {"secret": SECRET, "routes": routes}}
    return ProfileFiles(soul, {"model": "builtin/echo", "platforms": {"webhook": webhook}})


async def post(gateway: GatewayFixture, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    async with gateway.client() as client:
        return await client.post(f"http://gateway.test{path}", content=body, headers=dict(headers))


async def deliver(
    gateway: GatewayFixture, path: str, payload: object = None, secret: str = SECRET, **names: str
) -> httpx.Response:
    """Post a payload as GitHub does."""
    body = json.dumps({} if payload is None else payload).encode()
    return await post(gateway, path, body, signed(body, secret, **names))
