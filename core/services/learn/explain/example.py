"""The path of one example through the studio: row, messages, checks, rendered text, tokens with mask."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from core.data.conversion import chat_shapes
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.templates import ColumnMapping
from core.data.issues import codes
from core.errors import DataError
from core.messages import Example, Finding, Reject, Row
from core.platform import scratch
from core.services.data import sources
from core.services.learn.explain.tokens import TokenView, view

SAMPLE = json.dumps(
    {
        "messages": [
            {"role": "system", "content": "You are the help desk of a shop."},
            {"role": "user", "content": "What's the refund policy?"},
            {"role": "assistant", "content": "We offer a 30-day money-back guarantee."},
        ]
    },
    indent=2,
)


@dataclass(frozen=True, slots=True)
class Station:
    """One stage of the path: what happens there, and what the example looks like then (JSON or plain text)."""

    id: str
    title: str
    text: str
    shown: str
    language: str | None = "json"


@dataclass(frozen=True, slots=True)
class Checked:
    """One example after the checks: its messages, if it was accepted, and all findings."""

    example: Example | None
    findings: tuple[Finding, ...]
    tokens: TokenView | None = None


def follow_row(question: str, answer: str, system: str) -> tuple[list[Station], TokenView | None]:
    """Take one table row through template, checks and chat template.

    Returns:
        The stages that the row reaches, and its tokens; None if it is rejected.
    """
    row = Row(2, {"question": question, "answer": answer})
    shown = _json({"line": row.line, "fields": dict(row.fields)})
    stations = [Station("row", "1. A row", "As read: its line in the file, and cells as text.", shown)]
    recipe = Recipe(
        template="qa",
        mapping=ColumnMapping(key="question", target="answer"),
        options={"system": system} if system.strip() else {},
    )
    result = next(iter(Labeler(recipe, "table.csv").run([row])))
    if isinstance(result, Reject):
        lines = "\n".join(f"{found.code}: {found.message} {found.remedy}" for found in result.findings)
        rejected = Station("reject", "2. Left out", "Saved to the list of rows left out, with the reason.", lines, None)
        return [*stations, rejected], None
    findings = "\n".join(f"{item.severity}: {item.message} {item.remedy}" for item in result.findings) or "no findings"
    messages = _json({"messages": [message.to_dict() for message in result.example.messages]})
    tokens = view(result.example.messages)
    rendered = "As one text, by the starter's chat template: the same for training and for chat."
    stations += [
        Station("messages", "2. A labeled example", "The Q&A template turned it into messages.", messages),
        Station("checks", "3. Checks", "The same rules as for an upload.", findings, None),
        Station("text", "4. Rendered", rendered, tokens.text, None),
    ]
    return stations, tokens


def check_pasted(text: str) -> Checked:
    """Check one example in any known chat format, exactly like a file with this single record."""
    with scratch.folder() as folder:
        path = folder / "example.jsonl"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        report = sources.inspect(path)
        of_a_file = codes("set") | {"no_rows"}  # one pasted example is not a file
        findings = tuple(item for item in report.findings if item.code not in of_a_file)
        example = _first_example(path) if report.accepted else None
    if example is None:
        return Checked(None, findings)
    try:
        return Checked(example, findings, view(example.messages))
    except DataError as error:
        refused = Finding(None, None, error.code, "error", error.message, error.remedy)
        return Checked(example, (*findings, refused))


def _first_example(path: Path) -> Example | None:
    rows = [row for row in sources.rows_of_file(path) if isinstance(row, Row)]
    shape = chat_shapes.detect(rows)
    if shape is None:
        return None
    labeled = (item for item in Labeler(Recipe(shape=shape), "pasted").run(rows) if isinstance(item, Labeled))
    first = next(labeled, None)
    return first.example if first else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
