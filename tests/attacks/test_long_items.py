"""A few very long rows or examples keep a page, or a worker beyond its lease, busy for minutes."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.data.editing import OPERATIONS
from core.services.data import conversion, datasets, quality, sources
from core.services.data.datasets import edits
from core.settings import get_settings
from tests.support.versions import pair

MEGABYTE = 1_000_000
CONVERT = """
import io, sys
from pathlib import Path
from core.services.data import datasets, sources
from worker.run import execute
source = sources.ingest(io.BytesIO(Path(sys.argv[1]).read_bytes()), "long.jsonl")
ended = execute(datasets.create_from_source(source.id, "Long").id, "test")
print(ended.state, ended.error)
"""


@pytest.fixture(autouse=True)
def _studio(studio_env: Path) -> None:
    pass


def made(examples: int, characters: int) -> datasets.DatasetRecord:
    return datasets.create_dataset("Long", [pair(f"{n} " + "x" * characters, "b") for n in range(examples)])


@pytest.mark.parametrize(("examples", "characters", "at_once"), [(30, 300_000, False), (30, 300, True)])
def test_a_request_edits_and_measures_little_text_only(examples: int, characters: int, at_once: bool) -> None:
    """Compressed, both have a few kilobytes: what counts is the text."""
    dataset = made(examples, characters)
    assert quality.inspected_at_once(dataset.version) is at_once
    operation = OPERATIONS.get("sample")(size=20)
    applied = edits.apply(dataset.id, operation, base_version_id=dataset.version.id)
    assert (applied.version is not None, applied.task is None) == (at_once, at_once)


def test_a_screen_reads_a_few_long_rows_only() -> None:
    raw = "".join(json.dumps({"question": f"{n} " + "x" * MEGABYTE, "answer": "b"}) + "\n" for n in range(40))
    source = sources.ingest(io.BytesIO(raw.encode()), "long.jsonl")
    assert 1 <= len(sources.rows(source.id, limit=20)) <= 3
    assert 1 <= len(sources.preview_rows(source.id, {}, limit=20).rows) <= 3
    mapping = conversion.first_choice(source.id, "qa")["mapping"]
    preview = conversion.preview(source.id, "qa", mapping)
    assert 1 <= preview.looked_at <= 3
    assert preview.estimated_total == 40


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["+4911111111111111111111111111111a ", "1.2.3.4 ", "-----BEGIN PRIVATE KEY----- "])
def test_the_longest_record_is_converted_well_before_a_lease_expires(unit: str, tmp_path: Path) -> None:
    text = unit * (9 * MEGABYTE // len(unit))
    lines = [
        {"messages": [{"role": "user", "content": said}, {"role": "assistant", "content": "b"}]} for said in (text, "a")
    ]
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    seconds = round(get_settings().lease_s)
    ran = subprocess.run(
        [sys.executable, "-c", CONVERT, str(path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
    )
    assert ran.stdout.startswith("succeeded"), ran.stdout + ran.stderr[-500:]
