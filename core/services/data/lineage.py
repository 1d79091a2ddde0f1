"""From the file to the model: what a dataset came from, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlmodel import col, func, select

from core.data.versions.manifest import Manifest
from core.models import base_models, methods
from core.platform.db.tables import (
    BackgroundTask,
    Correction,
    DatasetVersion,
    FineTunedModel,
    FineTuningDataset,
    FineTuningJob,
)
from core.platform.db.uow import UnitOfWork
from core.services.data.datasets.history import change_of
from core.services.data.datasets.records import find, version_record
from core.text import size
from core.training.metrics import final_loss_text

KINDS = ("source", "dataset_version", "job", "model")


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the picture. `kind` is one of KINDS; `here` marks versions of the dataset asked about.

    `ref` is the id that its own screen takes: a dataset's for a version, else the thing's own.
    """

    id: str
    kind: str
    title: str
    detail: str
    ref: str = ""
    state: str = ""
    here: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` led to `target`, by what `text` says."""

    source: str
    target: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The whole picture: nodes from the left (files) to the right (models), and what leads where."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def of_dataset(dataset_id: str) -> Lineage:
    """Where a dataset came from (files, other datasets) and what came of it (mixes, jobs, models).

    Raises:
        NotFound: there is no such dataset.
    """
    with UnitOfWork(write=False) as uow:
        return _picture(uow, find(uow, dataset_id).id)


def _picture(uow: UnitOfWork, asked: str) -> Lineage:
    everything = {row.id: row for row in uow.session.exec(select(DatasetVersion))}
    datasets = {row.id: row for row in uow.session.exec(select(FineTuningDataset))}
    own = {row.id for row in everything.values() if row.dataset_id == asked}
    parents = {row.id: [parent for parent in row.parents if parent in everything] for row in everything.values()}
    children: dict[str, list[str]] = {}
    for row_id, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(row_id)
    known = _reached(own, parents.__getitem__) | _reached(own, lambda version_id: children.get(version_id, ()))
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for version_id in sorted(known, key=lambda key: (everything[key].created_at, everything[key].number)):
        row = everything[version_id]
        _add_sources(row, nodes, edges)
        _add_version(row, datasets[row.dataset_id], asked, nodes)
        step = change_of(version_record(row))
        edges += [Edge(parent, row.id, step.what) for parent in row.parents if parent in known]
        restored = str(step.parameters.get("version_id") or "") if step.operation in ("undo", "restore") else ""
        if restored in known and restored not in row.parents:
            edges.append(Edge(restored, row.id, "its content"))
    _add_jobs(uow, known, nodes, edges)
    order = {kind: place for place, kind in enumerate(KINDS)}
    return Lineage(tuple(sorted(nodes.values(), key=lambda node: order[node.kind])), tuple(edges))


def _reached(own: set[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    """The versions themselves and all that can be reached from them."""
    known, waiting = set(own), list(own)
    while waiting:
        for other in following(waiting.pop()):
            if other not in known:
                known.add(other)
                waiting.append(other)
    return known


def _add_jobs(uow: UnitOfWork, versions: set[str], nodes: dict[str, Node], edges: list[Edge]) -> None:
    """The jobs that were trained on these versions, and the models that they gave."""
    jobs = (
        select(FineTuningJob, BackgroundTask.state)
        .join(BackgroundTask, col(BackgroundTask.id) == col(FineTuningJob.task_id))
        .where(col(FineTuningJob.dataset_version_id).in_(sorted(versions)))
        .order_by(col(FineTuningJob.created_at))
    )
    for job, state in uow.session.exec(jobs).all():
        deleted = job.deleted_at is not None
        detail = f"{methods.title_of(job.method)} on {_base_title(job)}" + (", deleted" if deleted else "")
        nodes[job.id] = Node(job.id, "job", job.name, detail, job.id, "deleted" if deleted else state)
        edges.append(Edge(job.dataset_version_id, job.id, "trained on"))
    models = (
        select(FineTunedModel)
        .join(FineTuningJob, col(FineTuningJob.id) == col(FineTunedModel.job_id))
        .where(col(FineTuningJob.dataset_version_id).in_(sorted(versions)))
        .order_by(col(FineTunedModel.created_at))
    )
    found = list(uow.session.exec(models))
    scores = _scores([model.id for model in found])
    for model in found:
        detail = " · ".join(filter(None, (scores.get(model.id), final_loss_text(model.final_loss))))
        nodes[model.id] = Node(model.id, "model", model.name, detail, model.id, model.state)
        edges.append(Edge(model.job_id, model.id, "gave"))
    _add_corrections(uow, versions, nodes, edges)


def _base_title(job: FineTuningJob) -> str:
    return (job.spec.get("hosted") or {}).get("base_title") or base_models.title_of(job.base_model)


def _add_corrections(uow: UnitOfWork, versions: set[str], nodes: dict[str, Node], edges: list[Edge]) -> None:
    """The models whose corrected answers are part of these versions: that is how one generation leads to the next."""
    corrected = (
        select(col(Correction.model_id), col(Correction.version_id), func.count())
        .where(col(Correction.version_id).in_(sorted(versions)))
        .group_by(col(Correction.model_id), col(Correction.version_id))
    )
    for served, version_id, count in uow.session.exec(corrected).all():
        model_id = served.partition(":")[0]
        if model_id not in nodes:
            model = uow.session.get(FineTunedModel, model_id)
            title = model.name if model else model_id
            nodes[model_id] = Node(model_id, "model", title, "corrected", model_id if model else "")
        edges.append(Edge(model_id, version_id, f"{count:,} corrected"))


def _scores(model_ids: list[str]) -> dict[str, str]:
    """What was measured on models, in words; those that were not tested are left out."""
    from core.services.training import models  # it reads datasets, whose package this module belongs to

    known = {one.id: one for one in models.list_models(include_archived=True) if one.id in model_ids}
    return {
        model_id: ", ".join(f"{score.title} {score.tuned.text}" for score in found[:1])
        for model_id, found in models.scores_of(list(known.values())).items()
        if found
    }


def _add_sources(row: DatasetVersion, nodes: dict[str, Node], edges: list[Edge]) -> None:
    """The files of a first version; later versions have them through it."""
    if row.parents:
        return
    manifest = Manifest.from_dict(row.manifest)
    for source, text in ((manifest.source, "converted"), (manifest.validation_source, "for validation")):
        if source is not None:
            detail = f"{source.format.upper()} · {size(source.size_bytes)}".strip(" ·")
            nodes.setdefault(source.id, Node(source.id, "source", source.filename, detail, source.id))
            edges.append(Edge(source.id, row.id, text))


def _add_version(row: DatasetVersion, dataset: FineTuningDataset, asked: str, nodes: dict[str, Node]) -> None:
    title = f"{dataset.name} v{row.number}"
    deleted = dataset.deleted_at is not None
    detail = f"{row.examples:,} labeled examples" + (", deleted" if deleted else "")
    state = "deleted" if deleted else ("current" if dataset.current_version_id == row.id else "")
    nodes[row.id] = Node(row.id, "dataset_version", title, detail, row.dataset_id, state, row.dataset_id == asked)
