"""Rows -> labeled examples with their findings, for the file check, the preview and the conversion alike.

Row --(shape or template)--> messages --(quality.structure)--> Labeled | Reject
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate, compress
from typing import Any, Self

from core import arguments
from core.data.conversion import chat_shapes, columnar, shape_columns
from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes import NOTES, ChatShape, Gather, ShapedRow
from core.data.conversion.chat_shapes.reading.values import plain_name
from core.data.conversion.templates import TEMPLATES, ColumnMapping
from core.data.examples.columns import ChatColumns, ExampleBatch, ExampleColumns
from core.data.formats.parsing.batches import RowBatch
from core.data.issues import finding, reject
from core.data.quality import structure
from core.errors import DataError
from core.messages import Example, Finding, Reject, Row, Split

MAX_FINDINGS = 10_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """How rows become examples: a known shape, or a template with its column mapping; options of either.

    Attributes:
        without: fields that change the meaning and that the user chose to leave out.
        leave_out: lines of the rows that a user chose to leave out, such as total rows.
    """

    shape: str | None = None
    template: str | None = None
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    options: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    leave_out: frozenset[int] = frozenset()

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """From a draft's state or a task's payload; DataError names what is missing or wrong.

        Raises:
            DataError: neither a shape nor a template, or options the template does not know.
        """
        shape, template = state.get("shape"), state.get("template")
        without = tuple(map(str, state.get("without") or ()))
        leave_out = frozenset(arguments.positions(state.get("leave_out") or (), "leave_out"))
        if shape:
            chosen = chat_shapes.CHAT_SHAPES.get(shape).checked(state.get("options"))
            return cls(shape=shape, options=chosen, without=without, leave_out=leave_out)
        if not template:
            raise DataError("No template is chosen.", f"Choose one of {', '.join(TEMPLATES.ids())}.")
        options = TEMPLATES.get(template).make_options(state.get("options") or {})
        mapping = ColumnMapping.of(state.get("mapping"))
        chosen = options.model_dump()
        return cls(template=template, mapping=mapping, options=chosen, without=without, leave_out=leave_out)

    def to_dict(self) -> dict[str, Any]:
        chosen = {"shape": self.shape, "template": self.template}
        parts = {"mapping": self.mapping.to_dict(), "options": dict(self.options)}
        without = {"without": list(self.without)} if self.without else {}
        left_out = {"leave_out": sorted(self.leave_out)} if self.leave_out else {}
        return {**chosen, **parts, **without, **left_out}

    @property
    def obeys_split(self) -> bool:
        """Whether a column `split` decides the split: unless it plays another part, or the user leaves it out."""
        parts = [column for name in self.mapping.to_dict() for column in self.mapping.columns(name)]
        return "split" not in map(plain_name, (*self.without, *parts))

    def check(self, columns: Iterable[str]) -> None:
        """Refuse, before any row is read, a mapping or pattern with a column that does not exist.

        Raises:
            DataError: code column_missing, with the column's name.
        """
        if self.template:
            template = TEMPLATES.get(self.template)
            template.check(tuple(columns), self.mapping, template.make_options(self.options))


@dataclass(frozen=True, slots=True)
class Labeled:
    """An accepted example with its findings."""

    example: Example
    findings: tuple[Finding, ...]


class Labeler:
    """Turns rows into examples and keeps count: `read = accepted + rejected`, in rows.

    One row may yield several examples (several questions per row), so examples are counted separately.

    Attributes:
        is_split: whether a row said which split it belongs to.
    """

    def __init__(self, recipe: Recipe, source: str) -> None:
        self.recipe = recipe
        self.source = source
        self.read = self.rejected = self.examples = 0
        self.is_split = False
        self._noted: set[str] = set()

    @property
    def accepted(self) -> int:
        return self.read - self.rejected

    @property
    def by_parts(self) -> bool:
        """Whether the rows of a part of the file become the same examples without those before."""
        if self.recipe.shape:
            return chat_shapes.CHAT_SHAPES.get(self.recipe.shape).gather is None
        template = TEMPLATES.get(self.recipe.template or "")
        return template.concatenates(template.make_options(self.recipe.options))

    def say_notes(self, findings: Iterable[Finding]) -> frozenset[str]:
        """Count the notes among the findings of another part of the file as said; the codes of those said before."""
        before = frozenset(self._noted)
        self._noted.update(NOTES & {found.code for found in findings})
        return before

    def run(self, rows: Iterable[Row | Reject]) -> Iterator[Labeled | Reject]:
        """Each row's examples, or its Reject, in the order of the file."""
        rows = self._chosen(rows) if self.recipe.leave_out else rows
        steps = self._by_shape(rows) if self.recipe.shape else self._by_template(rows)
        for item in steps:
            if isinstance(item, Reject):
                self.rejected += 1
            else:
                self.examples += 1
            yield item

    def _chosen(self, rows: Iterable[Row | Reject]) -> Iterator[Row | Reject]:
        """The rows; those that a user chose to leave out as rejects."""
        for row in rows:
            if isinstance(row, Row) and row.line in self.recipe.leave_out:
                text = f"Line {row.line:,} is left out, as you chose."
                yield reject("row_left_out", text, line=row.line, raw=cell_text(dict(row.fields)))
            else:
                yield row

    def run_batches(self, batches: Iterable[RowBatch]) -> Iterator[ExampleBatch | Labeled | Reject]:
        """The same as `run`, thousands of rows at a time if the template allows it.

        In the order of the file; an ExampleBatch has its own findings and rejects.
        """
        if self.recipe.shape:
            shape = chat_shapes.CHAT_SHAPES.get(self.recipe.shape)
            if shape.gather is not None:  # it joins several rows
                yield from self.run(item for batch in batches for item in batch.items())
                return
            for batch in batches:
                yield from self._shape_in_columns(shape, batch)
            return
        template = TEMPLATES.get(self.recipe.template or "")
        options = template.make_options(self.recipe.options)
        if not template.concatenates(options):  # it may join several rows
            yield from self.run(item for batch in batches for item in batch.items())
            return
        plan, columns = None, None
        for batch in batches:
            if batch.columns != columns:
                columns = batch.columns
                plan = columnar.plan(template, columns, self.recipe.mapping, options)
            made = self._in_columns(plan, batch) if plan and len(batch) and not self._is_by_row(batch) else None
            if made is not None:
                yield made
            else:
                yield from self.run(batch.items())

    def _is_by_row(self, batch: RowBatch) -> bool:
        """Whether rows differ in what becomes of them: a column says their split, or a user leaves some of them out."""
        if self.recipe.obeys_split and any(plain_name(name) == "split" for name in batch.columns):
            return True
        return bool(self.recipe.leave_out) and not self.recipe.leave_out.isdisjoint(batch.lines)

    def _in_columns(self, plan: columnar.ColumnPlan, batch: RowBatch) -> ExampleColumns | None:
        """The examples of a batch at once; None if a row with empty cells yields other examples than the rest."""
        lines, each = batch.lines, len(plan.texts)
        keep: list[bool] | None = None
        refused: dict[int, Reject] = {}
        if gaps := plan.gaps(batch.cells):
            # They are converted one by one, by a labeler with separate counts.
            rows = [batch.row(at) for at in gaps]
            for at, row in zip(gaps, rows, strict=True):
                answers = list(Labeler(self.recipe, self.source).run([row]))
                if len(answers) != 1 or not isinstance(answers[0], Reject):
                    return None
                refused[at] = answers[0]
            keep = [at not in refused for at in range(len(lines))]
            lines = list(compress(lines, keep))
        texts = plan.fill(batch.cells, keep)
        if each > 1:
            lines = [line for line in lines for _ in range(each)]
        made = ExampleColumns(plan.roles, texts, lines, self.source)
        placed = [(at, item) for at, item in zip(batch.places, batch.rejects, strict=True)]
        placed = sorted([*placed, *refused.items()], key=lambda entry: entry[0])
        before = list(accumulate(keep, initial=0)) if keep is not None else range(len(batch) + 1)
        rejects = tuple((before[at] * each, item) for at, item in placed)
        self.read += len(batch) + len(batch.rejects)
        self.rejected += len(rejects)
        self.examples += len(made)
        return replace(made, findings=structure.check_columns(made), rejects=rejects)

    def _shape_in_columns(self, shape: ChatShape, batch: RowBatch) -> Iterator[ExampleBatch | Labeled | Reject]:
        """The examples of a batch at once, interrupted by those rows that are not plain."""
        made: ChatColumns | None = None
        others: list[int] = []
        if not self._is_by_row(batch):
            made, others = shape_columns.examples_of(shape, self.recipe.options, batch, self.source)
        if made is None:
            yield from self.run(batch.items())
            return
        places = zip(batch.places, batch.rejects, strict=True)
        steps: list[tuple[int, Row | Reject]] = [(at, item) for at, item in places]
        steps += [(at, batch.row(at)) for at in others]
        done = taken = 0  # examples that were given, and rows that are not plain
        waiting: list[tuple[int, Reject]] = []
        for at, item in sorted(steps, key=lambda step: (step[0], isinstance(step[1], Row))):
            before = at - taken
            taken += isinstance(item, Row)
            for answer in self.run([item]):
                if isinstance(answer, Reject):
                    waiting.append((before - done, answer))
                    continue
                yield from self._part(made, done, before, waiting)
                done, waiting = before, []
                yield answer
        yield from self._part(made, done, len(made), waiting)

    def _part(
        self, made: ChatColumns, start: int, end: int, rejects: list[tuple[int, Reject]]
    ) -> Iterator[ExampleBatch | Reject]:
        """Some of the examples, with what is found about them and the rejects between them."""
        if start == end:
            yield from (item for _, item in rejects)
            return
        part = made.part(start, end)
        self.read += len(part)
        self.examples += len(part)
        yield replace(part, findings=structure.check_columns(part), rejects=tuple(rejects))

    def _by_shape(self, rows: Iterable[Row | Reject]) -> Iterator[Labeled | Reject]:
        shape = chat_shapes.CHAT_SHAPES.get(self.recipe.shape or "")
        if shape.gather is not None:
            yield from self._gathered(shape.gather, rows)
            return
        read = shape.reader(self.recipe.options)
        for row in rows:
            self.read += 1
            if isinstance(row, Reject):
                yield row
            else:
                yield from self._of_row(row, read(row.fields))

    def _of_row(self, row: Row, several: tuple[ShapedRow, ...]) -> Iterator[Labeled | Reject]:
        """The examples of a row, or its reject; what is wrong with one of several is reported with the first."""
        parsed = [self._parse(shaped, row) for shaped in several]
        good = [item for item in parsed if item.example is not None]
        refused = tuple(found for item in parsed if item.example is None for found in item.findings)
        if not good:
            yield _reject(row, refused)
        for number, item in enumerate(good):
            if item.example is not None:
                yield Labeled(item.example, item.findings if number else (*refused, *item.findings))

    def _parse(self, shaped: ShapedRow, row: Row) -> structure.ParsedExample:
        split = self._split_of(row) if shaped.split is None else shaped.split if self.recipe.obeys_split else None
        if split is not shaped.split:
            shaped = replace(shaped, split=split)
        self.is_split = self.is_split or not is_empty(split)
        parsed = shaped.parse(line=row.line, source=self.source)
        if shaped.notes:
            findings = [item for item in parsed.findings if item.code not in self._noted]
            self._noted.update(shaped.notes)
            return replace(parsed, findings=tuple(findings))
        return parsed

    def _split_of(self, row: Row) -> object:
        """What the row's column `split` says; None if there is none, or if it is not about splits."""
        if not self.recipe.obeys_split:
            return None
        value = next((value for name, value in row.fields.items() if plain_name(name) == "split"), None)
        return None if is_empty(value) or structure.split_of(value) is None else value

    def _gathered(self, gather: Gather, rows: Iterable[Row | Reject]) -> Iterator[Labeled | Reject]:
        """Examples that lie across rows; the rows of none are rejected at the end."""
        waiting: list[Reject] = []
        every: list[Row] = []
        used: set[int] = set()
        problems: dict[int, tuple[Finding, ...]] = {}

        def readable() -> Iterator[Row]:
            for row in rows:
                self.read += 1
                if isinstance(row, Reject):
                    waiting.append(row)
                else:
                    every.append(row)
                    yield row

        for members, shaped in gather(readable()):
            parsed = self._parse(shaped, members[-1])
            if parsed.example is None:
                problems.update((row.line, parsed.findings) for row in members)
            else:
                used.update(row.line for row in members)
                yield Labeled(parsed.example, parsed.findings)
        yield from waiting
        for row in every:
            if row.line not in used:
                text = "The message belongs to no path that ends with an answer."
                yield _reject(row, problems.get(row.line) or (finding("branch_unused", text, line=row.line),))

    def _by_template(self, rows: Iterable[Row | Reject]) -> Iterator[Labeled | Reject]:
        template = TEMPLATES.get(self.recipe.template or "")
        options = template.make_options(self.recipe.options)
        waiting: deque[Reject] = deque()
        splits: dict[int, Split] = {}  # of the rows that are not for training

        def readable() -> Iterator[Row]:
            for row in rows:
                self.read += 1
                if isinstance(row, Reject):
                    waiting.append(row)
                else:
                    split = self._split_of(row)
                    self.is_split = self.is_split or split is not None
                    if (part := structure.split_of(split)) not in ("train", None):
                        splits[row.line] = part
                    yield row

        for made in template.to_examples(readable(), self.recipe.mapping, options):
            while waiting:
                yield waiting.popleft()
            if isinstance(made, Reject):
                yield made
            else:
                example = Example(made.messages, self.source, made.source_line, splits.get(made.source_line, "train"))
                yield Labeled(example, tuple(structure.check(example)))
        yield from waiting


def _reject(row: Row, findings: tuple[Finding, ...]) -> Reject:
    return Reject(row.line, json.dumps(dict(row.fields), ensure_ascii=False, default=str), findings)


class FindingList:
    """Findings in order, at most MAX_FINDINGS: a bad file must not fill the memory."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._noted: set[str] = set()
        self._total = 0

    def add(self, item: Finding) -> None:
        if item.code in NOTES:  # said once
            if item.code in self._noted:
                return
            self._noted.add(item.code)
        self._total += 1
        # Errors are never lost among warnings about other rows: an error replaces the last warning.
        if len(self._kept) < MAX_FINDINGS:
            self._kept.append(item)
        elif item.severity == "error" and self._kept[-1].severity != "error":
            self._kept[-1] = item

    def extend(self, items: Iterable[Finding]) -> None:
        for item in items:
            self.add(item)

    def take(self, other: FindingList) -> None:
        """Append all findings of another list."""
        self.extend(other._kept)
        self._total += other._total - len(other._kept)

    def listed(self) -> tuple[Finding, ...]:
        if self._total <= len(self._kept):
            return tuple(self._kept)
        text = f"{self._total:,} findings; the first {len(self._kept):,} are listed."
        return (*self._kept, finding("findings_cut", text))
