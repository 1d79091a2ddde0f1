"""The catalog of issues, its documents, and the way from errors to findings."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from core.data.issues import ISSUES, Issue, checks, data_error, document, finding, from_error
from core.data.issues.__main__ import with_table
from core.data.issues.check import CheckSettings
from core.data.quality.score import AMOUNT, PARTS
from core.errors import DataError

ROOT = Path(__file__).parents[4]
# Codes that scripts may rely on since the first release.
STABLE = {
    "json_syntax", "json_depth", "json_duplicate_key", "encoding", "csv_ragged", "role_unknown", "assistant_missing",
    "too_few_examples", "shape_unknown", "json_no_rows",
}  # fmt: skip


def test_the_documents_are_the_catalog() -> None:
    quality = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    assert (ROOT / "docs" / "findings.md").read_text(encoding="utf-8") == document.findings(), (
        "run: python -m core.data.issues"
    )
    assert with_table(quality) == quality, "run: python -m core.data.issues"
    assert all(f"| {part.title} | {part.of} |" in quality for part in PARTS)


def test_the_stable_codes_exist() -> None:
    assert set(ISSUES.ids()) >= STABLE


@pytest.mark.parametrize("issue", ISSUES, ids=ISSUES.ids())
def test_an_issue_is_complete(issue: Issue) -> None:
    assert issue.title
    assert issue.meaning.endswith(".")
    assert "{" not in issue.say(1) + issue.say(3, 2) + issue.meaning
    assert issue.remedy or issue.severity == "info" or issue.code == "data"
    assert len({fix.id for fix in issue.fixes}) == len(issue.fixes)
    assert all("{" not in fix.title_for(3) for fix in issue.fixes)
    if issue.share is not None:
        assert issue.share.part in {AMOUNT, *(part.id for part in PARTS)}
        assert issue.check or issue.rule


def test_every_issue_is_found_somewhere() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for wing in ("core", "worker")
        for path in (ROOT / wing).rglob("*.py")
        if path.parent.name != "issues"
    )
    unused = [
        issue.code for issue in ISSUES if not (issue.check or issue.rule or re.search(rf'"{issue.code}"', source))
    ]
    # `data` is what an error without its own code becomes; the other two are built from the role's name.
    assert set(unused) <= {"data", "user_missing", "assistant_missing"}


def test_every_check_starts_without_having_seen_anything() -> None:
    assert len(checks()) == len({make(CheckSettings()).__class__ for make in checks()})


def test_sentences_agree_with_their_counts() -> None:
    overlap = ISSUES.get("validation_overlap")
    assert overlap.say(1) == "1 example of the validation or test part also appears in training."
    assert overlap.say(3) == "3 examples of the validation or test part also appear in training."
    assert ISSUES.get("duplicate_examples").say(3, 2) == "3 redundant examples in 2 groups: exact copies of others."
    assert ISSUES.get("empty_answers").say(1) == "1 example has an answer that says nothing."


def test_an_error_says_the_same_as_its_finding_and_survives_pickling() -> None:
    error = data_error("nul", "Line 3 holds a NUL.", line=3, field="a")
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.line, again.field, str(again)) == ("nul", 3, "a", str(error))
    found = from_error(again)
    assert (found.code, found.line, found.severity, found.remedy) == ("nul", 3, "error", ISSUES.get("nul").remedy)
    assert from_error(DataError("odd", code="no_such_code")).code == "data"


def test_a_finding_has_the_severity_of_its_issue() -> None:
    assert finding("too_few_examples", "9 labeled examples.").severity == "error"
    assert finding("few_examples", "19 labeled examples.").severity == "warning"
