"""Plain text and Markdown: paragraphs, sections or lines as rows with their physical lines, for smart mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from core.data import formats
from core.services.data import sources
from tests.core.data.formats.support import detect, put, read, rejected, rows

HANDBOOK = """\
---
title: Harbor
---

# Harbor rules

Welcome to the harbor. All boats report on arrival.

## Berths

Berths 1 to 10 are for sailing boats.
They are free in winter.

Berths 11 to 20 have power. Ask Ann.

```sh
# not a heading

berth --list
```

Fees
----

Pay at the office.

# Contact
Ask Ben.
"""


def test_sections_of_markdown_with_their_headings(tmp_path: Path) -> None:
    path = put(tmp_path, "a.md", HANDBOOK)
    found = rows(read(path))
    assert [(line, fields["section"]) for line, fields in found] == [
        (7, "Harbor rules"),
        (11, "Harbor rules > Berths"),
        (25, "Harbor rules > Fees"),
        (28, "Contact"),
    ]
    assert found[1][1]["text"].startswith(
        "Berths 1 to 10 are for sailing boats.\nThey are free in winter.\n\nBerths 11"
    )
    assert found[1][1]["text"].endswith("```sh\n# not a heading\n\nberth --list\n```")
    assert any("between ---" in note for note in detect(path).notes)


def test_paragraphs_of_markdown_by_choice(tmp_path: Path) -> None:
    found = rows(read(put(tmp_path, "a.md", HANDBOOK), passages="paragraph"))
    assert [line for line, _ in found] == [7, 11, 14, 16, 25, 28]
    assert [fields["section"] for _, fields in found][2] == "Harbor rules > Berths"


def test_paragraphs_of_a_text(tmp_path: Path) -> None:
    content = "The first one is here, and it\nis wrapped.\n\nThe second one, short.\n\n\n\nThe third one ends here.\n"
    path = put(tmp_path, "a.txt", content)
    assert detect(path).format == "passages"
    assert rows(read(path)) == [
        (1, {"text": "The first one is here, and it\nis wrapped."}),
        (4, {"text": "The second one, short."}),
        (8, {"text": "The third one ends here."}),
    ]


def test_a_guide_with_short_lines_is_a_text(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "Guide\n=====\n\nWelcome to our harbor, it is old.\n\n- one\n- two\n")
    assert [line for line, _ in rows(read(path))] == [1, 4, 6]


def test_words_of_one_column_are_a_table(tmp_path: Path) -> None:
    assert detect(put(tmp_path, "a.txt", "word\nboat\nsail\ndock\n")).format == "csv"


def test_lines_of_a_text_without_blank_lines(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "Where is dock four?\nDock four is north.\nWho knows the way?\nAnn knows the way.\n")
    assert [line for line, _ in rows(read(path))] == [1, 2, 3, 4]
    assert len(rows(read(path, passages="paragraph"))) == 1


@pytest.mark.parametrize(
    "content",
    ["name\tprice\nx\t1\ny\t2\n", "q;a\nWhat is it, then;It is a boat, that is all\nWho is it;Ann is here now\n",
     "question,answer\nWho sails the boat?,Ann sails it\nWho mends the sail?,Ben mends it\n",
     "id|text\n1|one two three\n"],
)  # fmt: skip
def test_a_table_named_txt_stays_a_table(tmp_path: Path, content: str) -> None:
    path = put(tmp_path, "a.txt", content)
    assert detect(path).format == "csv"
    assert [item.code for item in detect(path).findings if item.code == "suffix_mismatch"] == []


def test_either_can_be_chosen(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "Ann sails the boat.\n\nBen mends the sail.\n")
    assert [len(rows(read(path, format=kind, header=False))) for kind in ("passages", "csv")] == [2, 2]
    found = detect(path)
    assert [choice.id for choice in formats.choices(found, found)] == ["format", "encoding", "passages"]


def test_a_long_paragraph_is_divided_at_sentences(tmp_path: Path) -> None:
    sentences = [f"Sentence number {n} is about the harbor and its boats." for n in range(400)]
    found = rows(read(put(tmp_path, "a.txt", "Title of the text\n\n" + " ".join(sentences) + "\n")))
    texts = [fields["text"] for _, fields in found[1:]]
    assert len(texts) > 4
    assert all(len(text) <= 4_000 and text.endswith("boats.") for text in texts)
    assert " ".join(texts) == " ".join(sentences)
    assert {line for line, _ in found[1:]} == {3}


def test_damaged_text_is_rejected_with_its_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"The first one is fine.\n\nThe second \0 is not.\n\nThe third one is fine.\n")
    items = read(path)
    assert rejected(items) == [("nul", 3)]
    assert [line for line, _ in rows(items)] == [1, 5]


def test_other_encodings_are_detected(tmp_path: Path) -> None:
    text = "Über die Häfen schreibt Änne gern.\n\nDie Boote liegen im Süden.\n"
    for codec in ("cp1252", "utf-16", "utf-8-sig"):
        assert [fields["text"] for _, fields in rows(read(put(tmp_path, "a.txt", text.encode(codec))))] == [
            "Über die Häfen schreibt Änne gern.",
            "Die Boote liegen im Süden.",
        ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", HANDBOOK),
        ("a.txt", "Ann sails the boat.\n\nBen mends the sail.\n"),
        ("a.jsonl", '{"text": "One."}\n{"text": "Two."}\n'),
    ],
)
def test_raw_text_is_called_raw_text_with_the_way_to_examples(tmp_path: Path, name: str, content: str) -> None:
    path = put(tmp_path, name, content)
    found = sources.no_examples(path, sources.analyze_file(path))
    assert found is not None
    assert found.code == "raw_text"
    assert f"sft write {path}" in found.remedy
    assert [item.code for item in sources.inspect(path).findings if item.severity == "error"] == ["raw_text"]


def test_a_table_of_questions_and_answers_is_not_raw_text(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "question,text\nWho sails?,Ann sails the boat.\nWho mends?,Ben mends the sail.\n")
    assert sources.no_examples(path, sources.analyze_file(path)) is None


@given(st.lists(st.text(st.sampled_from("ab .`~\n\r\t"), max_size=40), max_size=12), st.sampled_from([".md", ".txt"]))
def test_no_word_of_a_text_is_lost(tmp_path_factory: pytest.TempPathFactory, parts: list[str], suffix: str) -> None:
    content = "It is a text of its own.\n\n" + "\n".join(parts)
    path = put(tmp_path_factory.getbasetemp(), f"prose{suffix}", content.encode())
    for unit in ("paragraph", "section", "line"):
        found = rows(read(path, format="passages", passages=unit))
        assert "".join(_letters(fields["text"]) for _, fields in found) == _letters(content)
        physical = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line, fields in found:
            assert physical[line - 1].strip() == fields["text"].splitlines()[0].strip()


def _letters(text: Any) -> str:
    return "".join(character for character in str(text) if character.isalpha())
