"""The smart mode with a real model that the studio itself serves: the starter, held to the schema by the decoder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.services.data import datasets, smart
from core.services.platform import connections
from tests.support import smart as helper
from tests.support.servers import wait_until

ROWS = 2


@pytest.fixture
def served(studio_with_starter: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The inference process of the test's studio; yields its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(port))
    process = subprocess.Popen([sys.executable, "-m", "worker.inference"], env={**os.environ, "OMP_NUM_THREADS": "1"})
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "the inference process ended"
        try:
            return httpx.get(f"{url}/health", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, 120, "the inference process")
        yield url
    finally:
        process.terminate()
        process.wait(120)


def test_the_starter_writes_a_dataset(served: str) -> None:
    told = connections.test("studio")
    assert told.ok, told
    assert "starter" in told.models
    source = helper.upload(
        [{"name": f"Lamp {number}", "price": f"{number}5 euros"} for number in range(1, ROWS + 1)]
        + [{"name": "", "price": ""}, {"name": "Lamp 1", "price": "15 euros"}]
    )
    proposed = smart.propose(source, "studio", "starter", ["name", "price"])
    assert proposed.by_model, (
        proposed.notes
    )  # its patterns name columns that exist, because the decoder holds it to that
    assert all("{{name}}" in pattern or "{{price}}" in pattern for pattern in proposed.patterns)
    chosen = helper.recipe(
        "studio",
        model="starter",
        columns=("name", "price"),
        patterns=proposed.patterns[:1],
        system="You know the prices of the shop.",
        examples_per_row=1,
        max_tokens=80,
        timeout_s=300.0,
        temperature=0.7,
    )
    shown = smart.preview(source, chosen, rows=1)
    assert shown.rows[0].state in ("ok", "empty"), shown.rows[0].reason
    assert shown.cost_usd == 0
    task = helper.work(helper.begin(source, chosen).id)
    assert task.state == "succeeded", task.error
    rows = {row.line: row for row in smart.rows(task.id, limit=20)}
    assert all(row.state in ("ok", "empty", "duplicate") for row in rows.values()), (
        rows
    )  # never failed: always valid JSON
    assert rows[ROWS + 2].state == "empty"
    assert rows[ROWS + 3].state == "duplicate"
    assert all(row.attempts == 1 for row in rows.values() if row.attempts)
    version = datasets.get_dataset(task.result["dataset_id"]).version
    assert version.examples == smart.progress(task.id).examples > 0
