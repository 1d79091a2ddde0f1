"""Merging as a task: the complete model is stored beside the adapter, served, downloaded, and created once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound
from core.platform.storage import get_storage
from core.services.serving import chat, served
from core.services.training import merging, models
from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model
from worker.inference import served_models
from worker.run import execute


@pytest.fixture
def tuned(studio_env: Path, tmp_path: Path) -> models.ModelRecord:
    path = make_model(tmp_path / "random")
    return succeed(launch(make_dataset(), f"local:{path}", name="Tuned"), make_adapter(path, tmp_path / "adapter"))


def test_a_merged_model_is_stored_listed_served_and_downloaded(tuned: models.ModelRecord) -> None:
    whole = merging.served_id(tuned.id)
    assert merging.can_merge(tuned)
    with pytest.raises(NotFound, match="has not been merged"):
        served_models.find(whole)
    task = merging.begin(tuned.id)
    assert merging.begin(tuned.id) == task == merging.running(tuned.id)
    ended = execute(task.id, "test:1")
    assert ended is not None
    assert (ended.state, ended.error) == ("succeeded", {})
    assert ended.result["logit_difference"] < 1e-3

    now = models.get_model(tuned.id)
    assert now.merged is not None
    assert now.size_bytes == tuned.size_bytes  # the adapter is what it was
    assert not merging.can_merge(now)
    assert merging.running(tuned.id) is None
    manifest = json.loads(get_storage().read_bytes(f"{now.merged.path}/manifest.json"))
    assert manifest["merged_from"] == tuned.id
    assert manifest["base_revision"] == tuned.manifest["base_revision"]
    assert set(manifest["files"]) >= {"config.json", "model.safetensors", "tokenizer.json"}

    found = served_models.find(whole)
    assert (found.id, found.is_adapter) == (whole, False)
    assert served_models.find("Tuned:merged") == served_models.find("tuned:merged") == found
    assert whole in [entry.id for entry in served.served_models()]
    assert [(model.title, model.model_id) for model in chat.available_models()[:2]] == [
        ("Tuned", tuned.id),
        ("Tuned (merged)", tuned.id),
    ]
    assert chat.suggestions(whole, 1) == chat.suggestions(tuned.id, 1)
    with pytest.raises(Conflict, match="already merged"):
        merging.begin(tuned.id)


def test_the_merged_model_answers_like_its_adapter(tuned: models.ModelRecord) -> None:
    from core.messages import Message
    from core.serving.targets.base import ChatOptions
    from tests.support.answers import pieces_of
    from worker.inference.decoding import Generation
    from worker.inference.prompts import prepare
    from worker.inference.requests import GenerationRequest
    from worker.inference.weights import Loader

    execute(merging.begin(tuned.id).id, "test:1")
    loader, said = Loader(), []
    for model_id in (tuned.id, merging.served_id(tuned.id)):
        prompt = prepare(model_id, [Message("user", "What is item 7?")])
        asked = GenerationRequest(prompt, ChatOptions(12), print, None)  # type: ignore[arg-type]
        answer = Generation(asked, *loader.get(prompt.served, set()))
        said.append("".join(piece.text for piece in pieces_of(answer)))
    assert said[0] == said[1] != ""


def test_only_mergeable_adapters_are_merged_and_a_missing_base_is_named(
    studio_env: Path, tmp_path: Path, tuned: models.ModelRecord
) -> None:
    base = tuned.base_model
    job = launch(make_dataset("More"), base, method="full", name="Whole")
    whole = succeed(job, make_model(tmp_path / "whole", seed=4))
    with pytest.raises(Conflict, match="cannot be merged"):
        merging.begin(whole.id)
    models.archive([tuned.id])
    with pytest.raises(Conflict, match="archived"):
        merging.begin(tuned.id)
    models.restore([tuned.id])
    task = merging.begin(tuned.id)
    make_model(Path(base.removeprefix("local:")), seed=77)  # another model in the same place
    config = Path(base.removeprefix("local:")) / "config.json"
    config.write_text(config.read_text().replace('"rms_norm_eps": 1e-06', '"rms_norm_eps": 1e-05'))
    ended = execute(task.id, "test:1")
    assert ended is not None
    assert ended.state == "failed"
    assert "another revision of" in ended.error["message"]
    assert merging.last_failure(tuned.id) is not None
    assert merging.begin(tuned.id).id != task.id
