"""``/api/sessions``: a profile's sessions, made, read, changed, copied and deleted by programs.

A session that Hermes' multiplexer kept in the root home counts as the profile's: it is copied when it is first named.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import RequestError, StoreError
from hermes_trio.http.json_body import decode_body
from hermes_trio.http.model_names import public_model_name
from hermes_trio.http.query import query_boolean, query_integer
from hermes_trio.http.sessions.objects import (
    ChangeSessionBody,
    CreateSessionBody,
    ForkSessionBody,
    SessionAnswer,
    SessionDeleted,
    SessionList,
    SessionMessages,
    message_object,
    session_object,
)
from hermes_trio.store.root_sessions import adopt_session
from hermes_trio.store.session_ids import branch_session_id, created_session_id
from hermes_trio.store.session_lifecycle import (
    close_session,
    create_session,
    delete_session,
    fork_session,
    rename_session,
)
from hermes_trio.store.session_objects import (
    find_stored_session,
    list_stored_sessions,
    load_messages,
    session_keys,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.session_objects import StoredSession

USUAL_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200


async def owns_session(scope: ProfileScope, call: Call) -> bool:
    """Whether the session in the path is the profile's."""
    return await _find(scope, call) is not None


async def serve_session_list(scope: ProfileScope, call: Call) -> None:
    """Answer with a part of the list of sessions, newest first."""
    request = call.request
    limit = min(query_integer(request, "limit", USUAL_LIMIT, minimum=1), LARGEST_LIMIT)
    offset = query_integer(request, "offset", 0)
    sessions = await list_stored_sessions(
        scope,
        limit=limit + 1,
        offset=offset,
        source=request.query.get("source") or None,
        include_children=query_boolean(request, "include_children"),
    )
    shown = [session_object(one) for one in sessions[:limit]]
    answer = SessionList("list", shown, limit, offset, has_more=len(sessions) > limit)
    await call.responder.send(200, msgspec.json.encode(answer))


async def serve_create_session(scope: ProfileScope, call: Call) -> None:
    """Make a session in which nothing was said yet."""
    body = decode_body(call.request.body or b"{}", CreateSessionBody)
    session_id = _new_id(body.id) or created_session_id(scope.clock.now())
    aliases = {route.alias for route in scope.config.api_server.model_routes}
    model = body.model if body.model != public_model_name(scope) else None
    with _store_errors():
        if body.id is not None and call.runtime.root_db is not None:
            await adopt_session(scope, call.runtime.root_db, session_id)
        await create_session(scope, session_id, body.title, model or None, model if model in aliases else "")
    await _answer(scope, call, session_id, 201)


async def serve_get_session(scope: ProfileScope, call: Call) -> None:
    """Answer with one session."""
    session = await find_session(scope, call)
    await call.responder.send(200, msgspec.json.encode(SessionAnswer("hermes.session", session_object(session))))


async def serve_change_session(scope: ProfileScope, call: Call) -> None:
    """Rename or end a session; one in which something happens cannot be ended."""
    body = decode_body(call.request.body, ChangeSessionBody)
    session_id = (await find_session(scope, call)).id
    ends = body.end_reason is not msgspec.UNSET
    async with _quiet_session(scope, call, session_id) if ends else nullcontext():
        with _store_errors():
            if body.title is not msgspec.UNSET:
                await rename_session(scope, session_id, body.title)
            if body.end_reason is not msgspec.UNSET:
                await close_session(scope, session_id, body.end_reason)
    await _answer(scope, call, session_id, 200)


async def serve_delete_session(scope: ProfileScope, call: Call) -> None:
    """Delete a session for good; one in which something happens cannot be deleted.

    What a chat has written while the session was being deleted is answered all the same, as the beginning of a new one.
    """
    session_id = (await find_session(scope, call)).id
    async with _quiet_session(scope, call, session_id) as keys:
        with _store_errors():
            await delete_session(scope, session_id)
        workplace = call.runtime.agent.workplace
        workplace.todo_lists.forget(session_id)
        for key in (session_id, *keys):
            workplace.approvals.forget_session(key)
    answer = SessionDeleted("hermes.session.deleted", session_id, deleted=True)
    await call.responder.send(200, msgspec.json.encode(answer))


async def serve_session_messages(scope: ProfileScope, call: Call) -> None:
    """Answer with what the model sees of a session."""
    session_id = (await find_session(scope, call)).id
    messages = await load_messages(scope, session_id)
    if messages is None:
        raise _unknown()
    answer = SessionMessages("list", session_id, [message_object(session_id, one) for one in messages])
    await call.responder.send(200, msgspec.json.encode(answer))


async def serve_fork_session(scope: ProfileScope, call: Call) -> None:
    """Copy a session into a new one."""
    body = decode_body(call.request.body or b"{}", ForkSessionBody)
    session_id = (await find_session(scope, call)).id
    new_id = _new_id(body.id) or branch_session_id(scope.clock.local())
    with _store_errors():
        await fork_session(scope, session_id, new_id, body.title)
    await _answer(scope, call, new_id, 201)


async def find_session(scope: ProfileScope, call: Call) -> StoredSession:
    """The session in the path.

    Raises:
        RequestError: Status 404: the profile has no such session; another profile's is none.
        StoreError: The store failed.
    """
    session = await _find(scope, call)
    if session is None:
        raise _unknown()
    return session


async def _find(scope: ProfileScope, call: Call) -> StoredSession | None:
    session_id = call.parameters["session_id"]
    session = await find_stored_session(scope, session_id)
    root_db = call.runtime.root_db
    if session is None and root_db is not None and await adopt_session(scope, root_db, session_id):
        session = await find_stored_session(scope, session_id)
    return session


async def _answer(scope: ProfileScope, call: Call, session_id: str, status: int) -> None:
    session = await find_stored_session(scope, session_id)
    if session is None:
        raise _unknown()
    await call.responder.send(status, msgspec.json.encode(SessionAnswer("hermes.session", session_object(session))))


def _new_id(wanted: str | None) -> str | None:
    if wanted is not None and not (wanted.isprintable() and wanted.strip()):
        raise RequestError("an id must have printable characters only, and not only spaces", param="id")
    return wanted


@asynccontextmanager
async def _quiet_session(scope: ProfileScope, call: Call, session_id: str) -> AsyncIterator[frozenset[str]]:
    """Let no turn of a session begin within the block, in which it is ended or deleted; the keys of its chats.

    Raises:
        RequestError: Status 409 ``session_busy``: something happens in it.
    """
    keys = await session_keys(scope, session_id)
    if call.runtime.session_is_used(session_id, keys):
        raise RequestError(
            "something is being answered in this session",
            status=409,
            code="session_busy",
            mend="wait until it is answered, or stop it",
        )
    # Nothing can begin between looking and holding: there is no checkpoint.
    async with call.runtime.hold_session(session_id):
        yield keys


@contextmanager
def _store_errors() -> Iterator[None]:
    """Tell the client what is its own doing; the rest is the store's."""
    try:
        yield
    except StoreError as error:
        if error.code == "session_unknown":
            raise _unknown() from error
        if error.code in ("session_exists", "title_taken"):
            param = "id" if error.code == "session_exists" else "title"
            raise RequestError(error.problem, status=409, code=error.code, param=param) from error
        raise


def _unknown() -> RequestError:
    return RequestError("the profile has no such session", status=404, code="session_not_found")
