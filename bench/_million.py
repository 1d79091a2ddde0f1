"""A million examples: what each change of a dataset takes, from the command line or in one new process."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._commands import Run, script, sft
from bench._data_files import pairs_of_texts

_APPLY = """import sys
from core.data import editing
from core.services.data import datasets
from core.services.data.datasets import edits
base = datasets.get_dataset(sys.argv[1])
operation = eval(sys.argv[2], vars(editing))
edits.apply(base.id, operation, base_version_id=base.version.id, inline=True)"""


def write_questions(path: Path, rows: int, first: int = 0) -> None:
    """A CSV of short questions and answers, one row in ten the same as an earlier one."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("question", "answer"))
        row = ("", "")
        for number, (question, answer) in zip(range(rows), pairs_of_texts(short=True), strict=False):
            if number % 10 < 9:
                row = (f"{first + number}: {question}", answer)
            writer.writerow(row)


def measure(folder: Path, rows: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds and peak memory of each change; every one works on the same dataset or one like it."""
    data = folder / "million"
    data.mkdir()
    results: dict[str, Any] = {"examples": rows}
    columns = ("--template", "qa", "--input", "question", "--target", "answer")

    def note(name: str, run: Run) -> None:
        found = {"s": run.seconds, "processor_s": run.processor_s, "peak_mb": run.peak_mb}
        results.update({f"{name}_{key}": value for key, value in found.items()})
        say(f"{name}: " + ", ".join(f"{key} {value:,.2f}" for key, value in found.items()))

    for number, name in enumerate(("one", "two")):
        write_questions(folder / f"{name}.csv", rows // (1 + number), number * rows)
        note(f"convert_{name}", sft(data, "convert", str(folder / f"{name}.csv"), "--name", name, *columns))
    note("export", sft(data, "export", "one", "--out", str(folder / "one.jsonl")))
    note("mix", sft(data, "mix", "one", "two", "--name", "both"))
    note("split", sft(data, "split", "one"))
    note("filter", script(data, _APPLY, "one", "Filter(min_tokens=12)"))
    note("sample", script(data, _APPLY, "one", "SampleRows(share=0.5)"))
    note("dedupe", sft(data, "dedupe", "one"))
    return results
