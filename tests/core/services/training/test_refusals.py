"""Examples that the chat template refuses: counted before launch, named with their lines, and treated as chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import DataError
from core.messages import Example, Message
from core.models import base_models
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.training import jobs
from core.services.training.jobs import lengths
from core.services.training.jobs.lengths import refusals_of
from tests.support import chat_templates
from tests.support.jobs import launch
from tests.support.random_model import make_model, refuse_system

SYSTEM = Message("system", "Be brief.")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local:{refuse_system(make_model(tmp_path_factory.mktemp('models') / 'strict'))}"


def conversation(number: int, *before: Message, split: str = "train") -> Example:
    pair = (Message("user", f"What is item {number}?"), Message("assistant", f"Item {number} is blue."))
    return Example((*before, *pair), source="file", source_line=number + 2, split=split)  # type: ignore[arg-type]


def made(refused: set[int], count: int = 40) -> DatasetRecord:
    """A dataset whose examples at these positions have a system message; the last two are held out."""
    every = [conversation(number, *([SYSTEM] if number in refused else [])) for number in range(count)]
    record = datasets.create_dataset("Strict", every[:-2], every[-2:])
    assert record.state == "validated"
    return record


def test_refusals_are_counted_and_named_before_launch(studio_env: Path, model: str) -> None:
    dataset = made({6, 16, 39})
    forecast = jobs.forecast(dataset.id, model, "lora")
    assert (forecast.refusals.count, forecast.refusals.train, forecast.refusals.left) == (3, 2, 0)
    assert [(r.position, r.line) for r in forecast.refusals.first] == [(6, 8), (16, 18), (39, 41)]
    (warning,) = [text for text in forecast.warnings if "chat template" in text]
    assert "example 7 (line 8), example 17 (line 18), example 40 (line 41)" in warning
    assert "System role not supported" in warning
    with pytest.raises(DataError, match=r"example 7 \(line 8\)") as refused:
        launch(dataset, model)
    assert "on_refusal" in refused.value.remedy
    assert jobs.list_jobs() == []


@pytest.mark.parametrize(("policy", "trained"), [("leave_out", 36), ("merge_system", 38)])
def test_a_job_may_leave_them_out_or_merge_the_system_text(
    studio_env: Path, model: str, policy: str, trained: int
) -> None:
    dataset = made({6, 16, 39})
    stopped = jobs.forecast(dataset.id, model, "lora")
    forecast = jobs.forecast(dataset.id, model, "lora", training={"on_refusal": policy})
    assert forecast.lengths.examples == len(forecast.lengths.spans) == trained
    assert forecast.training.steps_per_epoch == -(-trained // forecast.training.effective_batch_size)
    assert stopped.lengths.examples == 38
    job = launch(dataset, model, training={"on_refusal": policy})
    assert job.spec.training.on_refusal == policy
    assert any("example 7 (line 8)" in warning for warning in job.forecast["warnings"])


def test_one_among_thousands_alike_is_found(studio_env: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lengths, "PROOFS", 5)
    monkeypatch.setattr(lengths, "MAX_COUNTED", 10)
    dataset = made({1_499}, count=1_600)
    forecast = jobs.forecast(dataset.id, model, "lora")
    assert [refusal.line for refusal in forecast.refusals.first] == [1_501]


def test_a_dataset_that_is_refused_completely_cannot_be_launched(studio_env: Path, model: str) -> None:
    dataset = made(set(range(40)))
    with pytest.raises(DataError, match="does not accept 40 examples") as refused:
        launch(dataset, model, training={"on_refusal": "leave_out"})
    assert "no training example is left" in refused.value.remedy
    assert launch(dataset, model, training={"on_refusal": "merge_system"}).state == "pending"


def test_they_are_counted_once(studio_env: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, base = made({3}), base_models.resolve(model)
    first = refusals_of(dataset.version.id, base)
    monkeypatch.setattr(lengths, "load_tokenizer", None)
    assert refusals_of(dataset.version.id, base) == first


@pytest.mark.parametrize("policy", ["leave_out", "merge_system"])
def test_the_forecast_counts_what_the_worker_trains_on(studio_env: Path, model: str, policy: str) -> None:
    from worker.training.data import prepare
    from worker.training.model_files import load_tokenizer

    dataset, base = made({6, 16, 39}), base_models.resolve(model)
    forecast = jobs.forecast(dataset.id, model, "lora", training={"on_refusal": policy})
    examples = list(datasets.iter_examples(dataset.version.id))
    assert base.path is not None
    data = prepare(examples, load_tokenizer(base.path), max_seq_length=512, on_refusal=policy)
    assert len(data.train) == forecast.lengths.examples
    assert data.train_tokens == forecast.lengths.total_tokens
    assert data.refused == (3 if policy == "leave_out" else 0)
    with pytest.raises(DataError, match=r"Example 7 \(line 8\): .*System role not supported"):
        prepare(examples, load_tokenizer(base.path), max_seq_length=512)
    lengths.keep_lengths(dataset.version.id, base, data.spans, policy)
    again = jobs.forecast(dataset.id, model, "lora", training={"on_refusal": policy})
    assert again.lengths == forecast.lengths


def test_what_training_does_not_use_is_said_before_launch_with_its_number(studio_env: Path, tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    every = [conversation(number) for number in range(20)]
    every[3:6] = [replace(example, tools=(tool,)) for example in every[3:6]]
    every[7] = replace(every[7], rejected=(Message("assistant", "Item 7 is green."),))
    dataset = datasets.create_dataset("Tools", every)
    plain = make_model(tmp_path / "plain")
    taking = make_model(tmp_path / "taking")
    (taking / "chat_template.jinja").write_text(chat_templates.template("qwen2_5"))
    ignored, read = (jobs.forecast(dataset.id, f"local:{path}", "lora") for path in (plain, taking))
    assert any(text.startswith("3 examples have tools, and the base model's chat template does not take") for text in
               ignored.warnings)  # fmt: skip
    assert not any("tools" in text for text in read.warnings)
    for forecast in (ignored, read):
        assert any(text.startswith("1 example has a rejected answer.") for text in forecast.warnings)
    without = datasets.create_dataset("Plain", [conversation(number) for number in range(20)])
    lengths = [jobs.forecast(one.id, f"local:{taking}", "lora").lengths.total_tokens for one in (dataset, without)]
    assert lengths[0] > lengths[1] + 3 * 20
    assert not any("tools" in text or "rejected" in text for text in
                   jobs.forecast(without.id, f"local:{plain}", "lora").warnings)  # fmt: skip
