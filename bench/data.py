"""The data workbench's speed, each figure as a ratio of two measurements made in the same run.

`python -m bench.data [--json] [--mb 100] [--rows 1000000] [--texts 100000]`; smaller numbers for a quick look.
`python -m bench.data --end-to-end` measures new processes instead: `_end_to_end.py`, `_million.py`, `_chat_logs.py`.

- validation: the studio's full structural check of a chat JSONL against the seven checks of OpenAI's cookbook in plain
  Python (json.loads per line), and the same seven as the studio's profile `openai_cookbook`;
- conversion: a CSV by classification into a dataset version, and its chat JSONL, against pandas and a plain `zip` with
  json.dumps; DuckDB's COPY as the limit;
- splitting: a version of as many examples into a new one, taken as they are stored against parsed and checked again;
- near duplicates: among texts with planted pairs.

Where two things are compared, they run by turns, three times, and the best of each counts (a split: once).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from bench import _chat_logs, _end_to_end, _million
from bench._data_files import conversations, soil, write_chats, write_table
from bench._real_data import real_data

TURNS = 3
VALIDATION_TURNS = 9  # each takes about a second: one busy moment of the machine must not decide


def best_by_turns(ways: dict[str, Callable[[], object]], turns: int = TURNS) -> dict[str, float]:
    """Seconds of the best of some runs of each, taken by turns so that a busy moment hits all of them."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for name, run in ways.items():
            begun = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - begun)
    return best


# ---- validation


def cookbook(path: Path) -> list[tuple[int, str]]:
    """The seven checks of OpenAI's cookbook in plain Python; (line, check), as often as it counts them."""
    found: list[tuple[int, str]] = []
    note = found.append
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            ex = json.loads(line)
            if not isinstance(ex, dict):
                note((number, "data_type"))
                continue
            messages = ex.get("messages", None)
            if not messages:
                note((number, "missing_messages_list"))
                continue
            for message in messages:
                if "role" not in message or "content" not in message:
                    note((number, "message_missing_key"))
                if any(k not in ("role", "content", "name", "function_call", "weight") for k in message):
                    note((number, "message_unrecognized_key"))
                if message.get("role", None) not in ("system", "user", "assistant", "function"):
                    note((number, "unrecognized_role"))
                content = message.get("content", None)
                function_call = message.get("function_call", None)
                if (not content and not function_call) or not isinstance(content, str):
                    note((number, "missing_content"))
            if not any(message.get("role", None) == "assistant" for message in messages):
                note((number, "example_missing_assistant_message"))
    return found


def validation(folder: Path, megabytes: float) -> dict[str, Any]:
    """The studio's checks against the cookbook's, on a sound file; and line by line on a dirty one."""
    from core.data.quality.openai_cookbook import check_file
    from core.services.data import sources

    sound, dirty = folder / "chats.jsonl", folder / "dirty.jsonl"
    write_chats(sound, int(megabytes * 1_000_000))
    soil(sound, dirty)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    helpers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sources.inspect(sound)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    helper = max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - max(helpers, before), 0)
    times = best_by_turns(
        {
            "cookbook": lambda: cookbook(sound),
            "studio": lambda: sources.inspect(sound),
            "profile": lambda: check_file(sound),
            "studio_dirty": lambda: sources.inspect(dirty),
        },
        VALIDATION_TURNS,
    )
    report = sources.inspect(sound)
    theirs = cookbook(dirty)
    ours = [(item.line, item.check) for item in check_file(dirty).findings]
    return {
        "megabytes": round(sound.stat().st_size / 1e6, 1),
        "lines": report.read,
        "accepted": report.accepted,
        "cookbook_s": times["cookbook"],
        "studio_s": times["studio"],
        "profile_s": times["profile"],
        "studio_dirty_s": times["studio_dirty"],
        "studio_ratio": times["cookbook"] / times["studio"],
        "profile_ratio": times["cookbook"] / times["profile"],
        "memory_mb": (grown + 2 * helper) / 1024,
        "dirty_findings": dict(Counter(check for _, check in theirs)),
        "dirty_identical": ours == theirs,
    }


# ---- conversion


