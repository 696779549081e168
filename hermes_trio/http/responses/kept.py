"""``GET`` and ``DELETE /v1/responses/{response_id}``: responses that a profile has kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.errors import ProfileUnavailable, RequestError, ScopeClosed, StoreError
from hermes_trio.http.responses.objects import DeletedResponse
from hermes_trio.store.response_store import has_response_store

if TYPE_CHECKING:
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.response_store import KeptResponse


async def owns_response(scope: ProfileScope, call: Call) -> bool:
    """Whether the profile has kept this response; one whose store cannot be read has none to offer."""
    try:
        if not await has_response_store(scope):
            return False
        store = await call.runtime.response_store()
        return await store.has(call.parameters["response_id"])
    except (ProfileUnavailable, ScopeClosed, StoreError):
        return False


async def find_continued(scope: ProfileScope, runtime: ProfileRuntime, response_id: str) -> KeptResponse:
    """The response that a request wants to go on from.

    Raises:
        RequestError: 404 ``previous_response_not_found``.
        StoreError: The store cannot be used.
    """
    kept = None
    if await has_response_store(scope):
        store = await runtime.response_store()
        kept = await store.find(response_id)
    if kept is None:
        raise RequestError(
            "there is no such response to continue",
            status=404,
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return kept


async def serve_kept_response(scope: ProfileScope, call: Call) -> None:
    """Answer with a response as its client got it.

    Raises:
        RequestError: 404 ``response_not_found``; says the same whether another profile has such a response or nobody.
        StoreError: The store cannot be used.
    """
    kept = None
    if await has_response_store(scope):
        store = await call.runtime.response_store()
        kept = await store.find(call.parameters["response_id"])
    if kept is None:
        raise _unknown()
    await call.responder.send(200, bytes(kept.response))


async def serve_response_deletion(scope: ProfileScope, call: Call) -> None:
    """Forget a response.

    Raises:
        RequestError: 404 ``response_not_found``.
        StoreError: The store cannot be used.
    """
    response_id = call.parameters["response_id"]
    store = await call.runtime.response_store() if await has_response_store(scope) else None
    if store is None or not await store.delete(response_id):
        raise _unknown()
    await call.responder.send(200, msgspec.json.encode(DeletedResponse(response_id)))


def _unknown() -> RequestError:
    return RequestError("there is no such response", status=404, code="response_not_found", param="response_id")
