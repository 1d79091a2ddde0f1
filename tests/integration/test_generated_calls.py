"""Ten minutes of generated calls to real processes of the API and of inference, with the ids of what is there.

Answers of models and streams of events are among them. SFT_TEST_CALLS_S sets another time.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from api.app import make_app
from api.platform.described import describe
from core.services.platform import api_keys
from tests.support.generated_calls import Calls
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model
from tests.worker.inference.conftest import api_process, free_port, inference_process
from worker.inference.schema import ChatRequest, TextRequest

CALLS_S = float(os.environ.get("SFT_TEST_CALLS_S") or 600)
ROUND = 5  # calls to one operation before the next one
TIMEOUT_S = 60.0
LISTS = ("datasets", "jobs", "models", "uploads", "agents", "chats", "tasks", "base-models", "methods", "corrections")
BODIES = {"/v1/chat/completions": ChatRequest, "/v1/completions": TextRequest}
_REF = "#/components/schemas/{model}"


class Running:
    """The address of the API, a key that may do everything, and the base and models that answer."""

    def __init__(self, url: str, key: str, base: str, models: list[str]) -> None:
        self.url, self.base, self.models = url, base, models
        self.headers = {"Authorization": f"Bearer {key}"}

    def known(self) -> dict[str, list[str]]:
        """Ids by the word that is before them in a path, and by the field of a body."""
        found: dict[str, list[str]] = defaultdict(list)
        with httpx.Client(base_url=self.url, headers=self.headers, trust_env=False, timeout=60) as client:
            for name in LISTS:
                listed = client.get(f"/api/v1/{name}").json()
                found[name] = [one["id"] for one in (listed["data"] if isinstance(listed, dict) else listed)]
            found["files"] = [one["id"] for one in client.get("/v1/files").json()["data"]]
            for dataset in found["datasets"][:3]:
                found["versions"] += [one["id"] for one in client.get(f"/api/v1/datasets/{dataset}/versions").json()]
            found["conversations"] = found["chats"]
            for chat in found["chats"][:5]:
                found["turns"] += [str(turn.get("id")) for turn in client.get(f"/api/v1/chats/{chat}").json()["turns"]]
        fields = {
            "base_model": [self.base],
            "model": self.models,
            "dataset_id": found["datasets"],
            "training_file": found["files"] + found["datasets"],
            "upload_id": found["uploads"],
        }
        return {name: ids for name, ids in {**found, **fields}.items() if ids}

    def converse(self) -> None:
        """Begin a conversation, and create an agent."""
        with httpx.Client(base_url=self.url, headers=self.headers, trust_env=False, timeout=60) as client:
            asked = {"text": "Hello!", "model": self.models[-1], "max_tokens": 4}
            assert client.post("/api/v1/chats", json=asked).status_code == 201
            assert client.post("/api/v1/agents", json={"name": "Agent", "model": self.models[-1]}).status_code == 201


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp("calls"), free_port()
    (folder / "studio.db").write_bytes(_migrated_sqlite.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("DATA_DIR", str(folder)), ("INFERENCE_PORT", str(port)), ("API_RATE", "0")):
            patch.setenv(f"SFT_{name}", value)
        patch.setenv("OMP_NUM_THREADS", "1")
        path = make_model(folder / "base_models" / "random")
        base, dataset = f"local:{path}", make_dataset()
        tuned = succeed(launch(dataset, base, name="Tuned"), make_adapter(path, folder / "adapter"))
        key = api_keys.create(name="Calls", scopes=["admin"], days=None).key
        with inference_process(port), api_process() as url:
            found = Running(url, key, base, [base, "tuned", tuned.id])
            found.converse()
            yield found


def described(models: list[str]) -> dict[str, Any]:
    """The description, with the bodies of the answers in full and names of models that answer."""
    found = describe(make_app("127.0.0.1"))
    for path, kind in BODIES.items():
        schema = kind.model_json_schema(ref_template=_REF)
        found["components"]["schemas"] |= schema.pop("$defs", {})
        schema["properties"]["model"] = {"enum": [*models, "nothing"]}
        found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"] = schema
    return found


@pytest.mark.slow
@pytest.mark.timeout(CALLS_S + 300)
def test_generated_calls_are_answered_as_described(running: Running) -> None:
    schema = schemathesis.openapi.from_dict(described(running.models))
    schema.config.update(base_url=running.url)
    calls = Calls(schema, running.headers, TIMEOUT_S)
    operations = [found.ok() for found in schema.get_all_operations()]
    until, number = time.monotonic() + CALLS_S, 0
    while time.monotonic() < until:
        number += 1
        known = running.known()
        for operation in operations:
            if time.monotonic() < until:
                calls.to(operation, ROUND, number, wrong=number % 3 == 0, known=known)
    print(f"{calls.count:,} calls in {number} rounds: {dict(sorted(calls.statuses.items()))}")
    assert not calls.wrong, "\n\n".join(f"{label} {kind}\n{text}" for (label, kind), text in calls.wrong.items())
    assert 401 not in calls.statuses
    for path in ("/health", "/v1/models"):
        assert httpx.get(f"{running.url}{path}", headers=running.headers, trust_env=False).status_code == 200
