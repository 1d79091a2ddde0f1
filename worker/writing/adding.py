"""Add examples that a model wrote to an existing dataset, as its next version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.data.editing import AddedExample, AddExamples, make
from core.data.editing.building import build
from core.data.versions.files import EXAMPLES
from core.data.versions.manifest import Change
from core.data.versions.rows import Rows
from core.data.versions.writer import VersionWriter
from core.messages import Split, Tools
from core.platform.tasks.context import TaskContext
from core.services.data.datasets.publishing import Staged, attempt_of_task, stage, sweep_attempts
from core.services.data.datasets.records import VersionRecord, provenance_file, version_file
from core.services.data.smart.records import GeneratedExample
from core.services.data.smart.writer import WRITTEN_BY_MODEL


def added_example(
    made: GeneratedExample,
    source: str | None,
    line: int,
    about: Mapping[str, Any],
    mark: str = WRITTEN_BY_MODEL,
    split: Split = "train",
    tools: Tools = (),
) -> AddedExample:
    """An example that a model wrote, with its origin: the row that it was written from, and `about`."""
    return AddedExample(
        messages=tuple(message.to_dict() for message in made.messages),
        tools=tuple(map(dict, tools)),
        split=split,
        flags=tuple(dict.fromkeys((WRITTEN_BY_MODEL, mark, *(flag.code for flag in made.flags)))),
        source=source,
        source_line=line,
        provenance={**about, "source": source, "source_line": line},
    )


def stage_added(
    ctx: TaskContext,
    base: VersionRecord,
    added: Sequence[AddedExample],
    change: Mapping[str, Any],
    recipe: Mapping[str, Any] | None = None,
) -> Staged:
    """The files of the version after `base`, with these examples at the end; the caller publishes them.

    Args:
        change: the fields of the Change that are not counts.
        recipe: of the manifest, if it changes with the new version.
    """
    operation = make(AddExamples, examples=tuple(added))
    sweep_attempts()
    with VersionWriter(ctx.workdir / "version", hold_out=0.0) as out:
        rows = Rows(version_file(base.id, EXAMPLES))
        effect = build(
            rows, operation, out, provenance_file(base), lambda done: ctx.progress(97, "Writing the new version")
        )
        full = Change(**change, added=effect.added, removed=effect.removed, changed=effect.changed)
        return stage(base, out, full, attempt_of_task(ctx.lease.task_id, ctx.lease.epoch), recipe)
