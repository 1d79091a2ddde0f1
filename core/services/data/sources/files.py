"""Local files for the command line: their rows, their analysis, and a report on everything wrong with them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from core.data import formats
from core.data.conversion import analysis, chat_shapes
from core.data.conversion.analysis import Analysis
from core.data.conversion.fields import raw_text
from core.data.conversion.labeling import FindingList
from core.data.conversion.templates import TEMPLATES
from core.data.formats import Detection, Reading
from core.data.issues import ISSUES, finding, from_error
from core.errors import DataError, StudioError
from core.messages import Finding, Reject, Row
from core.services.data.sources import accounts, chat_lines, row_checks
from core.services.data.sources.row_checks import CheckedRows

_ACCOUNTED = 500  # rows that show which fields are left out; a report is to take no longer than reading the file
_FLAGS = {"key": "--input", "target": "--target", "include": "--include"}  # of `sft convert`


@dataclass(frozen=True, slots=True)
class FileReport:
    """The report of `sft validate` on one file. `exit_code`: 0 valid, 1 findings that block, 2 unreadable."""

    file: str
    format: str | None
    encoding: str | None
    read: int
    accepted: int
    rejected: int
    findings: tuple[Finding, ...]
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """The public JSON object, one per file."""
        of_file = ("file", "format", "encoding", "read", "accepted", "rejected")
        of_finding = ("line", "field", "code", "severity", "message", "remedy")
        findings = [{key: getattr(item, key) for key in of_finding} for item in self.findings]
        return {**{key: getattr(self, key) for key in of_file}, "findings": findings}


def analyze_file(path: Path, reading: Reading | None = None) -> Analysis:
    """Analyze a local file without storing it."""
    return analysis.analyze_batches(formats.read_batches(path, formats.detect_file(path, overrides=reading)))


def rows_of_file(path: Path, reading: Reading | None = None) -> Iterator[Row | Reject]:
    """The rows of a file exactly as read; DataError if it cannot be read."""
    return formats.read(path, formats.detect_file(path, overrides=reading))


def inspect(path: Path, overrides: Reading | Mapping[str, Any] | None = None) -> FileReport:
    """Read a file to its end and report everything wrong with it, for `sft validate`; raises nothing."""
    findings = FindingList()
    found: Detection | None = None
    counts = CheckedRows()
    try:
        reading = Reading.of(overrides)
        found = formats.detect_file(path, path.name, reading, seams=False)
        findings.extend(found.findings)
        batches = formats.read_batches(path, found, chat_shapes.SAMPLE)
        rows = chain.from_iterable(batch.items() for batch in batches)
        first = list(islice(rows, chat_shapes.SAMPLE))
        shape = chat_shapes.detect(row for row in first if isinstance(row, Row))
        bulk = chat_lines.check(path, found, shape)
        findings.extend(bulk.seams if bulk else formats.seams(path, found))
        if shape:
            first += islice(rows, _ACCOUNTED - len(first))
            findings.extend(accounts.findings_of_rows(first, shape))
        if bulk:
            findings.take(bulk.findings)
            counts = CheckedRows(bulk.read, bulk.rejected, bulk.readable)
        else:
            row_checks.check(path, found, shape, findings, counts)
            if shape is None and counts.read > counts.rejected:
                findings.add(_shape_unknown(path, found, reading))
                counts.rejected = counts.readable = counts.read
            elif shape is None and counts.read == 0:
                findings.add(finding("no_rows", f"{path.name} has no rows."))
    except DataError as error:
        findings.add(from_error(error))
    listed = findings.listed()
    blocked = any(item.severity == "error" for item in listed)
    readable = counts.readable + counts.read - counts.rejected
    unreadable = readable == 0 and any(ISSUES.get(item.code).unreadable for item in listed)
    return FileReport(
        file=str(path),
        format=found.format if found else None,
        encoding=found.encoding if found else None,
        read=counts.read,
        accepted=counts.read - counts.rejected,
        rejected=counts.rejected,
        findings=listed,
        exit_code=2 if unreadable else int(blocked),
    )


def _shape_unknown(path: Path, detection: Detection, reading: Reading) -> Finding:
    result = analysis.analyze_batches(formats.read_batches(path, detection))
    if (raw := no_examples(path, result)) is not None:
        return raw
    names = ", ".join(column.name for column in result.columns[:12])
    return finding(
        "shape_unknown",
        f"The columns ({names}) are not a known chat shape, so the input and the output are not known yet.",
        f"Convert it: {convert_command(str(path), result, reading)}",
    )


def no_examples(file: Path, result: Analysis) -> Finding | None:
    """The finding about a chat log, or a file of raw text; None where the table is neither."""
    if result.shape is None and (log := _chat_log(file)):
        return log
    raw = raw_text(result.columns)
    if raw is None:
        return None
    text = f"{file.name} has raw text (`{raw}`) without inputs and outputs, so there are no labeled examples."
    command = shlex.join(["sft", "write", str(file), "--name", file.stem])
    return finding(
        "raw_text", text, f"Smart mode in Convert data writes questions and answers from passages: {command}"
    )


def _chat_log(file: Path) -> Finding | None:
    from core.data import chat_logs  # imported here: most files are in a known shape, and this takes 50 ms

    try:
        bundle = chat_logs.Bundle(file, file.name)
        found = chat_logs.recognize(bundle)
        if not found.is_sure(bundle):
            return None
    except StudioError:  # not a chat export
        return None
    command = shlex.join(["sft", "chats", str(file), "--name", file.stem])
    text = f"{file.name} is a chat log ({found.title}); its messages become examples as conversations."
    return finding("chat_log", text, f"*Import conversations* pairs what people ask with the answers: {command}")


def convert_command(file: str, result: Analysis, reading: Reading | None = None) -> str:
    """The command that converts a file as its analysis suggests, with COLUMN for a column to choose."""
    suggestion = result.best
    if result.flattened:
        reading = replace(reading or Reading(), nested="flatten")
    begin = ["sft", "convert", file, *(reading.flags() if reading else ())]
    if suggestion is None or not TEMPLATES.get(suggestion.template).roles:
        template = next(iter(TEMPLATES)).id
        return f"{shlex.join(begin)} --template {template} --input COLUMN --target COLUMN --name NAME"
    mapping, parts = suggestion.mapping, [*begin, "--template", suggestion.template]
    order = [*_FLAGS, *(role.id for role in TEMPLATES.get(suggestion.template).roles if role.id not in _FLAGS)]
    for role in sorted(TEMPLATES.get(suggestion.template).roles, key=lambda role: order.index(role.id)):
        columns = mapping.columns(role.id) or (("COLUMN",) if role.required else ())
        for column in columns:
            parts += [_FLAGS[role.id], column] if role.id in _FLAGS else ["--column", f"{role.id}={column}"]
    for name, value in suggestion.options.items():
        parts += ["--system", str(value)] if name == "system" else ["--set", f"{name}={value}"]
    for total in result.totals:
        parts += ["--leave-out", str(total.line)]
    return shlex.join([*parts, "--name", Path(file).stem])
