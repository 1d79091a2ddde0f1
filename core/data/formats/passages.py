"""Plain text and Markdown as passages: paragraphs, sections or lines become rows, for a model to write examples from.

Raw text has no inputs and outputs. Its rows have a `text`, and a `section` where the text has headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from core.data.formats.base import MAX_RECORD, Detection, Format, Head, ReadingChoice
from core.data.formats.parsing.text import Line, damage, line_ends, lines, shortened
from core.data.issues import data_error, reject
from core.data.reading_options import Reading
from core.messages import Reject, Row

COLUMNS = ("section", "text")
MARKDOWN = (".md", ".markdown", ".mdown")
MAX_PASSAGE = 4_000  # characters; about 1,000 tokens, so that a prompt has room for it
_MOST_HELD = 1 << 20  # characters of one paragraph; what follows is another one
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s)(.*)", re.DOTALL)
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*\s+")
_BLANK_LINE = re.compile(r"\S[ \t]*\r?\n[ \t]*\r?\n\s*\S")
_SEPARATORS = "\t;|,"


class PassagesFormat(Format):
    """Text without columns."""

    id = "passages"
    label = "Text"
    suffixes = (".md", ".markdown", ".mdown", ".txt", ".text")
    can_nest = False

    def sniff(self, head: Head) -> float:
        if head.suffix not in self.suffixes or _is_table(head.text):
            return 0.0
        return 0.8 if head.suffix in MARKDOWN else 0.7 if _has_sentences(head.text) else 0.0

    def detect(self, head: Head, chosen: Reading) -> Detection:
        markdown = head.suffix in MARKDOWN
        columns = COLUMNS if markdown and _has_headings(head.text) else ("text",)
        unit = chosen.passages or _unit(head.text, has_sections=len(columns) == 2)
        note = {
            "paragraph": "Each paragraph is a passage.",
            "section": "Each section is a passage; long ones are divided between paragraphs.",
            "line": "Each line is a passage.",
        }[unit]
        smart = "Raw text has no inputs and outputs: in smart mode, a model writes examples from each passage."
        settings = ("The settings between --- at the beginning are left out.",) if _has_front_matter(head.text) else ()
        return Detection(self.id, head.encoding, columns=columns, passages=unit, notes=(note, smart, *settings))

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        return (ReadingChoice.of("passages", detected, current),)

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        return (("Each passage is", f"a {detection.passages}"),)

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        codec, sections = detection.encoding or "utf-8", "section" in detection.columns
        empty = True
        blocks = _blocks(lines(path, codec), detection.passages, sections)
        for block in _joined(blocks) if detection.passages == "section" else blocks:
            empty = False
            yield from block.rows(codec, sections)
        if empty:
            raise data_error("no_rows", "The text has headings but no passages.")


@dataclass(slots=True)
class _Block:
    """Lines that belong together, with the heading above them."""

    section: str = ""
    lines: list[Line] = field(default_factory=list)
    size: int = 0

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.size += len(line.text)

    def rows(self, codec: str, sections: bool) -> Iterator[Row | Reject]:
        """The passages of the block; damaged text is rejected."""
        raw = "".join(line.text for line in self.lines)
        first = self.lines[0]
        if first.too_long:
            message = f"The line is longer than {MAX_RECORD:,} characters."
            yield reject("csv_too_long", message, line=first.number, raw=shortened(raw))
            return
        if bad := damage(raw, line=first.number, offset=first.offset, codec=codec):
            yield bad
            return
        for number, text in _pieces(raw):
            fields = {"section": self.section, "text": text} if sections else {"text": text}
            yield Row(first.number + number, fields)


def _is_table(text: str) -> bool:
    """Whether most lines have the same number of separators, and so of cells."""
    sample = _sample(text)
    for separator in _SEPARATORS:
        counts = [line.count(separator) for line in sample]
        usual = max(counts, key=counts.count, default=0)
        if usual and counts.count(usual) >= 0.8 * len(sample) and (separator == "\t" or len(sample) > 1):
            return True
    return False


def _has_sentences(text: str) -> bool:
    """Whether most lines have several words, or some have in a text with paragraphs."""
    sample = _sample(text)
    long = sum(len(line.split()) >= 3 for line in sample)
    return long * 2 >= len(sample) or (bool(long) and _BLANK_LINE.search(text) is not None)


def _sample(text: str) -> list[str]:
    return [line for line in text.split("\n", 400)[:400] if line.strip()]


def _has_headings(text: str) -> bool:
    return any(
        _heading(line) or (before.strip() and _UNDERLINE.match(line))
        for before, line in pairwise(["", *text.splitlines()])
    )


def _heading(line: str) -> tuple[int, str] | None:
    """The level and the title of a heading with hashes; None if the line is not one."""
    found = _HEADING.match(line)
    title = found[2].strip() if found else ""
    before = title.rstrip("#")  # hashes may close it
    title = before.strip() if before[-1:].isspace() or not before else title
    return (len(found[1]), title) if found and title else None


def _has_front_matter(text: str) -> bool:
    """Whether the text begins with a block of settings between ---, as static sites have it."""
    first, *rest = text.split("\n")
    if first.rstrip() != "---":
        return False
    ending = next((line.strip() for line in rest if not line.strip() or line.strip() in ("---", "...")), "")
    return bool(ending)


def _unit(text: str, has_sections: bool) -> str:
    """Sections where there are headings; lines where nothing is blank between them and they are not wrapped."""
    if has_sections:
        return "section"
    found = text.strip().splitlines()
    if any(not line.strip() for line in found):
        return "paragraph"
    ends = sum(line.rstrip()[-1:] in ".!?…。！？:\"”'" for line in found)
    return "line" if ends * 2 > len(found) and len(found) > 1 else "paragraph"


def _blocks(source: Iterable[Line], unit: str, sections: bool) -> Iterator[_Block]:
    """Paragraphs (or lines) with the headings above them."""
    path: list[str] = []
    block, fence = _Block(), ""
    for line in _without_front_matter(source):
        text = line.text.rstrip("\r\n")
        marks = _FENCE.match(text) if sections else None
        if marks:
            fence = "" if fence and marks[1].startswith(fence) else fence or marks[1]
        heading = _heading(text) if sections and not fence and not marks else None
        underline = _UNDERLINE.match(text) if sections and not fence and len(block.lines) == 1 else None
        if underline and block.lines[0].text.strip():
            _enter(path, 1 if underline[1][0] == "=" else 2, block.lines[0].text.strip())
            block = _Block(" > ".join(filter(None, path)))
            continue
        full = line.too_long or block.size >= _MOST_HELD
        if heading or (not text.strip() and not fence) or unit == "line" or full:
            if block.lines:
                yield block
            if heading:
                _enter(path, *heading)
            block = _Block(" > ".join(filter(None, path)))
            if heading or (not text.strip() and not fence):
                continue
        block.add(line)
        if line.too_long:
            yield block
            block = _Block(block.section)
    if block.lines:
        yield block


def _enter(path: list[str], level: int, title: str) -> None:
    """Put a heading in the path of headings; those of its level and below end there."""
    del path[level - 1 :]
    path += [""] * (level - 1 - len(path))
    path.append(title)


def _without_front_matter(source: Iterable[Line]) -> Iterator[Line]:
    """The lines without a block of settings between --- at the beginning, as static sites have it."""
    held: list[Line] = []
    open_block = False
    for line in source:
        text = line.text.strip()
        if line.number == 1 and text == "---":
            open_block = True
        if not open_block:
            yield line
            continue
        held.append(line)
        if len(held) > 1 and text in ("---", "..."):
            held, open_block = [], False
        elif len(held) > 1 and not text:  # a rule above a text, not settings
            yield from held
            held, open_block = [], False
    yield from held


def _joined(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """The paragraphs of each section as one passage, as far as they fit."""
    current: _Block | None = None
    for block in blocks:
        if current is None:
            current = block
        elif current.section == block.section and current.size + block.size <= MAX_PASSAGE:
            end = current.lines[-1]
            if block.lines[0].number > end.number + 1:
                current.add(Line(end.number + 1, block.lines[0].offset, "\n"))
            for line in block.lines:
                current.add(line)
        else:
            yield current
            current = block
    if current is not None:
        yield current


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """(lines before it, text) of the passages of a block: divided at line or sentence ends where it is too long."""
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= MAX_PASSAGE else _cut(text, start)
        piece = text[start:end]
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            yield line_ends(text[: start + lead]), piece.strip()
        start = end


def _cut(text: str, start: int) -> int:
    """Where a long text is divided: after the last sentence that fits, else after the last word."""
    window = text[start : start + MAX_PASSAGE]
    ends = [match.end() for match in _SENTENCE_END.finditer(window, MAX_PASSAGE // 4)]
    word = max(window.rfind(" "), window.rfind("\n"))
    return start + (ends[-1] if ends else word + 1 if word > 0 else MAX_PASSAGE)
