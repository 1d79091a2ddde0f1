"""Generated requests to every path of the description: no server error, and no response outside the description.

SFT_TEST_ALL tries more of them.
"""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import make_app
from api.platform.described import describe
from core.services.data import training_files
from tests.support import runs

EXAMPLES = 30 if os.environ.get("SFT_TEST_ALL") else 1
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Streams have no end of their own here, and the inference process answers the others.
LEFT_OUT = "events|completions"


@pytest.fixture
def schema(studio_env, monkeypatch) -> schemathesis.BaseSchema:
    monkeypatch.setattr(training_files, "WAIT_S", 0.0)
    runs.launch(runs.dataset())
    app = make_app("127.0.0.1")
    loaded = schemathesis.openapi.from_dict(describe(app))
    loaded.app = app
    loaded.config.update(base_url="http://127.0.0.1:8000")
    return loaded.exclude(path_regex=LEFT_OUT)


def test_generated_calls_are_answered_as_described(schema) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 80
    for operation in operations:

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case) -> None:
            case.call_and_validate(checks=CHECKS)

        call()
