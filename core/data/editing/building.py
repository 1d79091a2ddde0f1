"""An operation becomes the files of a new version: streamed, checked again, with flags and provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.data.editing.base import Effect, Operation, OperationSource, ResultExample
from core.data.examples.sets import ExampleSet
from core.data.issues import codes
from core.data.quality import structure
from core.data.quality.set_rules import check_set
from core.data.versions.files import example_row
from core.data.versions.rows import Entry, Provenance, ProvenanceWriter, Rows
from core.data.versions.stored import StoredExamples, interleaved
from core.data.versions.writer import VersionWriter
from core.errors import DataError
from core.messages import SPLITS, Example, Finding, Split

# Flags that a check of the messages finds again. Extra keys were seen only in the file, so that flag is not removed.
_FOUND_AGAIN = codes("example") - {"keys_extra"}

_AT_ONCE = 2_000  # examples that are written together

_TICK_EVERY = 100

Tick = Callable[[int], None]  # called after every hundredth example with the number written; raises to stop


class Counting:
    """Counts what an operation does while its result is iterated."""

    def __init__(self, total_before: int) -> None:
        self._before = total_before
        self._kept = self._added = self._changed = 0
        self._parts: Counter[Split] = Counter()

    def feed(self, made: ResultExample) -> None:
        if made.origin is None:
            self._added += 1
        else:
            self._kept += 1
            self._changed += made.changed
        self._parts[made.part] += 1

    def effect(self) -> Effect:
        total = self._kept + self._added
        parts = (self._parts[split] for split in SPLITS)
        return Effect(self._added, self._before - self._kept, self._changed, total, *parts)


def count(rows: OperationSource, operation: Operation) -> Effect:
    """What an operation would do to these examples; nothing is written."""
    counting = Counting(rows.total)
    for made in operation.apply(rows):
        counting.feed(made)
    return counting.effect()


def build(
    rows: Rows, operation: Operation, out: VersionWriter, provenance: Path | None, tick: Tick, *, trusted: bool = False
) -> Effect:
    """Write the result of an operation with everything that is found about it; the caller finishes `out`.

    Args:
        provenance: the file of the version it works on, where it has one.
        trusted: the version was checked by the rules of today; what is not touched and has no finding is not checked
            again.

    Raises:
        DataError: the operation does not fit the examples, or makes one that cannot be trained on; names it.
    """
    counting, examples = Counting(rows.total), ExampleSet()
    old_provenance, new_provenance = Provenance(provenance), ProvenanceWriter(out.directory)
    batch = ResultBatch(rows.path, out)
    for position, made in enumerate(operation.apply(rows)):
        counting.feed(made)
        origin = made.origin
        if trusted and origin is not None and made.example is None and batch.can_take(origin):
            batch.take(origin.position, made.part)
            examples.feed_stored(origin.stored, origin.source_line, made.part)
        else:
            example, findings = checked(made, trusted=trusted)
            batch.add(example, findings)
            examples.feed(example, origin.stored if origin is not None and made.example is None else None)
        new_provenance.add(position, made.provenance or (old_provenance.of(origin.position) if origin else {}))
        if position % _TICK_EVERY == 0:
            tick(position + 1)
    batch.flush()
    new_provenance.close()
    out.note(check_set(examples))
    return counting.effect()


class ResultBatch:
    """Examples of the result in their order, some of them copied from the file without being parsed."""

    def __init__(self, path: Path, out: VersionWriter) -> None:
        self._stored, self._out = StoredExamples(path), out
        self._clear()

    def _clear(self) -> None:
        self._positions: list[int] = []  # of those that are copied
        self._read: list[tuple[Example, tuple[Finding, ...]]] = []
        self._is_taken: list[bool] = []
        self._parts: list[Split] = []

    def can_take(self, entry: Entry) -> bool:
        """Whether an example may be copied as stored: it has no finding that would have to be found again."""
        return self._stored.current and _FOUND_AGAIN.isdisjoint(entry.flags)

    def take(self, position: int, part: Split) -> None:
        """Add a copy of the example at a position of the file, as one of this part."""
        self._positions.append(position)
        self._placed(part, taken=True)

    def add(self, example: Example, findings: tuple[Finding, ...]) -> None:
        """Add an example that is not copied, and what is found about it."""
        self._read.append((example, findings))
        self._placed(example.split, taken=False)

    def _placed(self, part: Split, *, taken: bool) -> None:
        self._parts.append(part)
        self._is_taken.append(taken)
        if len(self._parts) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._positions:
            for example, findings in self._read:
                self._out.add(example, findings)
        else:
            rows = []
            for example, findings in self._read:
                rows.append(example_row(0, example, (*example.flags, *(item.code for item in findings))))
                self._out.note(findings)
            stored = self._stored.take(self._positions)
            self._out.add_stored(interleaved(stored, rows, self._is_taken), self._parts)
        self._clear()


def checked(made: ResultExample, *, trusted: bool = False) -> tuple[Example, tuple[Finding, ...]]:
    """The example of the result and what is found about it; findings that no longer apply are dropped.

    Raises:
        DataError: the operation made messages that cannot be trained on. One that was so before, and is not changed, is
            saved with its findings: it must not prevent other examples from being fixed.
    """
    origin, example = made.origin, made.result()
    touched = origin is None or any(
        getattr(example, name) is not getattr(origin.example, name) for name in ("messages", "tools", "rejected")
    )
    if trusted and not touched and _FOUND_AGAIN.isdisjoint(example.flags):
        return example, ()
    raw = [message.to_dict() for message in example.messages]
    result = structure.parse(
        raw,
        line=example.source_line,
        source=example.source,
        tools=list(example.tools),
        rejected=[message.to_dict() for message in example.rejected],
        split=example.split,
    )
    if result.example is None and touched:
        worst = next(item for item in result.findings if item.severity == "error")
        where = f"Example {origin.position + 1:,}" if origin else "A new example"
        raise DataError(f"{where} cannot be saved: {worst.message}", worst.remedy, code=worst.code, field=worst.field)
    flags = tuple(flag for flag in example.flags if flag not in _FOUND_AGAIN)
    return replace(example, flags=flags), result.findings
