"""New datasets: the start of their task; written into a version's files, stored, and published in one transaction."""

from __future__ import annotations

import dataclasses
import hashlib
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import select

from core.data.conversion.labeling import Recipe
from core.data.examples.sets import ExampleSet
from core.data.quality import set_rules, structure
from core.data.versions import files, reader
from core.data.versions.manifest import Change, Manifest, SourceFile
from core.data.versions.writer import VersionWriter, Written, held_out as held_out
from core.errors import Conflict, DataError
from core.ids import new_id
from core.messages import Example, Finding, Split
from core.platform import scratch
from core.platform.db.tables import DatasetVersion, FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks import announce, store
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.states import TERMINAL
from core.services.data import sources
from core.services.data.datasets import failing
from core.services.data.datasets.records import DatasetRecord, get_dataset, live, set_codes
from core.services.platform import budgets, drafts

FAILED = frozenset({"failed", "cancelled"})  # states of a task after which the same may be started again
_TURNS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they change the writing direction


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new dataset came from, for its manifest.

    Attributes:
        id: upload, convert, smart, chat_import, mix, sample, manual, feedback or cli.
        rows: of the source, by the names of `Counts`.
        parents: the versions that a mix was made of.
        change: how it was created, for the history.
    """

    id: str
    source: SourceFile | None = None
    validation_source: SourceFile | None = None
    recipe: Mapping[str, Any] | None = None
    rows: Mapping[str, int] = dataclasses.field(default_factory=dict)
    parents: tuple[str, ...] = ()
    change: Change | None = None


def create_dataset(
    name: str,
    examples: Iterable[Example],
    validation: Iterable[Example] = (),
    origin: str = "sample",
    description: str = "",
    findings: Iterable[Finding] = (),
    *,
    test: Iterable[Example] = (),
) -> DatasetRecord:
    """Write examples as a new dataset at once, without a task.

    Raises:
        Conflict: the name is taken. DataError: there is no example.
    """
    check_name(name)
    check_characters(name, description)
    with scratch.folder() as folder, VersionWriter(folder) as out:
        seen = ExampleSet()
        parts: tuple[tuple[Split, Iterable[Example]], ...] = (
            ("train", examples),
            ("validation", validation),
            ("test", test),
        )
        for split, part in parts:
            for example in part:
                placed = replace(example, split=split)
                out.add(placed, structure.check(placed))
                seen.feed(placed)
        out.note((*findings, *set_rules.check_set(seen)))
        publish = prepare(new_id("ds"), name, description, out, Origin(origin))
    with UnitOfWork() as uow:
        dataset_id = publish(uow)
        uow.commit()
    return get_dataset(dataset_id)


def create_from_source(
    source_id: str,
    name: str,
    description: str = "",
    validation_source_id: str | None = None,
    options: Mapping[str, Any] | None = None,
    without: Iterable[str] = (),
) -> TaskRecord:
    """Create a dataset from an upload in a known chat shape, as a background task; once per upload and name.

    After a task that failed or was cancelled, a new one is made: its choices may be others.

    Args:
        options: the user's choices about the shape.
        without: fields that change the meaning and are left out all the same.

    Raises:
        DataError: the upload is a table that needs the wizard (code shape_unknown), or a field that changes the
            meaning would be lost (code fields_left_out). Conflict: the name is taken.
    """
    shape = sources.analyze(source_id).shape
    if shape is None:
        filename = sources.get(source_id).filename
        text = f"{filename} is not in a known chat shape."
        raise DataError(text, "The file is saved; open it in Convert data.", code="shape_unknown")
    check_characters(name, description)
    recipe = Recipe.of({"shape": shape, "options": options, "without": list(without)})
    sources.account(source_id, recipe).check(recipe.without)
    key = hashlib.sha256(f"{source_id}\n{name}".encode()).hexdigest()[:16]
    payload = {
        "source_id": source_id,
        "validation_source_id": validation_source_id,
        **recipe.to_dict(),
        "name": name.strip(),
        "description": description,
        "origin": "upload",
    }
    return enqueue_again("import", f"Import “{name.strip()}”", payload, f"import:{key}", FAILED)


def enqueue(kind: str, title: str, payload: dict[str, Any], idempotency_key: str | None) -> TaskRecord:
    """Create a task, committed before it is announced; the same key returns the same task.

    Raises:
        BudgetReached: a budget does not cover what it may cost.
    """
    paid = budgets.upper(kind, payload)
    with UnitOfWork() as uow:
        task, created = store.create(uow, kind=kind, title=title, payload=payload, idempotency_key=idempotency_key)
        if created:
            budgets.reserve_for(uow, paid, task.id, title)
        if created and "name" in payload:
            check_name(payload["name"], uow)
        uow.commit()
    if created:
        announce.announce(task.id)
    return task


def enqueue_again(
    kind: str, title: str, payload: dict[str, Any], key: str, after: Collection[str] = TERMINAL
) -> TaskRecord:
    """Like `enqueue`, but the same key returns the same task only until that one has reached a state of `after`."""
    task = enqueue(kind, title, payload, key)
    while task.state in after:
        key = f"{key}:after:{task.id}"
        task = enqueue(kind, title, payload, key[-200:])
    return task


def start_draft(
    draft_id: str, kind: str, key: str, verb: str, upload: str, describe: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> TaskRecord:
    """Start the task of a draft; calling it again returns the same task.

    If the task failed or was cancelled, the draft can be changed and started again, as a new task.

    Args:
        verb: begins the task's title, before the name of the dataset.
        upload: what the first step uploads, for the message where it is missing.
        describe: the payload besides draft, name, description and hold-out, from the draft's state.

    Raises:
        DataError: something is missing or invalid. Conflict: the name is taken, or nothing is uploaded.
    """
    draft = drafts.get(draft_id)
    state = draft.state
    if "source_id" not in state:
        raise Conflict(f"This draft has no {upload} yet.", "Upload one in step 1.")
    if draft.result_id and (earlier := store.get(draft.result_id)).state not in FAILED:
        return earlier
    described = describe(state)
    check_hold_out(state.get("hold_out"))
    name, description = str(state.get("name") or "").strip(), str(state.get("description") or "")
    check_characters(name, description)
    about = {"draft_id": draft_id, "name": name, "description": description, "hold_out": state.get("hold_out")}
    # The key includes the previous attempt, so that two clicks at once create one task, also at a restart.
    key = f"{key}:{draft_id}" + (f":after:{draft.result_id}" if draft.result_id else "")
    task = enqueue(kind, f"{verb} “{name}”", {**about, **described}, key)
    drafts.finish(draft_id, task.id, replaces=draft.result_id)
    return task


def check_name(name: str, uow: UnitOfWork | None = None) -> None:
    """Refuse a blank, overlong or taken name.

    Raises:
        DataError: blank, longer than 200 characters, or with invisible characters. Conflict: a dataset has it.
    """
    if not name.strip() or len(name) > 200:
        raise DataError("A dataset needs a name of 1 to 200 characters.", "Give it one.", field="name")
    check_characters(name)
    if uow is None:
        with UnitOfWork(write=False) as reading:
            return check_name(name, reading)
    if uow.session.exec(live().where(FineTuningDataset.name == name.strip())).first():
        raise Conflict(f"A dataset named “{name.strip()}” already exists.", "Choose another name, or delete that one.")
    return None


def check_hold_out(share: float | None) -> None:
    """Refuse a share of the examples to hold out for validation that is not from 0 to 0.5; None is the default.

    Raises:
        DataError: names the share.
    """
    if share is not None and not 0 <= share <= 0.5:
        text = f"The share to hold out must be from 0 to 0.5; got {share}."
        raise DataError(text, "Choose another one.", field="hold_out")


def check_characters(name: str, description: str = "") -> None:
    """Refuse what a database cannot store, and in a name what makes two of them look the same.

    Raises:
        DataError: names the character.
    """
    for field, text, plain in (("name", name, True), ("description", description, False)):
        check_text(field, text, plain)


def check_text(field: str, text: str, plain: bool = False) -> None:
    """Refuse what a database cannot store; where `plain`, also line breaks and what changes the writing direction.

    Raises:
        DataError: names the field and the character.
    """
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Cs" or character == "\0" or (plain and (kind == "Cc" or character in _TURNS)):
            text = f"The {field} contains the invisible character U+{ord(character):04X}."
            raise DataError(text, "Remove it.", field=field)


def prepare(
    dataset_id: str, name: str, description: str, out: VersionWriter, origin: Origin
) -> Callable[[UnitOfWork], str]:
    """Finish a version's files and put them into the store; returns the function that publishes it in a transaction.

    The ids follow from `dataset_id`, so an attempt that died before publishing is overwritten by the next one, and
    nothing is left over. Publishing twice is harmless: the second time changes nothing.

    Raises:
        DataError: there is no example.
    """
    written = out.finish()
    if written.examples == 0:
        raise DataError(
            f"None of the rows could become a labeled example ({written.rejects:,} left out).",
            "Look at the reasons in the preview, and fix the file or the choices.",
            code="too_few_examples",
        )
    version_id = f"{dataset_id}-v1"
    prefix = f"datasets/{dataset_id}/v1"
    manifest = files.write_manifest(out.directory, _manifest(dataset_id, version_id, written, origin))
    get_storage().put_dir(out.directory, prefix, gives=True)
    blocked = written.findings["error"] > 0 and bool(set_errors(out.directory / files.FINDINGS))

    def publish(uow: UnitOfWork) -> str:
        if uow.session.get(FineTuningDataset, dataset_id) is None:
            dataset = FineTuningDataset(
                id=dataset_id,
                name=_free_name(uow, name.strip()),
                description=description,
                state="failed" if blocked else "validated",
                origin=origin.id,
                current_version_id=version_id,
            )
            uow.session.add(dataset)
            uow.session.flush()
            uow.session.add(version_row(manifest, prefix))
            uow.session.flush()
            failing.notice(uow, dataset)
        return dataset_id

    return publish


def version_row(manifest: Manifest, path: str) -> DatasetVersion:
    """The row of a version whose files are at `path` in the store."""
    return DatasetVersion(
        id=manifest.version_id,
        dataset_id=manifest.dataset_id,
        number=manifest.number,
        path=path,
        examples_sha256=manifest.examples_sha256,
        examples=manifest.counts.examples,
        train_examples=manifest.counts.train,
        validation_examples=manifest.counts.validation,
        size_bytes=sum(file.size_bytes for file in manifest.files.values()),
        manifest=manifest.to_dict(),
        parents=list(manifest.parents),
    )


def prepare_of_task(
    task_id: str, payload: Mapping[str, Any], out: VersionWriter, origin: Origin
) -> Callable[[UnitOfWork], str]:
    """As `prepare`, for the dataset of a task: its id follows from the task's, its name is in the payload."""
    return prepare(id_of_task(task_id), str(payload["name"]), str(payload.get("description") or ""), out, origin)


