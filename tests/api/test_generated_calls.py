"""Generated requests to every path of the description: no server error, and no response outside the description.

SFT_TEST_ALL tries more of them; tests/integration/test_generated_calls.py asks real processes for ten minutes.
"""

from __future__ import annotations

import os

import pytest
import schemathesis

from api.app import make_app
from api.platform.described import describe
from core.services.data import training_files
from tests.support import runs
from tests.support.generated_calls import Calls

EXAMPLES = 30 if os.environ.get("SFT_TEST_ALL") else 1
# Streams have no end of their own here, and the inference process answers the others.
LEFT_OUT = "events|completions"


@pytest.fixture
def calls(studio_env, monkeypatch, new_key) -> Calls:
    monkeypatch.setattr(training_files, "WAIT_S", 0.0)
    monkeypatch.setenv("SFT_API_RATE", "0")
    runs.launch(runs.dataset())
    app = make_app("127.0.0.1")
    loaded = schemathesis.openapi.from_dict(describe(app))
    loaded.app = app
    loaded.config.update(base_url="http://127.0.0.1:8000")
    # with a key: a generated one would close the API to the calls that follow
    headers = {"Authorization": f"Bearer {new_key('admin')}"}
    return Calls(loaded.exclude(path_regex=LEFT_OUT), headers, None)


def test_generated_calls_are_answered_as_described(calls: Calls) -> None:
    operations = [found.ok() for found in calls.schema.get_all_operations()]
    assert len(operations) > 80
    for operation in operations:
        calls.to(operation, EXAMPLES, 1)
    assert calls.wrong == {}
    assert calls.count >= EXAMPLES * len(operations) * 0.8
    assert 401 not in calls.statuses
