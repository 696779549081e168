"""The endpoints of the sessions resource."""

from __future__ import annotations

from typing import Final

from hermes_trio.http.endpoint import Answer, Endpoint, Parameter
from hermes_trio.http.query import LARGEST_INTEGER
from hermes_trio.http.sessions.chat import serve_session_chat, serve_session_chat_stream
from hermes_trio.http.sessions.objects import (
    ChangeSessionBody,
    CreateSessionBody,
    ForkSessionBody,
    SessionAnswer,
    SessionChatAnswer,
    SessionChatBody,
    SessionDeleted,
    SessionList,
    SessionMessages,
)
from hermes_trio.http.sessions.serving import (
    owns_session,
    serve_change_session,
    serve_create_session,
    serve_delete_session,
    serve_fork_session,
    serve_get_session,
    serve_session_list,
    serve_session_messages,
)

_SESSION_KEY: Final = Parameter(
    "X-Hermes-Session-Key", "A stable name for the user behind the client; echoed", place="header", maximum=256
)
_ONE: Final = "/api/sessions/{session_id}"
_BUSY: Final = Answer(409, "`session_busy`: something is being answered in the session")
_TAKEN: Final = Answer(409, "`session_exists` or `title_taken`: another session has this id or title")

SESSION_ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/api/sessions",
        serve_session_list,
        "The profile's sessions, newest first",
        answers=(Answer(200, "A part of the list", SessionList),),
        parameters=(
            Parameter("limit", "How many, 50 if not said; never more than 200 are given", kind="integer", minimum=1),
            Parameter(
                "offset",
                "How many of the newest to leave out",
                kind="integer",
                minimum=0,
                maximum=LARGEST_INTEGER,
            ),
            Parameter("source", "Only those of this platform"),
            Parameter("include_children", "Also those that belong to another session", kind="boolean"),
        ),
    ),
    Endpoint(
        "POST",
        "/api/sessions",
        serve_create_session,
        "Make a session",
        by_model=True,
        body=CreateSessionBody,
        answers=(Answer(201, "The new session", SessionAnswer), _TAKEN),
    ),
    Endpoint(
        "GET",
        _ONE,
        serve_get_session,
        "One session",
        owns=owns_session,
        answers=(Answer(200, "The session", SessionAnswer),),
    ),
    Endpoint(
        "PATCH",
        _ONE,
        serve_change_session,
        "Rename or end a session",
        owns=owns_session,
        body=ChangeSessionBody,
        answers=(
            Answer(200, "The session as it is now", SessionAnswer),
            Answer(409, "`title_taken`, or `session_busy` when it is to be ended: something is being answered in it"),
        ),
    ),
    Endpoint(
        "DELETE",
        _ONE,
        serve_delete_session,
        "Delete a session and all that was said in it",
        owns=owns_session,
        answers=(Answer(200, "It is gone", SessionDeleted), _BUSY),
    ),
    Endpoint(
        "GET",
        f"{_ONE}/messages",
        serve_session_messages,
        "What the model sees of a session",
        owns=owns_session,
        answers=(Answer(200, "The messages, in order", SessionMessages),),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/fork",
        serve_fork_session,
        "Copy a session into a new one",
        owns=owns_session,
        body=ForkSessionBody,
        answers=(Answer(201, "The new session", SessionAnswer), _TAKEN),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/chat",
        serve_session_chat,
        "Say something in a session",
        owns=owns_session,
        starts_turn=True,
        body=SessionChatBody,
        answers=(Answer(200, "The answer", SessionChatAnswer),),
        parameters=(_SESSION_KEY,),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/chat/stream",
        serve_session_chat_stream,
        "Say something in a session, and be told what happens",
        owns=owns_session,
        starts_turn=True,
        body=SessionChatBody,
        answers=(Answer(200, "What happens", streams=True),),
        parameters=(_SESSION_KEY,),
    ),
)
