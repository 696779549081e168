"""The endpoints of runs."""

from __future__ import annotations

from typing import Final

from hermes_trio.http.endpoint import Answer, Endpoint, Parameter
from hermes_trio.http.runs.lookup import owns_run
from hermes_trio.http.runs.shapes import (
    AnswerApproval,
    AnswerQuestion,
    ApprovalAnswered,
    QuestionAnswered,
    RunView,
    StartedRun,
    StartRun,
    StoppingRun,
)
from hermes_trio.http.runs.start import serve_start_run
from hermes_trio.http.runs.steer import serve_answer, serve_approval, serve_stop
from hermes_trio.http.runs.watch import serve_run, serve_run_events

_UNKNOWN: Final = Answer(404, "The profile knows no such run")

RUN_ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/v1/runs",
        serve_start_run,
        "Start a run",
        by_model=True,
        starts_turn=True,
        body=StartRun,
        answers=(
            Answer(202, "The run has been started", StartedRun),
            Answer(404, "The profile knows no such response"),
            Answer(429, "As many turns run as may"),
        ),
        parameters=(
            Parameter("X-Hermes-Session-Id", "Means the same as `session_id` in the body", "header", maximum=256),
            Parameter("X-Hermes-Session-Key", "A stable name for the client's user", "header", maximum=256),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/runs/{run_id}",
        serve_run,
        "How a run is doing",
        owns=owns_run,
        answers=(Answer(200, "The run", RunView), _UNKNOWN),
    ),
    Endpoint(
        "GET",
        "/v1/runs/{run_id}/events",
        serve_run_events,
        "What happens in a run",
        owns=owns_run,
        answers=(
            Answer(200, "The run's events", streams=True),
            _UNKNOWN,
            Answer(409, "Somebody reads them already"),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/runs/{run_id}/approval",
        serve_approval,
        "Give or refuse consent",
        owns=owns_run,
        body=AnswerApproval,
        answers=(
            Answer(200, "The answer has been taken", ApprovalAnswered),
            _UNKNOWN,
            Answer(409, "Nothing waits for consent"),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/runs/{run_id}/answer",
        serve_answer,
        "Answer a question of the agent",
        owns=owns_run,
        body=AnswerQuestion,
        answers=(
            Answer(200, "The answer has been taken", QuestionAnswered),
            _UNKNOWN,
            Answer(409, "No such question waits"),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/runs/{run_id}/stop",
        serve_stop,
        "Stop a run",
        owns=owns_run,
        answers=(Answer(200, "The run is being stopped", StoppingRun), _UNKNOWN),
    ),
)
