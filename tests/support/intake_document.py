"""docs/formats.md, written from the registries: `python -m tests.support.intake_document > docs/formats.md`."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.chat_logs import LOG_FORMATS
from core.data.conversion.chat_shapes import CHAT_SHAPES
from core.data.conversion.templates import TEMPLATES
from core.data.formats import FORMATS


def document() -> str:
    """The page on what the studio reads, as markdown."""
    return "\n".join(
        [
            "# Files, shapes and templates",
            "",
            "Written by `python -m tests.support.intake_document` from the registries; a test holds it against them.",
            "",
            "## File formats",
            "",
            "The content decides how a file is read; its name only where the content is unclear. Text formats may be "
            "packed with gzip.",
            "",
            *_table(
                ("format", "usual names"),
                ((entry.label, ", ".join(f"`{suffix}`" for suffix in entry.suffixes)) for entry in FORMATS),
            ),
            "",
            "## Chat shapes",
            "",
            "Rows with these columns are labeled examples already and need no conversion. Case is ignored in names.",
            "",
            *_table(
                ("id", "shape", "columns", "also used", "known from"),
                (
                    (f"`{shape.id}`", shape.title, _code(shape.required), _code(shape.optional), shape.text)
                    for shape in CHAT_SHAPES
                ),
            ),
            "",
            "## Guided templates",
            "",
            *_table(
                ("id", "template", "what it does", "columns"),
                (
                    (f"`{item.id}`", item.title, item.tagline, ", ".join(role.title for role in item.roles) or "–")
                    for item in TEMPLATES
                ),
            ),
            "",
            "## Chat exports",
            "",
            *_table(("id", "export", "how to get it"), ((f"`{log.id}`", log.title, log.text) for log in LOG_FORMATS)),
            "",
        ]
    )


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    print(document(), end="")
