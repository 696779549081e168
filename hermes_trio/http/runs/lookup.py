"""Finds a run by the id in a request's path: among the runs of the profile that the request is for, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.errors import RequestError
from hermes_trio.io.log_format import one_line

if TYPE_CHECKING:
    from hermes_trio.http.call import Call
    from hermes_trio.http.runs.run import Run
    from hermes_trio.scope import ProfileScope

PARAMETER = "run_id"
SHOWN_CHARACTERS = 80


async def owns_run(scope: ProfileScope, call: Call) -> bool:  # noqa: ARG001  its runs are in the call
    """Whether the profile has made this run; not a checkpoint."""
    return call.state.runs.find(call.parameters[PARAMETER]) is not None


def find_run(scope: ProfileScope, call: Call) -> Run:
    """The run that a request is about; whoever asks for a run that is not the profile's own is noted in its log.

    Raises:
        RequestError: Status 404, code ``run_not_found``; the same for another profile's run and for one that never was.
    """
    run_id = call.parameters[PARAMETER]
    run = call.state.runs.find(run_id)
    if run is None:
        scope.log.bind(component="http.runs").warning(
            "refused a request about a run that this profile does not know",
            request=f"{call.request.method} {one_line(call.request.path[: 2 * SHOWN_CHARACTERS])}",
            client=call.request.peer,
        )
        raise unknown_run(scope)
    return run


def unknown_run(scope: ProfileScope) -> RequestError:
    """The error for a run that is not known, or not any more; it does not repeat the id."""
    return RequestError("there is no such run", status=404, code="run_not_found", profile=scope.name)