def by_pandas(table: Path, target: Path) -> None:
    """Read with pandas, and a plain zip over the columns with json.dumps."""
    import pandas as pd

    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    with target.open("w", encoding="utf-8") as stream:
        for text, label in zip(frame["text"], frame["category"], strict=True):
            messages = [{"role": "user", "content": text}, {"role": "assistant", "content": label}]
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def by_duckdb(table: Path, target: Path) -> None:
    """DuckDB's COPY from CSV to JSON lines: no checks, no version; the limit."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    connection.execute(
        "COPY (SELECT [{'role': 'user', 'content': text}, {'role': 'assistant', 'content': category}] AS messages "
        f"FROM read_csv('{table}', header = true, all_varchar = true)) TO '{target}' (FORMAT json)"
    )


def by_studio(table: Path, folder: Path) -> Any:
    """What a conversion task does: detect, read, convert, check, write the version's files."""
    from core.data import formats
    from core.data.conversion.labeling import Labeler, Recipe
    from core.data.examples.sets import ExampleSet
    from core.data.quality.set_rules import check_set
    from core.data.versions.writer import VersionWriter
    from worker.handlers.conversion import write_examples

    mapping = {"key": "text", "target": "category"}
    labeler = Labeler(Recipe.of({"template": "classification", "mapping": mapping}), "bench")
    with VersionWriter(folder) as out:
        seen = ExampleSet()
        for _ in write_examples(labeler, table, formats.detect_file(table), out, seen):
            pass
        out.note(check_set(seen))
        return out.finish()


def conversion(folder: Path, rows: int) -> dict[str, Any]:
    """A guided conversion against pandas; the chat JSONL of both must have the same hash."""
    from core.data.versions.exports import jsonl
    from core.data.versions.files import EXAMPLES

    table, plain, version, copy = (folder / name for name in ("table.csv", "pandas.jsonl", "version", "duckdb.json"))
    write_table(table, rows)
    ours = folder / "studio.jsonl"

    def export() -> None:
        with ours.open("wb") as stream:
            stream.writelines(jsonl.write(version / EXAMPLES))

    times = best_by_turns(
        {
            "pandas": lambda: by_pandas(table, plain),
            "studio": lambda: by_studio(table, version),
            "export": export,
            "duckdb": lambda: by_duckdb(table, copy),
        }
    )
    return {
        "rows": rows,
        "megabytes": round(table.stat().st_size / 1e6, 1),
        "pandas_s": times["pandas"],
        "studio_version_s": times["studio"],
        "studio_export_s": times["export"],
        "duckdb_s": times["duckdb"],
        "version_ratio": times["pandas"] / times["studio"],
        "version_and_export_ratio": times["pandas"] / (times["studio"] + times["export"]),
        "times_duckdb": (times["studio"] + times["export"]) / times["duckdb"],
        "hash_equal": _sha256(ours) == _sha256(plain),
    }


# ---- splitting


