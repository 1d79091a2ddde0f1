"""Publishing a model: the task, the smoke test with the likely cause of a difference, retiring, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound, ProviderError, SettingsError
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.serving import publishing
from core.services.training import models
from core.serving import deployments
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.published import Shelf, shelf
from worker.run import execute


@pytest.fixture
def model(studio_env: Path, tmp_path: Path) -> models.ModelRecord:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    return succeed(launch(make_dataset(validation=3), name="Items - v1"), adapter)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    with shelf(monkeypatch) as entry:
        yield entry


def publish(model: models.ModelRecord) -> TaskRecord:
    ended = execute(publishing.begin(model.id, "shelf").id, "test:1")
    assert ended is not None
    return ended


def test_a_published_model_was_compared_with_the_studio(model: models.ModelRecord, target: Shelf) -> None:
    ended = publish(model)
    assert (ended.state, ended.error) == ("succeeded", {})
    (found,) = publishing.published(model.id)
    assert (found.name, found.route, target.here) == ("items-v1", "As an adapter.", ["items-v1"])
    assert found.smoke.summary == "All 5 answers equal the studio's."
    # held-out inputs first; the training part fills up
    assert [answer.question for answer in found.smoke.answers][:3] == [f"What is item {n}?" for n in (1000, 1001, 1002)]
    publish(model)
    assert len(publishing.published(model.id)) == 1
    publishing.retire(model.id, "shelf")
    assert publishing.published(model.id) == []
    with pytest.raises(NotFound, match="is not published to The shelf"):
        publishing.retire(model.id, "shelf")


@pytest.mark.parametrize(
    ("says", "place", "cause"),
    [
        ("It is blue. It is blue. It is", 11, "stop token: the target goes on"),
        ("It is", 5, "stop token: the target's answer ends early"),
        ("<|assistant|>It is blue.", 0, "chat template: the target's answer has marks"),
        ("Something else", 0, "differ from the first character"),
        ("It is green.", 6, "rounding"),
    ],
)
def test_the_first_difference_has_a_likely_cause(
    model: models.ModelRecord, target: Shelf, says: str, place: int, cause: str
) -> None:
    target.says = says
    publish(model)
    (found,) = publishing.published(model.id)
    first = found.smoke.first_difference
    assert first is not None
    assert (first.place, first.target, first.studio) == (place, says, "It is blue.")
    assert cause in first.cause
    assert found.smoke.summary == "0 of 5 answers equal the studio's."


def test_a_target_that_does_not_respond_is_named(model: models.ModelRecord, target: Shelf) -> None:
    target.fails = ProviderError("The shelf is not responding.", "Start it.")
    ended = publish(model)
    assert (ended.state, ended.error["message"]) == ("failed", "The shelf is not responding.")
    failed = publishing.last_failure(model.id)
    assert failed is not None
    assert failed.id == ended.id
    target.fails = None
    publish(model)
    target.fails = ProviderError("The shelf is not responding.", "Start it.")
    with pytest.raises(ProviderError):
        publishing.retire(model.id, "shelf")
    publishing.forget(publishing.published(model.id)[0])
    assert publishing.published(model.id) == []


def test_what_cannot_be_published_is_refused(model: models.ModelRecord, target: Shelf, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing is published there"):
        publishing.begin(model.id, "studio")
    models.archive([model.id])
    with pytest.raises(Conflict, match="is archived"):
        publishing.begin(model.id, "shelf")
    prefix = succeed(launch(make_dataset("Others"), name="Prefix", method="prefix_tuning"), tmp_path / "adapter")
    with pytest.raises(SettingsError, match="LoRA adapters only"):
        publishing.begin(prefix.id, "shelf")


def test_without_its_dataset_a_model_is_published_untested(model: models.ModelRecord, target: Shelf) -> None:
    datasets.delete(model.dataset_id, "Items")
    publish(model)
    (found,) = publishing.published(model.id)
    assert found.smoke.summary == "Not compared: the model's dataset was deleted."


def test_the_engine_is_chosen_per_model(model: models.ModelRecord, target: Shelf) -> None:
    assert publishing.engine_choice(model) is None
    with pytest.raises(NotFound, match="not published to llama"):
        publishing.choose_engine(model.id, "llama_cpp")
    assert deployments.engine_of(model.id) == "studio"


def test_a_deleted_model_leaves_no_deployment(model: models.ModelRecord, target: Shelf) -> None:
    publish(model)
    models.delete(model.id, model.name)
    assert publishing.published(model.id) == []
