"""Turns a chat log into a dataset, by the choices and the review frozen in the task: the kind `chat_import`.

Crash safety is the same as for a conversion (`worker/handlers/conversion.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from core.data import chat_logs
from core.data.chat_logs import REASONS
from core.data.chat_logs.base import RAW_LIMIT
from core.data.examples import sensitive
from core.data.examples.sets import ExampleSet
from core.data.issues import finding
from core.data.quality import structure
from core.data.quality.set_rules import check_set
from core.data.versions.manifest import SourceFile
from core.data.versions.writer import VERSION_BYTES_PER_BYTE, VersionWriter
from core.messages import Example, Finding
from core.platform import disk
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import chat_import
from core.services.data.chat_import import LEFT_OUT, reading as chat_reading, review_list as chat_review
from core.services.data.chat_import.review_list import Choices, ImportStep, choices
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.writing import Origin
from core.services.data.results import ChatImportResult
from core.services.data.sources import SourceRecord
from core.text import plural

_SHAPING_PERCENT: Final = 90.0  # of the progress; the rest is writing and publishing


def handle(ctx: TaskContext) -> Outcome:
    """Shape, redact, review, check, write and publish."""
    payload = ctx.payload
    chosen = choices(payload)
    dataset_writing.sweep()
    source = chat_import.get(chosen.source_id)
    ctx.progress(1, "Reading the log", source.filename)
    summary = chat_reading.summary(source.id, chosen.options)
    path = chat_reading.talks(source.id, chosen.options)
    folder = ctx.workdir / "version"
    disk.require(VERSION_BYTES_PER_BYTE * path.stat().st_size, "the import")
    with VersionWriter(folder, hold_out=payload.get("hold_out")) as out, (folder / LEFT_OUT).open("w") as left_file:
        work = Import(chosen, source.id, out, left_file)
        if summary.direction is not None and not summary.direction.is_clear:
            out.note([finding("chat_order_unclear", summary.direction.text)])
        for record in chat_reading.left_out(source.id, chosen.options):
            work.leave(record)
        size = max(path.stat().st_size, 1)
        for step in chat_review.steps(path, chosen.recipe):
            work.take(step)
            ctx.progress(
                _SHAPING_PERCENT * step.place / size, "Making examples", plural(out.examples, "labeled example")
            )
            ctx.raise_if_interrupted()
        left_file.close()
        out.note(work.findings())
        out.note(check_set(work.examples_seen))
        ctx.progress(_SHAPING_PERCENT, "Writing the dataset", plural(out.examples, "labeled example"))
        counts = {
            "read": summary.messages,
            "accepted": summary.messages - work.left.total(),
            "rejected": work.left.total(),
            "conversations": summary.conversations,
            "redacted": work.redacted,
            "edited": work.edited,
        }
        origin = Origin("chat_import", _source(source), None, _recipe(chosen, work), counts)
        publish = dataset_writing.prepare_of_task(ctx.lease.task_id, payload, out, origin)
    ctx.progress(99, "Publishing")
    examples, left = out.examples, dict(work.left.most_common())

    def register(uow: UnitOfWork) -> ChatImportResult:
        return ChatImportResult(dataset_id=publish(uow), version_id="", examples=examples, left=left, **counts)

    return Outcome("succeeded", on_commit=register)


class Import:
    """One pass over the log: writes examples, stores what is left out, and counts both."""

    def __init__(self, chosen: Choices, source_id: str, out: VersionWriter, left_file: IO[str]) -> None:
        self.chosen, self.source_id, self.out, self.left_file = chosen, source_id, out, left_file
        self.examples_seen = ExampleSet()
        self.left: Counter[str] = Counter()
        self.redacted = self.edited = 0

    def take(self, step: ImportStep) -> None:
        """Write a step's example, or store its turns with the reason why it is left out."""
        if step.made is None:
            self._leave(step, step.reason)
            return
        decision = (self.chosen.decisions.get(step.made.key) or {}).get("do")
        if decision == chat_review.DROP:
            self._leave(step, "dropped")
            return
        messages, redacted = chat_review.final(step.made, step.talk, self.chosen)
        line = step.talk.conversation.turns[step.turns[0]].line
        checked = structure.parse([message.to_dict() for message in messages], line=line, source=self.source_id)
        if checked.example is None:
            self.out.note(checked.findings)
            self._leave(step, "invalid")
            return
        self.redacted += redacted
        self.edited += decision == chat_review.EDIT
        example = Example(checked.example.messages, self.source_id, line)
        self.out.add(example, checked.findings)
        self.examples_seen.feed(example)

    def leave(self, record: Mapping[str, Any]) -> None:
        """Store a record that is left out, redacted if the import redacts."""
        self.left[str(record["reason"])] += int(record["messages"])
        raw = str(record["raw"])
        if self.chosen.recipe.redact:
            raw = sensitive.redact(raw)[0]
        self.left_file.write(json.dumps({**record, "raw": raw}) + "\n")

    def findings(self) -> Iterator[Finding]:
        """Findings about the import in general."""
        for reason, count in self.left.most_common():
            entry = REASONS[reason]
            text = f"{count:,} messages of the log are in no example. {entry.title}: {entry.text}"
            yield finding("chat_left_out", text)
        if self.redacted:
            yield finding("chat_redacted", f"{self.redacted:,} places were replaced by placeholders.")

    def _leave(self, step: ImportStep, reason: str) -> None:
        conversation = step.talk.conversation
        for index in step.turns:
            turn = conversation.turns[index]
            self.leave(
                {
                    "reason": reason,
                    "why": REASONS[reason].title,
                    "file": conversation.place,
                    "line": turn.line,
                    "conversation": conversation.id,
                    "messages": 1,
                    "time": turn.at,
                    "raw": turn.text[:RAW_LIMIT],
                }
            )


def _source(source: SourceRecord) -> SourceFile:
    title = chat_logs.LOG_FORMATS.get(source.format).title
    return SourceFile(source.id, source.filename, source.sha256, source.size_bytes, title)


def _recipe(chosen: Choices, work: Import) -> dict[str, Any]:
    """The choices for the manifest, without names of people."""
    recipe = chosen.recipe.model_dump(exclude={"roles"})
    return {
        "chat_import": recipe,
        "reading": chosen.options.model_dump(exclude_defaults=True),
        "speakers": dict(Counter(chosen.recipe.roles.values())),
        "left_out": dict(work.left.most_common()),
    }