def splitting(folder: Path, rows: int) -> dict[str, Any]:
    """A split into a new version: examples taken as they are stored (as the studio does), or parsed and checked."""
    from core.data.editing import Split
    from core.data.editing.building import build
    from core.data.examples.columns import ExampleColumns
    from core.data.versions.files import EXAMPLES
    from core.data.versions.ready import ReadyExamples
    from core.data.versions.rows import Rows
    from core.data.versions.writer import VersionWriter

    with (real_data() / "tables/banking77_train.csv").open(encoding="utf-8", newline="") as stream:
        questions, answers = zip(*list(csv.reader(stream))[1:], strict=True)
    with VersionWriter(folder / "base", hold_out=0.0) as out:
        for start in range(0, rows, len(questions)):
            count = min(rows - start, len(questions))
            asked = [f"{start}: {question}" for question in questions[:count]]  # no two are equal
            lines = list(range(start + 1, start + count + 1))
            made = ExampleColumns(("user", "assistant"), (asked, list(answers[:count])), lines, "bench")
            out.add_ready(ReadyExamples.of(made))
        out.finish()

    def split(way: str, *, trusted: bool) -> str:
        with VersionWriter(folder / way, hold_out=0.0) as out:
            source = Rows(folder / "base" / EXAMPLES)
            build(source, Split(share=0.1), out, None, lambda done: None, trusted=trusted)
            return out.finish().examples_sha256

    seconds, hashes = [], []
    for way in ("stored", "parsed"):
        begun = time.perf_counter()
        hashes.append(split(way, trusted=way == "stored"))
        seconds.append(time.perf_counter() - begun)
    return {
        "rows": rows,
        "split_s": seconds[0],
        "parsed_s": seconds[1],
        "ratio": seconds[1] / seconds[0],
        "hash_equal": hashes[0] == hashes[1],
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ---- near duplicates


def planted(count: int, seed: int = 5) -> tuple[list[str], set[tuple[int, int]]]:
    """Texts of 20 to 60 words, one in ten a changed copy of another with a similarity of 0.8 or more."""
    from core.data.examples.near.near_duplicates import THRESHOLD

    rng = random.Random(seed)
    words = sorted({word for item in conversations() for message in item for word in message["content"].split()})
    texts = [" ".join(rng.choices(words, k=rng.randint(20, 60))) for _ in range(count * 9 // 10)]
    pairs: set[tuple[int, int]] = set()
    while len(texts) < count:
        first = rng.randrange(count * 9 // 10)
        changed = texts[first].split()
        for _ in range(rng.randint(0, 3)):
            changed[rng.randrange(len(changed))] = rng.choice(words)
        if similarity(texts[first], " ".join(changed)) >= THRESHOLD:
            pairs.add((first, len(texts)))
            texts.append(" ".join(changed))
    return texts, pairs


def similarity(first: str, second: str) -> float:
    """The Jaccard index of the sets of 5 consecutive characters, in plain Python (see examples.near.shingles)."""
    from core.data.examples.near.shingles import normalize

    a, b = (
        {text[at : at + 5] for at in range(max(1, len(text) - 4))} for text in (normalize(first), normalize(second))
    )
    return len(a & b) / len(a | b)


def near_duplicates(count: int) -> dict[str, Any]:
    """Seconds, recall over the planted pairs, and the share of reported pairs that are truly that similar."""
    from core.data.examples.near.near_duplicates import THRESHOLD, find_pairs

    texts, pairs = planted(count)
    begun = time.perf_counter()
    found = {(pair.first, pair.second) for pair in find_pairs(texts, THRESHOLD).pairs}
    seconds = time.perf_counter() - begun
    true = sum(similarity(texts[first], texts[second]) >= THRESHOLD for first, second in found)
    return {
        "texts": count,
        "planted": len(pairs),
        "found": len(found),
        "seconds": seconds,
        "ratio_to_60_s": 60 / seconds,
        "recall": len(pairs & found) / max(len(pairs), 1),
        "precision": true / max(len(found), 1),
    }


# ---- all of it


def _lines(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, figures in results.items():
        yield f"{name}:"
        for key, value in figures.items():
            yield f"  {key:<26} {value:,.3f}" if isinstance(value, float) else f"  {key:<26} {value}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.data", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print only the last line")
    parser.add_argument("--mb", type=float, default=100, help="size of the chat JSONL")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table")
    parser.add_argument("--texts", type=int, default=100_000, help="texts to look for near duplicates in")
    parser.add_argument("--end-to-end", action="store_true", help="commands as new processes, with their memory")
    names = ("validation", "conversion", "splitting", "near_duplicates", "end_to_end", "million", "chat_logs")
    parser.add_argument("--only", choices=names, help="one of them; the last three are of --end-to-end")
    chosen = parser.parse_args([] if arguments is None else arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = {
            "end_to_end": lambda: _end_to_end.measure(folder, chosen.mb, _say),
            "million": lambda: _million.measure(folder, chosen.rows, _say),
            "chat_logs": lambda: _chat_logs.measure(folder, chosen.mb),
        }
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "validation": lambda: validation(folder, chosen.mb),
            "conversion": lambda: conversion(folder, chosen.rows),
            "splitting": lambda: splitting(folder, chosen.rows),
            "near_duplicates": lambda: near_duplicates(chosen.texts),
        }
        results = {
            part: measure()
            for part, measure in (ways if chosen.end_to_end else parts).items()
            if chosen.only in (None, part)
        }
    if not chosen.json:
        print("\n".join(_lines(results)))
    about = {"date": date.today().isoformat(), "cores": os.cpu_count()}
    rounded = {
        part: {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
        for part, figures in results.items()
    }
    print(json.dumps({**about, **rounded}))


if __name__ == "__main__":
    main(sys.argv[1:])
