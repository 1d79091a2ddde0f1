"""Write a version's files into a local directory: examples and findings as Parquet, rejects verbatim, manifest last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from core.messages import Example, Finding, Reject

EXAMPLES, FINDINGS, REJECTS, MANIFEST = "examples.parquet", "findings.parquet", "rejects.jsonl", "manifest.json"
DEFAULT_SEED = 42
HOLD_OUT_FROM = 200  # below, nothing is held out unless asked: facts that were never shown cannot be learnt
HOLD_OUT_SHARE, HOLD_OUT_MOST = 0.1, 1_000

_EXAMPLE_SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        ("messages", pa.string()),  # the chat-format JSON
        ("text", pa.string()),  # every content, one after another, for the search
        ("label", pa.string()),  # the last answer, for the balance of labels
        ("split", pa.string()),
        ("source", pa.string()),
        ("source_line", pa.int64()),
        ("turns", pa.int32()),
        ("characters", pa.int64()),
        ("tokens", pa.int64()),  # an estimate: characters / 4
        ("flags", pa.list_(pa.string())),  # codes of the findings about this example
    ]
)
_FINDING_SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("field", pa.string()),
        ("code", pa.string()),
        ("severity", pa.string()),
        ("message", pa.string()),
        ("remedy", pa.string()),
        ("raw", pa.string()),
        ("rows", pa.list_(pa.int64())),
    ]
)


class ParquetRows:
    """A Parquet file that is written row by row, a batch at a time."""

    def __init__(self, path: Path, schema: Any, batch: int = 2_000) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._schema, self._batch = schema, batch
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= self._batch:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: counts, the hash of the examples (content, not bytes of the file) and the size of all files."""

    examples: int
    train_examples: int
    validation_examples: int
    rejects: int
    findings: Mapping[str, int]  # by severity
    examples_sha256: str
    size_bytes: int
    split: Mapping[str, Any]


