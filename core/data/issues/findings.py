"""Findings, rejects and errors: an issue of the catalog with the words for one case."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.issues.issue import ISSUES
from core.errors import DataError
from core.messages import Finding, Reject, SharedLine


def finding(
    code: str,
    message: str,
    remedy: str | None = None,
    *,
    line: int | None = None,
    field: str | None = None,
    raw: str | None = None,
    rows: Iterable[int] = (),
) -> Finding:
    """A finding with the severity of its issue, and with its remedy unless another one is given.

    Where several records share the line, the message begins with the record's number.
    """
    issue = ISSUES.get(code)
    if isinstance(line, SharedLine) and not message.startswith("Record "):
        message = f"Record {line.record:,}: {message}"
    text = issue.remedy if remedy is None else remedy
    return Finding(line, field, code, issue.severity, message, text, raw, tuple(rows))


def reject(
    code: str,
    message: str,
    remedy: str | None = None,
    *,
    line: int,
    raw: str,
    field: str | None = None,
    at: int | None = None,
) -> Reject:
    """A reject with one finding; `at` is the line of the error where it differs from the record's first line."""
    return Reject(line, raw, (finding(code, message, remedy, line=at or line, field=field),))


def data_error(
    code: str, message: str, remedy: str | None = None, *, line: int | None = None, field: str | None = None
) -> DataError:
    """A DataError with the remedy of its issue unless another one is given."""
    return DataError(message, ISSUES.get(code).remedy if remedy is None else remedy, code=code, line=line, field=field)


def from_error(error: DataError) -> Finding:
    """The finding that says the same as a DataError."""
    code = error.code if error.code in ISSUES else "data"
    return finding(code, error.message, error.remedy or None, line=error.line, field=error.field)