def id_of_task(task_id: str) -> str:
    """The id of the dataset that a conversion makes: the same for every attempt."""
    return f"ds_{task_id.removeprefix('task_')}"


def sweep() -> list[str]:
    """Delete the files of conversions that ended without publishing them (a late cancel)."""
    ended = {id_of_task(task.id) for task in store.find(states=("cancelled", "failed"), limit=100_000)}
    with UnitOfWork(write=False) as uow:
        known = set(uow.session.exec(select(FineTuningDataset.id)))
    left = [name for name in get_storage().folders("datasets") if name in ended - known]
    for name in left:
        get_storage().delete(f"datasets/{name}")
    return left


def _free_name(uow: UnitOfWork, name: str) -> str:
    """The name, or the name with the first free number, if it was taken while the conversion ran."""
    candidate, number = name, 2
    while uow.session.exec(live().where(FineTuningDataset.name == candidate)).first():
        candidate, number = f"{name} ({number})", number + 1
    return candidate


def _manifest(dataset_id: str, version_id: str, written: Written, origin: Origin) -> Manifest:
    return Manifest(
        dataset_id=dataset_id,
        version_id=version_id,
        number=1,
        created_at=time.time(),
        origin=origin.id,
        parents=origin.parents,
        change=origin.change,
        source=origin.source,
        validation_source=origin.validation_source,
        recipe=origin.recipe,
        examples_sha256=written.examples_sha256,
        split=written.split,
        rules=set_rules.VERSION,
        counts=written.counts(**origin.rows),
        findings=dict(written.findings),
    )


def set_errors(path: Path) -> list[Finding]:
    """Errors about the set as a whole in a findings file: those that make a dataset unfit for training."""
    of_sets = set_codes()
    return [item for item in reader.findings(path, limit=10_000, severity="error") if item.code in of_sets]