class VersionWriter:
    """Collects examples, findings and rejects; `finish` splits them and closes the files.

    Args:
        directory: local; what an interrupted attempt left there is overwritten.
        hold_out: share of the examples to hold out for validation; None: 10 % (at most 1,000) from 200 examples on,
            nothing below, and nothing where examples of a validation part of their own were added.
    """

    def __init__(self, directory: Path, *, hold_out: float | None = None, seed: int = DEFAULT_SEED) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (EXAMPLES, FINDINGS, REJECTS, MANIFEST, f"{EXAMPLES}.unsplit"):
            (directory / name).unlink(missing_ok=True)
        self.directory = directory
        self._hold_out, self._seed = hold_out, seed
        self._unsplit = directory / f"{EXAMPLES}.unsplit"
        self._examples = ParquetRows(self._unsplit, _EXAMPLE_SCHEMA)
        self._findings = ParquetRows(directory / FINDINGS, _FINDING_SCHEMA)
        self._rejects = (directory / REJECTS).open("w", encoding="utf-8")
        self._keys: list[bytes] = []  # of the training examples, for the split
        self._own_validation = self._rejected = 0
        self._by_severity: dict[str, int] = {"error": 0, "warning": 0, "info": 0}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rejects.close()
        if kind is not None:
            self._examples.close()
            self._findings.close()

    @property
    def examples(self) -> int:
        return len(self._keys) + self._own_validation

    def add(self, example: Example, findings: Iterable[Finding] = ()) -> None:
        noted = tuple(findings)
        row = example_row(self.examples, example, (*example.flags, *(item.code for item in noted)))
        self._examples.add(row)
        if example.split == "validation":
            self._own_validation += 1
        else:
            self._keys.append(_key(row["messages"]))
        self.note(noted)

    def reject(self, item: Reject) -> None:
        """Keep a rejected row verbatim with its reasons."""
        self._rejected += 1
        content = {"line": item.line, "raw": item.raw, "findings": [found.to_dict() for found in item.findings]}
        # ASCII escapes keep even half characters and invalid bytes exactly as they were read.
        self._rejects.write(json.dumps(content) + "\n")
        self.note(item.findings)

    def note(self, findings: Iterable[Finding]) -> None:
        for found in findings:
            self._by_severity[found.severity] += 1
            self._findings.add(finding_row(found))

    def finish(self) -> Written:
        """Split, write the final examples file, and say what there is. The manifest is the caller's to write."""
        self._examples.close()
        self._findings.close()
        self._rejects.close()
        held_out, split = self._choose()
        final = ParquetRows(self.directory / EXAMPLES, _EXAMPLE_SCHEMA)
        digest, validation = hashlib.sha256(), 0
        for row in read_rows(self._unsplit):
            if row["split"] == "train" and _key(row["messages"]) in held_out:
                row["split"] = "validation"
            validation += row["split"] == "validation"
            digest.update(f"{row['split']}\t{row['messages']}\n".encode())
            final.add(row)
        final.close()
        self._unsplit.unlink()
        return Written(
            examples=self.examples,
            train_examples=self.examples - validation,
            validation_examples=validation,
            rejects=self._rejected,
            findings=dict(self._by_severity),
            examples_sha256=digest.hexdigest(),
            size_bytes=sum(path.stat().st_size for path in self.directory.iterdir()),
            split=split,
        )

    def _choose(self) -> tuple[set[bytes], dict[str, Any]]:
        """The keys held out: the first ones by a seeded hash, so that equal examples always stay on one side."""
        total = len(self._keys)
        if self._hold_out is not None:
            wanted = round(total * self._hold_out)
        elif self._own_validation or total < HOLD_OUT_FROM:
            wanted = 0
        else:
            wanted = min(round(total * HOLD_OUT_SHARE), HOLD_OUT_MOST)
        split = {"seed": self._seed, "held_out": wanted, "own_validation": self._own_validation}
        copies: dict[bytes, int] = {}
        for key in self._keys:
            copies[key] = copies.get(key, 0) + 1
        salt = str(self._seed).encode()
        chosen: set[bytes] = set()
        for key in sorted(copies, key=lambda item: hashlib.blake2b(item, key=salt, digest_size=8).digest()):
            if wanted < copies[key]:
                if wanted <= 0:
                    break
                continue
            chosen.add(key)
            wanted -= copies[key]
        return chosen, split


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write manifest.json with the hash and size of every other file; its presence means "complete"."""
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(directory.iterdir()):
        with path.open("rb") as stream:
            files[path.name] = {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
        files[path.name]["size_bytes"] = path.stat().st_size
    content = {**manifest, "files": files}
    (directory / MANIFEST).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return content


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """A findings file of its own (when a version is checked again)."""
    rows = ParquetRows(path, _FINDING_SCHEMA)
    for found in findings:
        rows.add(finding_row(found))
    rows.close()


def example_row(position: int, example: Example, flags: Iterable[str]) -> dict[str, Any]:
    contents = [message.content for message in example.messages]
    answers = [message.content for message in example.messages if message.role == "assistant"]
    characters = sum(map(len, contents))
    return {
        "position": position,
        "messages": json.dumps([message.to_dict() for message in example.messages], ensure_ascii=False),
        "text": "\n".join(contents),
        "label": answers[-1][:200] if answers else "",
        "split": example.split,
        "source": example.source,
        "source_line": example.source_line,
        "turns": sum(message.role == "user" for message in example.messages),
        "characters": characters,
        "tokens": -(-characters // 4),
        "flags": sorted(set(flags)),
    }


def finding_row(found: Finding) -> dict[str, Any]:
    row = {**found.to_dict(), "rows": list(found.rows), "raw": found.raw}
    # Parquet holds Unicode only: half characters are shown escaped here, verbatim in the rejects.
    return {key: _printable(value) if isinstance(value, str) else value for key, value in row.items()}


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Every row of a Parquet file, a batch at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(2_000):
            yield from batch.to_pylist()


def _key(messages: str) -> bytes:
    return hashlib.blake2b(messages.encode("utf-8"), digest_size=16).digest()


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
