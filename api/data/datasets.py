"""`/api/v1/datasets`: datasets, their versions and examples, and what changes them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query
from fastapi.responses import Response, StreamingResponse

from api.data.shapes import (
    ConversationImport,
    Conversion,
    DatasetShown,
    Edit,
    Edited,
    ExamplePage,
    ExampleShown,
    FindingShown,
    Mix,
    NewDataset,
    VersionShown,
)
from api.platform.records import Limit, add_routes, records
from api.platform.scopes import needs
from api.platform.shapes import TaskShown
from core.services.data import chat_import, conversion, datasets, exports, sources
from core.services.data.datasets import edits, operations
from core.services.platform.api_keys import DATA, READ
from core.services.serving import agents
from core.services.serving.feedback import own_chats
from core.services.serving.feedback.own_chats import OwnChats

router: Final = records("/api/v1/datasets", "Datasets")
_READING: Final = [needs(READ, DATA)]
_WRITING: Final = [needs(DATA)]
SplitName = Literal["train", "validation", "test"]


@router.post("", dependencies=_WRITING, status_code=202)
def create_dataset(asked: NewDataset) -> TaskShown:
    """Create a dataset from an upload in a known shape, in the background; `result.dataset_id` names it."""
    task = datasets.create_from_source(
        asked.upload_id, asked.name, asked.description, asked.validation_upload_id, asked.options, asked.without
    )
    return TaskShown.of(task)


@router.post("/convert", dependencies=_WRITING, status_code=202)
def convert(asked: Conversion) -> TaskShown:
    """Convert any table by a guided template, in the background."""
    suggested = conversion.first_choice(sources.get(asked.upload_id).id, asked.template)
    task = conversion.start_with(
        asked.upload_id,
        template=asked.template,
        mapping=suggested["mapping"] if asked.mapping is None else asked.mapping,
        options=suggested["options"] if asked.options is None else asked.options,
        name=asked.name,
        description=asked.description,
        origin="convert",
        without=asked.without,
        leave_out=asked.leave_out,
    )
    return TaskShown.of(task)


@router.post("/import-from-conversations", dependencies=_WRITING, status_code=202)
def import_from_conversations(asked: ConversationImport) -> TaskShown:
    """Import an exported chat log, or the studio's own conversations, in the background."""
    about = {"name": asked.name, "description": asked.description}
    given = {name: getattr(asked, name) for name in ("since", "until", "min_quality", "max_examples")}
    filters = {name: value for name, value in given.items() if value is not None}
    if asked.upload_id:
        recipe = {**filters, **asked.recipe}
        return TaskShown.of(chat_import.start_with(asked.upload_id, **about, reading=asked.reading, recipe=recipe))
    agent_id = agents.get_agent(asked.agent).id if asked.agent else ""
    chats = OwnChats(agent_id=agent_id, model_id=asked.model, **filters)
    return TaskShown.of(own_chats.start(chats, **about, recipe=asked.recipe))


@router.post("/mix", dependencies=_WRITING, status_code=202)
def mix(asked: Mix) -> TaskShown:
    """Mix several versions into a new dataset, in the background."""
    parts = list(asked.parts.items())
    more = (asked.total, asked.seed, asked.description, asked.hold_out)
    return TaskShown.of(edits.mix(asked.name, parts, *more, distinct=asked.distinct))


ROUTES: Final = add_routes(
    router, datasets, datasets.get_dataset, DatasetShown, noun="dataset", reading=_READING, writing=_WRITING,
    remains="its files are deleted too, models that were trained on it remain",
)  # fmt: skip


@router.post("/{dataset_id}/validate", dependencies=_WRITING, status_code=202)
def validate(dataset_id: str) -> TaskShown:
    """Check the newest version again, in the background."""
    return TaskShown.of(datasets.validate(dataset_id))


@router.get("/{dataset_id}/versions", dependencies=_READING)
def versions(dataset_id: str) -> list[VersionShown]:
    """All versions, the newest first."""
    return [VersionShown.of(one) for one in datasets.versions(datasets.get_dataset(dataset_id).id)]


@router.get("/{dataset_id}/examples", dependencies=_READING)
def examples(
    dataset_id: str,
    version: str = "",
    offset: Annotated[int, Query(ge=0, le=100_000_000)] = 0,
    limit: Limit = 50,
    search: Annotated[str, Query(max_length=200)] = "",
    split: SplitName | None = None,
) -> ExamplePage:
    """Some examples of the newest version, or of another one."""
    found = datasets.examples(_version(dataset_id, version), offset, limit, search, split)
    shown = [
        ExampleShown(
            position=one.position,
            split=one.example.split,
            messages=[message.to_dict() for message in one.example.messages],
            tools=[dict(tool) for tool in one.example.tools],
            rejected=[message.to_dict() for message in one.example.rejected],
            tokens=one.tokens,
            flags=list(one.flags),
        )
        for one in found.items
    ]
    end = offset + len(shown)
    return ExamplePage(data=shown, total=found.total, next=end if shown and end < found.total else None)


@router.get("/{dataset_id}/findings", dependencies=_READING)
def findings(
    dataset_id: str,
    severity: Literal["error", "warning", "info"] | None = None,
    offset: Annotated[int, Query(ge=0, le=100_000_000)] = 0,
    limit: Limit = 50,
) -> list[FindingShown]:
    """What is wrong with the newest version, errors first."""
    found = datasets.findings(_version(dataset_id, ""), limit, severity, offset)
    return [FindingShown.of(one) for one in found]


@router.get("/{dataset_id}/export", dependencies=_READING, response_class=StreamingResponse)
def export(
    dataset_id: str,
    format: Annotated[str, Query(max_length=60, description="jsonl, parquet, csv, sharegpt, alpaca or dpo")] = "jsonl",
    version: str = "",
    split: SplitName | None = None,
) -> Response:
    """The examples as a file for other tools."""
    of = _version(dataset_id, version)
    content = exports.export(of, format, split)
    name = exports.filename(of, format, split).encode("ascii", "replace").decode().replace("?", "-")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(content, media_type="application/octet-stream", headers=headers)


@router.post("/{dataset_id}/edits", dependencies=_WRITING)
def edit(dataset_id: str, asked: Edit) -> Edited:
    """Create a version by an editing operation; a large dataset is edited in the background."""
    operation = operations.operation_of(asked.operation)
    found = datasets.get_dataset(dataset_id)
    return _edited(edits.apply(found.id, operation, base_version_id=asked.base_version_id, why=asked.why))


@router.post("/{dataset_id}/undo", dependencies=_WRITING)
def undo(dataset_id: str) -> Edited:
    """Undo the newest change: a new version with the content of the one before it."""
    return _edited(edits.undo(datasets.get_dataset(dataset_id).id))


@router.post("/{dataset_id}/versions/{version_id}/restore", dependencies=_WRITING)
def restore(dataset_id: str, version_id: str) -> Edited:
    """Make the content of an older version the newest again."""
    return _edited(edits.restore(_version(dataset_id, version_id)))


def _version(dataset_id: str, version_id: str) -> str:
    """A version of a dataset; "" for the newest. Raises NotFound."""
    found = datasets.get_dataset(dataset_id)
    if not version_id:
        return found.version.id
    version = datasets.get_version(version_id)
    return version.id if version.dataset_id == found.id else datasets.get_version(f"{found.id}:{version_id}").id


def _edited(applied: edits.Applied) -> Edited:
    return Edited(
        version=VersionShown.of(applied.version) if applied.version else None,
        task=TaskShown.of(applied.task) if applied.task else None,
        text=applied.text,
    )
