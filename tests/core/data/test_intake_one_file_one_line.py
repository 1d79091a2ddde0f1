"""A file format, a template, a chat shape or a chat export is one file and one line: dummies appear everywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core.cli import main
from core.data import formats
from core.data.chat_logs import LOG_FORMATS, Bundle, Conversation, LogFormat, Person, ReadOptions, Turn
from core.data.conversion.chat_shapes import CHAT_SHAPES, ChatShape
from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.patterns import Pattern
from core.data.conversion.templates import (
    TEMPLATES,
    ColumnMapping,
    RoleSpec,
    Template,
    TemplateOptions,
    TemplateSuggestion,
)
from core.data.conversion.templates.base import Cells, Turn as TemplateTurn
from core.data.formats import FORMATS, Detection, Format, ReadingChoice, ReadingOption
from core.data.formats.base import Head
from core.messages import Row
from core.services.data import chat_import, conversion, sources
from core.services.learn.explain import defaults
from core.services.platform import drafts
from tests.support.intake_document import document
from tests.support.registry import registered
from tests.support.screens import open_page, words

ROOT = Path(__file__).parents[3]
ROWS = (
    ("a sample dataset", "core/data/samples/<id>.py", "core/data/samples/__init__.py: SAMPLES.add(...)"),
    ("a file format", "core/data/formats/<id>.py", "core/data/formats/__init__.py: FORMATS.add(...)"),
    (
        "a guided template",
        "core/data/conversion/templates/<id>.py",
        "core/data/conversion/templates/__init__.py: TEMPLATES.add(...)",
    ),
    (
        "a chat shape",
        "core/data/conversion/chat_shapes/<id>.py",
        "core/data/conversion/chat_shapes/__init__.py: CHAT_SHAPES.add(...)",
    ),
    ("a chat export", "core/data/chat_logs/<id>.py", "core/data/chat_logs/__init__.py: LOG_FORMATS.add(...)"),
)
pytestmark = pytest.mark.usefixtures("studio_env")


def test_the_page_of_the_docs_is_the_registries() -> None:
    assert (ROOT / "docs" / "formats.md").read_text(encoding="utf-8") == document(), (
        "run: python -m tests.support.intake_document > docs/formats.md"
    )


# ---- a file format: a binary one, with a choice of its own


class Knots(Format):
    """Rows on strings, as the Inca kept them: one cell after another, each ended by a knot."""

    id: ClassVar[str] = "knots"
    label: ClassVar[str] = "Quipu"
    suffixes: ClassVar[tuple[str, ...]] = (".quipu",)
    magic: ClassVar[tuple[bytes, ...]] = (b"QUIPU",)

    def sniff(self, head: Head) -> float:
        return float(self.has_magic(head.raw))

    def detect(self, head: Head, overrides: Mapping[str, Any]) -> Detection:
        return Detection(self.id, None, columns=("question", "answer"), notes=("A string with knots.",))

    def inspect(self, path: Path, detection: Detection, overrides: Mapping[str, Any]) -> Detection:
        knots = path.read_bytes().count(b"\0")
        return detection.with_notes(f"{knots} knots.")

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        return (ReadingChoice.of("header", detected, current, [ReadingOption(None, "A value")]),)

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        return (("Color", "red"),)

    def read(self, path: Path, detection: Detection) -> Iterator[Row]:
        cells = path.read_bytes().removeprefix(b"QUIPU").decode().split("\0")[:-1]
        for number, pair in enumerate(zip(cells[::2], cells[1::2], strict=True), start=1):
            yield Row(number, dict(zip(detection.columns, pair, strict=True)))


KNOTS = b"QUIPU" + b"".join(f"What is {n}?\0It is {n}.\0".encode() for n in range(12))


@pytest.fixture
def knots() -> Iterator[Format]:
    with registered(FORMATS, Knots()) as entry:
        yield entry


def test_a_new_format_is_detected_read_and_described(knots: Format, tmp_path: Path) -> None:
    record = sources.ingest(io.BytesIO(KNOTS), "a.csv")
    assert (record.format, record.encoding) == ("knots", None)
    assert [note for note in record.detection.notes if "knots" in note] == ["A string with knots.", "24 knots."]
    assert [item.code for item in record.detection.findings] == ["suffix_mismatch"]
    assert [choice.title for choice in sources.choices(record.id)] == ["Format", "Header"]
    assert record.facts == (("Read as", "Quipu"), ("Color", "red"))
    assert sources.analyze(record.id).total_rows == 12
    assert sources.analyze(record.id).shape == "question_answer"


def test_a_new_format_is_named_on_screens_in_help_texts_errors_and_docs(
    knots: Format, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert formats.labels() == "CSV, Excel, JSON, JSONL, Parquet, Quipu or Text"
    assert "Quipu or Text" in defaults.defaults().file_types
    for verb in ("analyze", "rows", "convert", "write", "validate"):
        assert main([verb, "--help"]) == 0
        assert "Quipu" in " ".join(capsys.readouterr().out.split()), verb
    for page in ("upload", "convert"):
        assert "Quipu" in open_page(f"pages/data/{page}.py").file_uploader[0].help
    picture = tmp_path / "a.csv"
    picture.write_bytes(b"\x89PNG\r\n" + b"\0" * 20)
    with pytest.raises(Exception, match="picture") as caught:
        formats.detect_file(picture)
    assert "Quipu" in caught.value.remedy  # type: ignore[attr-defined]
    assert "| Quipu | `.quipu` |" in document()


# ---- a template: with a part of its own


class Riddle(Template[TemplateOptions]):
    """A riddle and its solution."""

    id: ClassVar[str] = "riddle"
    title: ClassVar[str] = "Riddles"
    tagline: ClassVar[str] = "A riddle in one column, its solution in another."
    icon: ClassVar[str] = "psychology"
    roles: ClassVar[tuple[RoleSpec, ...]] = (
        RoleSpec("riddle", "Riddle column", "What is asked.", True),
        RoleSpec("target", "Solution column", "What it is.", True),
        RoleSpec("hints", "Hint columns", "What helps.", False, several=True),
    )
    Options = TemplateOptions

    def suggest(self, guess: ColumnGuess) -> TemplateSuggestion | None:
        names = [column.name for column in guess.usable]
        if "riddle" not in names:
            return None
        mapping = ColumnMapping.of({"riddle": "riddle", "target": "solution", "hints": ["hint"]})
        return TemplateSuggestion(self.id, mapping, "`riddle` holds riddles.", 1.0)

    def turns(
        self, cells: Cells, mapping: ColumnMapping, options: TemplateOptions, patterns: Mapping[str, Pattern]
    ) -> list[list[TemplateTurn]]:
        (riddle,), (target,) = mapping.columns("riddle"), mapping.columns("target")
        return [[(" ".join([cells.need(riddle), *map(cells.need, mapping.columns("hints"))]), cells.need(target))]]


RIDDLES = "riddle,solution,hint\n" + "".join(f"What has {n} legs?,a thing of {n},round\n" for n in range(12))


@pytest.fixture
def riddles() -> Iterator[str]:
    with registered(TEMPLATES, Riddle()):
        yield sources.ingest(io.BytesIO(RIDDLES.encode()), "riddles.csv").id


def test_a_new_template_is_suggested_and_previewed_with_its_own_parts(riddles: str) -> None:
    suggestion = sources.analyze(riddles).suggestion
    assert suggestion is not None
    assert (suggestion.template, suggestion.reason) == ("riddle", "`riddle` holds riddles.")
    mapping = conversion.first_choice(riddles, "riddle")["mapping"]
    shown = [("Riddle column", "riddle"), ("Solution column", "solution"), ("Hint columns", "hint")]
    assert conversion.columns_by_part("riddle", mapping) == shown
    preview = conversion.preview(riddles, "riddle", mapping)
    assert [message.content for message in preview.examples[0].example.messages] == [
        "What has 0 legs? round",
        "a thing of 0",
    ]
    command = sources.convert_command("riddles.csv", sources.analyze(riddles))
    assert "--template riddle --target solution --column riddle=riddle --column hints=hint" in command


def test_a_new_template_is_in_the_wizard_the_command_line_and_the_docs(
    riddles: str, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = drafts.create("convert", {"source_id": riddles, "mode": "guided"}, "configure")
    app = open_page("pages/data/convert.py", draft=draft.id)
    assert app.button(key="pick_riddle") is not None
    assert [box.label for box in app.selectbox][:2] == ["Riddle column", "Solution column"]
    assert app.multiselect[0].label == "Hint columns (optional)"
    assert app.multiselect[0].value == ["hint"]
    assert "a thing of 0" in [item.value for item in app.text]  # the live preview
    assert main(["convert", "--help"]) == 0
    assert "custom, riddle;" in " ".join(capsys.readouterr().out.split())
    assert "| `riddle` | Riddles | A riddle in one column, its solution in another. | Riddle column," in document()


# ---- a chat shape


def _called(fields: Mapping[str, Any]) -> object:
    return [{"role": "user", "content": fields["call"]}, {"role": "assistant", "content": fields["echo"]}]


CALLS = ChatShape("calls", "Calls and echoes", "mountains", ("call", "echo"), (), _called)


def test_a_new_shape_is_recognized_imported_and_listed() -> None:
    content = "call,echo\n" + "".join(f"Hello {n}!,Hello {n}\n" for n in range(12))
    with registered(CHAT_SHAPES, CALLS):
        record = sources.ingest(io.BytesIO(content.encode()), "calls.csv")
        assert sources.analyze(record.id).shape == "calls"
        assert conversion.preview(record.id, shape="calls").examples[0].example.messages[1].content == "Hello 0"
        assert "`call, echo` :gray[mountains]" in words(open_page("pages/data/upload.py"))
        assert "| `calls` | Calls and echoes | `call`, `echo` | – | mountains |" in document()


# ---- a chat export


class Telegraph(LogFormat):
    """Telegrams, one a line: sender STOP text STOP."""

    id: ClassVar[str] = "telegraph"
    title: ClassVar[str] = "Telegraph office"
    text: ClassVar[str] = "At the counter: ask for the book of telegrams."
    asker: ClassVar[bool] = True

    def recognizes(self, bundle: Bundle) -> bool:
        return bundle.head(bundle.filename).startswith(b"TELEGRAMS")

    def read(self, bundle: Bundle, options: ReadOptions) -> Iterator[Conversation | Person]:
        lines = bundle.path.read_text().split("\n")[1:]
        turns = [Turn(*line.split(" STOP ")) for line in lines if line]  # type: ignore[arg-type]
        for number in range(0, len(turns), 2):
            yield Conversation(f"book-{number}", "A telegram", tuple(turns[number : number + 2]))


def test_a_new_chat_export_is_recognized_offered_and_imported() -> None:
    book = "TELEGRAMS\n" + "".join(f"Ann STOP Where are you {n}\nBob STOP On train {n}\n" for n in range(12))
    with registered(LOG_FORMATS, Telegraph()):
        assert "Telegraph office" in words(open_page("pages/data/import_conversations.py"))
        source = chat_import.ingest(io.BytesIO(book.encode()), "book.txt")
        assert source.format == "telegraph"
        draft = chat_import.begin(source)
        assert chat_import.plan(chat_import.choices(draft.state)).conversations == 12
        app = open_page("pages/data/import_conversations.py", draft=draft.id)
        assert "Telegraph office" in words(app) or any("Telegraph office" in box.options for box in app.selectbox)
        assert "| `telegraph` | Telegraph office |" in document()
