"""Whatever is sent to the API, its answers are those that its own document announces."""

from __future__ import annotations

import json

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from hermes_trio.http.endpoints import ENDPOINTS
from hermes_trio.http.openapi import openapi_document
from hermes_trio.testing.home import test_key

PROFILE = "ada"
KNOWN = "known"
#: Per endpoint, beside those that follow from the document without chance.
EXAMPLES = 8

CONFIG = schemathesis.Config.from_dict(
    {
        # Query parameters and fields of bodies that nobody knows are passed over, as the OpenAI API does.
        "generation": {"allow-extra-parameters": False},
        # What a schema cannot say is refused with 400 as well, such as a conversation whose last message is no user's.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
)
SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(openapi_document(ENDPOINTS))), config=CONFIG)


@pytest.fixture(scope="module")
def api(gateway):
    """A session with the profile's key, and where the profile is."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {test_key(PROFILE)}"
        yield session, f"http://127.0.0.1:{gateway.port}/p/{PROFILE}"


@SCHEMA.parametrize()
@settings(derandomize=True, deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_says(case, api):
    session, base_url = api
    session_id = (case.path_parameters or {}).get("session_id")
    # Ids that are made up lead to nothing, so half of the sessions are ones that exist.
    if isinstance(session_id, str) and len(session_id) % 2:
        case.path_parameters["session_id"] = KNOWN
        session.post(f"{base_url}/api/sessions", json={"id": KNOWN})
    case.call_and_validate(base_url=base_url, session=session)
