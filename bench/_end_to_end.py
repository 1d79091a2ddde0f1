"""A file's way from the command line to its result, beside what other tools take to read it.

Each is a new process, so start-up counts; `start_s` is the same command with a file of a few rows. Studio and peer
run by turns, and the best of each counts. `extra_mb` is the peak above that of the small file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._commands import Run, script, sft
from bench._data_files import pairs_of_texts, write_chats

TURNS = 2
_FEW = 20  # rows of the small file

_PANDAS = "import sys, pandas; pandas.read_json(sys.argv[1], lines=True)"
_DUCKDB = """import sys, duckdb
path, target = sys.argv[1:]
read = f"read_csv('{path}', header=true, all_varchar=true)" if path.endswith('.csv') else f"read_json('{path}')"
pair = "[{'role': 'user', 'content': question}, {'role': 'assistant', 'content': answer}] AS messages"
con = duckdb.connect(config={'threads': 2})
con.execute(f"COPY (SELECT {pair} FROM {read}) TO '{target}' (FORMAT json)" if target else
            f"CREATE TABLE t AS SELECT * FROM {read}")"""
_DATASETS = "import sys, datasets; datasets.load_dataset('json', data_files=sys.argv[1], cache_dir=sys.argv[2])"


def write_table(path: Path, size: int) -> None:
    """A CSV of questions and answers, about `size` bytes."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("question", "answer"))
        for question, answer in pairs_of_texts():
            if stream.tell() >= size:
                return
            writer.writerow((question, answer))


def write_alpaca(path: Path, size: int) -> None:
    """A JSON array of Alpaca instructions, indented as they are published, about `size` bytes."""
    with path.open("w", encoding="utf-8") as stream:
        for number, (question, answer) in enumerate(pairs_of_texts()):
            if stream.tell() >= size:
                break
            row = {"instruction": question, "input": "", "output": answer}
            text = json.dumps(row, ensure_ascii=False, indent=2).replace("\n", "\n  ")
            stream.write(f"{',' if number else '['}\n  {text}")
        stream.write("\n]\n")


def measure(folder: Path, megabytes: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Every way: seconds, the limit and memory; each is said as soon as it is measured."""
    size = int(megabytes * 1_000_000)
    files: dict[str, Path] = {}
    for name, write in (("chat.jsonl", write_chats), ("table.csv", write_table), ("alpaca.json", write_alpaca)):
        for label, wanted in (("", size), ("few-", _FEW * 800)):
            files[label + name] = folder / f"{label}{name}"
            write(files[label + name], wanted)
    count = 0

    def fresh() -> Path:
        nonlocal count
        count += 1
        (made := folder / f"data-{count}").mkdir()
        return made

    def validate(path: Path) -> Run:
        return sft(fresh(), "validate", str(path))

    def convert(path: Path) -> Run:
        columns = ("--template", "qa", "--input", "question", "--target", "answer")
        return sft(fresh(), "convert", str(path), "--name", "bench", *columns)

    def load(path: Path) -> Run:
        return sft(fresh(), "convert", str(path), "--name", "bench")

    def pandas(path: Path) -> Run:
        return script(fresh(), _PANDAS, str(path))

    def duckdb(path: Path) -> Run:
        return script(fresh(), _DUCKDB, str(path), "")

    def copy(path: Path) -> Run:
        return script(fresh(), _DUCKDB, str(path), str(folder / "copy.json"))

    def datasets(path: Path) -> Run:
        return script(data := fresh(), _DATASETS, str(path), str(data / "cache"))

    # name, file, the studio's way, the peer, and the limit: (times the peer, seconds more), or seconds alone.
    ways: tuple[tuple[str, str, Callable[[Path], Run], Callable[[Path], Run], float, float | None], ...] = (
        ("validate_chat_jsonl", "chat.jsonl", validate, pandas, 1.0, 0.0),
        ("validate_csv", "table.csv", validate, duckdb, 3.0, 1.0),
        ("validate_alpaca_json", "alpaca.json", validate, duckdb, 3.0, 1.0),
        ("convert_csv", "table.csv", convert, copy, 4.0, None),
        ("import_chat_jsonl", "chat.jsonl", load, datasets, 4.0 / 1.9, 0.0),
        ("import_alpaca_json", "alpaca.json", load, datasets, 6.0 / 4.4, 0.0),
    )
    results: dict[str, Any] = {}
    for name, file, ours, peer, times, more in ways:
        small = ours(files[f"few-{file}"])
        studio, others = [], []
        for _ in range(TURNS):
            studio.append(ours(files[file]))
            others.append(peer(files[file]))
        run, other = Run.best(studio), Run.best(others)
        limit = times * other.seconds + (small.seconds if more is None else more)
        found = {
            "s": run.seconds,
            "peer_s": other.seconds,
            "limit_s": limit,
            "start_s": small.seconds,
            "processor_s": run.processor_s,
            "peer_processor_s": other.processor_s,
            "extra_mb": run.peak_mb - small.peak_mb,
        }
        results |= {f"{name}_{key}": value for key, value in found.items()}
        results[f"{name}_kept"] = run.seconds <= limit
        say(f"{name}: " + ", ".join(f"{key} {value:,.2f}" for key, value in found.items()))
    return {"megabytes": megabytes, **results}
