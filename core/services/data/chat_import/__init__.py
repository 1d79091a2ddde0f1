"""Chat logs become datasets: the one face of bringing in, choosing, reviewing, and the import itself.

State of a `chat_import` draft (all optional until the step that needs them):
    source_id               the stored log
    reading                 ReadOptions that differ from their defaults
    recipe                  ChatRecipe: roles, filters, redaction
    decisions               {example key: {"do": keep | edit | drop, "messages": of an edit}}
    name, description       of the dataset to make
    hold_out                share of the examples to hold out, 0 to 0.5; absent: decided by size

Crash-safety is that of a conversion: the dataset's id follows from the task's, and the rows that make it exist are
written in the transaction that finishes the task.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import IO, Any

from core.data import chat_logs
from core.data.chat_logs import REASONS
from core.data.chat_logs.base import RAW_LIMIT
from core.data.examples.sets import ExampleSet
from core.data.findings import finding
from core.data.quality import structure
from core.data.quality.rules import check_set
from core.data.versions.manifest import SourceFile
from core.data.versions.writer import VersionWriter
from core.errors import Conflict, DataError
from core.messages import Example, Finding
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.data.chat_import import reading as chat_reading, review_list as chat_review
from core.services.data.chat_import.reading import ChatSource, ChatSummary, Speaker, ingest, ingest_folder
from core.services.data.chat_import.review_list import (
    Choices,
    Plan,
    ReviewItem,
    ReviewPage,
    Step,
    choices,
    page as review,
    plan,
    suggested,
)
from core.services.data.datasets import writing as dataset_writing
from core.services.data.datasets.records import get_version
from core.services.data.datasets.writing import Origin
from core.services.platform import drafts

KIND = "chat_import"
LEFT_OUT = "left_out.jsonl"
SAMPLE = "shop_chats.csv"
_SHARE_SHAPING = 90.0  # percent of the progress; the rest is writing and publishing


def formats() -> list[chat_logs.LogFormat]:
    """The chat exports that can be read, in the order of the screen."""
    return list(chat_logs.LOG_FORMATS.values())


def begin(source: ChatSource) -> drafts.DraftRecord:
    """A draft for a stored log, with the choices to begin with."""
    reading = chat_reading.hints(source.id).options.model_dump(exclude_defaults=True)
    return drafts.create(KIND, {"source_id": source.id, "reading": reading}, "roles")


def sample_source() -> ChatSource:
    """The chats of an invented shop's help desk, brought in like anybody's export."""
    with resources.files("core.data.samples").joinpath(SAMPLE).open("rb") as stream:
        return ingest(stream, SAMPLE)  # type: ignore[arg-type]


def start(draft_id: str) -> TaskRecord:
    """Begin the import that a draft describes; a draft starts once, however often this is called.

    Where its import failed or was cancelled, the draft can be changed and started again, as a new task.

    Raises:
        DataError: something is missing, or no example is left. Conflict: the name is taken.
    """
    draft = drafts.get(draft_id)
    state = draft.state
    if "source_id" not in state:
        raise Conflict("This draft has no chat log yet.", "Bring one in, in the first step.")
    if draft.result_id and (earlier := store.get(draft.result_id)).state not in ("failed", "cancelled"):
        return earlier
    chosen = choices(state)
    if not plan(chosen).imported:
        raise DataError("No example is left to import.", "Look at the roles and the filters.", code="too_few_examples")
    if (held_out := state.get("hold_out")) is not None and not 0 <= held_out <= 0.5:
        raise DataError(f"The share to hold out is {held_out}.", "Choose 0 to 0.5.", field="hold_out")
    name = str(state.get("name") or "").strip()
    dataset_writing.check_name(name)
    dataset_writing.check_characters(name, state.get("description") or "")
    payload = {
        "draft_id": draft_id,
        "source_id": chosen.source_id,
        "reading": chosen.options.model_dump(exclude_defaults=True),
        "recipe": chosen.recipe.model_dump(),
        "decisions": dict(chosen.decisions),
        "hold_out": held_out,
        "name": name,
        "description": state.get("description") or "",
    }
    key = f"{KIND}:{draft_id}" + (f":after:{draft.result_id}" if draft.result_id else "")
    task = dataset_writing.enqueue(KIND, f"Import conversations “{name}”", payload, key)
    drafts.finish(draft_id, task.id, replaces=draft.result_id)
    return task


def left_out(version_id: str) -> bytes:
    """What the import left out, one JSON object a line, with the reason; personal data redacted where that was chosen.

    Raises:
        NotFound: no such version. StorageError: the version is not an import of conversations.
    """
    return get_storage().read_bytes(f"{get_version(version_id).path}/{LEFT_OUT}")


# ---- in the worker


def run(ctx: TaskContext) -> Outcome:
    """Do a `chat_import` task: shape, redact, review, check, write, publish."""
    task = ctx.task
    ctx.validated()
    payload = task.payload
    chosen = choices(payload)
    dataset_id = dataset_writing.id_of_task(task.id)
    dataset_writing.sweep()
    source = chat_reading.get(chosen.source_id)
    ctx.progress(1, "Reading the log", source.filename)
    found = chat_reading.summary(source.id, chosen.options)
    path = chat_reading.talks(source.id, chosen.options)
    folder = ctx.workdir / "version"
    with VersionWriter(folder, hold_out=payload.get("hold_out")) as out, (folder / LEFT_OUT).open("w") as left_file:
        work = _Work(chosen, source.id, out, left_file)
        for record in chat_reading.left_out(source.id, chosen.options):
            work.leave(record)
        size = max(path.stat().st_size, 1)
        for step in chat_review.steps(path, chosen.recipe):
            work.take(step)
            ctx.progress(_SHARE_SHAPING * step.place / size, "Making examples", f"{out.examples:,} labeled examples")
            if stopped := ctx.interrupted():
                return stopped
        left_file.close()
        out.note(work.findings())
        out.note(check_set(work.examples_seen))
        ctx.progress(_SHARE_SHAPING, "Writing the dataset", f"{out.examples:,} labeled examples")
        counts = {
            "read": found.messages,
            "accepted": found.messages - work.left.total(),
            "rejected": work.left.total(),
            "conversations": found.conversations,
            "redacted": work.redacted,
            "edited": work.edited,
        }
        origin = Origin("chat_import", _source(source), None, _recipe(chosen, work), counts)
        publish = dataset_writing.prepare(dataset_id, payload["name"], payload.get("description") or "", out, origin)
    ctx.progress(99, "Publishing")
    result = {"dataset_id": dataset_id, "examples": out.examples, **counts, "left": dict(work.left.most_common())}
    return Outcome("succeeded", result=result, on_commit=lambda uow: {"dataset_id": publish(uow)})


class _Work:
    """One import's way through the log: writes examples, keeps what is left out, counts both."""

    def __init__(self, chosen: Choices, source_id: str, out: VersionWriter, left_file: IO[str]) -> None:
        self.chosen, self.source_id, self.out, self.left_file = chosen, source_id, out, left_file
        self.examples_seen = ExampleSet()
        self.left: Counter[str] = Counter()
        self.redacted = self.edited = 0

    def take(self, step: Step) -> None:
        """Write a step's example, or keep its turns with the reason."""
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
        """Keep a record of what was left out; redacted where the import redacts."""
        self.left[str(record["reason"])] += int(record["messages"])
        raw = str(record["raw"])
        if self.chosen.recipe.redact:
            from core.data.examples import sensitive

            raw = sensitive.redact(raw)[0]
        self.left_file.write(json.dumps({**record, "raw": raw}) + "\n")

    def findings(self) -> Iterator[Finding]:
        """What is worth knowing about the import as a whole."""
        for reason, count in self.left.most_common():
            told = REASONS[reason]
            text = f"{count:,} messages of the log are in no example. {told.title}: {told.text}"
            yield finding("chat_left_out", text)
        if self.redacted:
            yield finding("chat_redacted", f"{self.redacted:,} places were replaced by placeholders.")

    def _leave(self, step: Step, reason: str) -> None:
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


def _source(source: ChatSource) -> SourceFile:
    title = chat_logs.get_format(source.format).title
    return SourceFile(source.id, source.filename, source.sha256, source.size_bytes, title)


def _recipe(chosen: Choices, work: _Work) -> dict[str, Any]:
    """The choices as the manifest keeps them: without anybody's name."""
    recipe = chosen.recipe.model_dump(exclude={"roles"})
    return {
        "chat_import": recipe,
        "reading": chosen.options.model_dump(exclude_defaults=True),
        "speakers": dict(Counter(chosen.recipe.roles.values())),
        "left_out": dict(work.left.most_common()),
    }


__all__ = [
    "KIND",
    "ChatSource",
    "ChatSummary",
    "Choices",
    "Plan",
    "ReviewItem",
    "ReviewPage",
    "Speaker",
    "begin",
    "choices",
    "formats",
    "ingest",
    "ingest_folder",
    "left_out",
    "plan",
    "review",
    "run",
    "sample_source",
    "start",
    "suggested",
]
