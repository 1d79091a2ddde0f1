"""The table of codes, its document, and the way from errors to findings."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

from core.data.findings import CODES, data_error, document, finding, from_error
from core.errors import DataError

ROOT = Path(__file__).parents[3]
# Codes that scripts may rely on since the first release.
STABLE = {
    "json_syntax", "json_depth", "json_duplicate_key", "encoding", "csv_ragged", "role_unknown", "assistant_missing",
    "too_few_examples", "shape_unknown", "json_no_rows",
}  # fmt: skip


def test_the_document_is_the_table() -> None:
    assert (ROOT / "docs" / "findings.md").read_text(encoding="utf-8") == document(), (
        "run: python -m core.data.findings > docs/findings.md"
    )


def test_the_stable_codes_are_there_and_every_code_says_what_to_do() -> None:
    assert CODES.keys() >= STABLE
    assert all(code.meaning and code.remedy for code in CODES.values())


def test_every_code_in_the_table_is_used_somewhere() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "core").rglob("*.py") if path.parent.name != "findings"
    )
    unused = [code for code in CODES if not re.search(rf'"{code}"', source)]
    # `data` is what an error without a code of its own becomes; the other two are made from the role's name.
    assert set(unused) <= {"data", "user_missing", "assistant_missing"}


def test_an_error_says_the_same_as_its_finding_and_survives_pickling() -> None:
    error = data_error("nul", "Line 3 holds a NUL.", line=3, field="a")
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.line, again.field, str(again)) == ("nul", 3, "a", str(error))
    found = from_error(again)
    assert (found.code, found.line, found.severity, found.remedy) == ("nul", 3, "error", CODES["nul"].remedy)
    assert from_error(DataError("odd", code="no_such_code")).code == "data"


def test_a_finding_takes_what_it_is_not_told_from_the_table() -> None:
    found = finding("too_few_examples", "9 labeled examples.")
    assert found.severity == "error"
    assert finding("too_few_examples", "x", severity="warning").severity == "warning"
