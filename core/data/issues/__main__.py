"""`python -m core.data.issues` writes docs/findings.md and the table of docs/quality.md."""

from pathlib import Path

from core.data.issues.document import findings, quality

DOCS = Path(__file__).parents[3] / "docs"
BEGIN, END = "<!-- issues: begin -->\n", "<!-- issues: end -->"


def with_table(page: str) -> str:
    """docs/quality.md with the table of today."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}{quality()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    (DOCS / "findings.md").write_text(findings(), encoding="utf-8")
    page = DOCS / "quality.md"
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
