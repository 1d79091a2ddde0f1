"""Lineage: from the file through versions and mixes to jobs and models."""

from __future__ import annotations

import io

import pytest

from core.data.editing import DropRows
from core.errors import NotFound
from core.platform.db.tables import BackgroundTask, FineTunedModel, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets, lineage, sources
from core.services.data.datasets import edits as dataset_edits
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")


def imported(name: str, prefix: str) -> datasets.DatasetRecord:
    raw = "question,answer\n" + "".join(f"{prefix} {n},Label {n % 3}\n" for n in range(12))
    source = sources.ingest(io.BytesIO(raw.encode()), f"{name}.csv")
    task = datasets.create_from_source(source.id, name)
    execute(task.id, "test")
    return datasets.get_dataset(name)


def trained(dataset: datasets.DatasetRecord, version_id: str) -> None:
    with UnitOfWork() as uow:
        uow.session.add(BackgroundTask(id="task_job", kind="training", queue="gpu", state="succeeded"))
        uow.session.flush()
        uow.session.add(
            FineTuningJob(
                id="job_1", name="First job", task_id="task_job", dataset_id=dataset.id, dataset_version_id=version_id,
                base_model="starter", method="lora",
            )
        )  # fmt: skip
        uow.session.flush()
        uow.session.add(
            FineTunedModel(
                id="fm_1", name="First model", job_id="job_1", dataset_id=dataset.id, base_model="starter",
                method="lora", path="models/fm_1", final_loss=0.25,
            )
        )  # fmt: skip
        uow.commit()


@pytest.mark.usefixtures("database")
def test_from_file_to_model() -> None:
    one, two = imported("one", "Ask"), imported("two", "Tell")
    first = one.version.id
    edited = dataset_edits.apply(one.id, DropRows(positions=(0,)), base_version_id=first).version
    assert edited is not None
    trained(one, first)
    mix = execute(dataset_edits.mix("Both", [(edited.id, 1), (two.version.id, 1)]).id, "test")
    assert mix is not None
    restored = dataset_edits.restore(first).version
    assert restored is not None
    found = lineage.of_dataset(one.id)
    assert [node.kind for node in found.nodes] == sorted((n.kind for n in found.nodes), key=lineage.KINDS.index)
    titles = {node.title: node for node in found.nodes}
    assert titles.keys() == {"one.csv", "one v1", "one v2", "one v3", "Both v1", "First job", "First model"}
    assert (titles["one v3"].state, titles["one v3"].here, titles["Both v1"].here) == ("current", True, False)
    assert titles["First model"].detail == "final loss 0.250"
    names = {node.id: node.title for node in found.nodes}
    assert {(names[edge.source], names[edge.target]) for edge in found.edges if edge.source in names} == {
        ("one.csv", "one v1"),
        ("one v1", "one v2"),
        ("one v2", "one v3"),
        ("one v1", "one v3"),
        ("one v2", "Both v1"),
        ("one v1", "First job"),
        ("First job", "First model"),
    }
    assert all(edge.source in names and edge.target in names for edge in found.edges)


def test_a_mix_knows_the_files_of_its_parts_even_when_one_was_deleted() -> None:
    one, two = imported("one", "Ask"), imported("two", "Tell")
    execute(dataset_edits.mix("Both", [(one.version.id, 1), (two.version.id, 1)]).id, "test")
    datasets.delete(two.id, "two")
    found = lineage.of_dataset("Both")
    titles = {node.title: node for node in found.nodes}
    assert titles.keys() == {"one.csv", "two.csv", "one v1", "two v1", "Both v1"}
    assert (titles["two v1"].state, titles["two v1"].detail) == ("deleted", "12 labeled examples, deleted")
    with pytest.raises(NotFound):
        lineage.of_dataset("two")
