from __future__ import annotations

import pytest

from core.models.base_models.presets import GENERAL, STARTER
from core.models.base_models.records import BaseModelRef, Dims
from core.training.jobs.resolve import YOU, resolve
from core.training.jobs.spec import TrainingConfig


def base(presets: object = GENERAL, *, reads: int = 4096) -> BaseModelRef:
    dims = Dims("LlamaForCausalLM", 1, 8, 16, 1, 1, 1, 8, 10, reads)
    return BaseModelRef("x", "X", "X", "", True, dims=dims, presets=presets)  # type: ignore[arg-type]


def test_every_setting_has_a_number_and_a_source() -> None:
    resolved, sources = resolve(TrainingConfig(), base(), "lora", 500)
    assert set(sources) == set(TrainingConfig.model_fields)
    assert "auto" not in resolved.model_dump().values()
    assert all(sources.values())


def test_general_defaults() -> None:
    resolved, sources = resolve(TrainingConfig(), base(), "lora", 500)
    assert (resolved.num_epochs, resolved.learning_rate, resolved.effective_batch_size) == (3, 2e-4, 8)
    assert (resolved.steps_per_epoch, resolved.total_steps) == (63, 189)
    assert "preset of X" in sources["learning_rate"]
    assert resolve(TrainingConfig(), base(), "full", 500)[0].learning_rate == 2e-5


@pytest.mark.parametrize(("examples", "epochs"), [(999, 3), (1000, 2), (5000, 1)])
def test_epochs_follow_the_size_of_the_data(examples: int, epochs: int) -> None:
    assert resolve(TrainingConfig(), base(), "lora", examples)[0].num_epochs == epochs


def test_the_starter_sees_small_sets_a_hundred_times() -> None:
    resolved, sources = resolve(TrainingConfig(), base(STARTER), "lora", 50)
    assert (resolved.num_epochs, resolved.learning_rate) == (100, 2e-3)
    assert "preset of X" in sources["num_epochs"]
    assert resolve(TrainingConfig(), base(STARTER), "lora", 1_500)[0].num_epochs == 10


def test_what_a_person_chose_wins_and_says_so() -> None:
    config = TrainingConfig(num_epochs=7, per_device_batch_size=4, seed=42)
    resolved, sources = resolve(config, base(), "lora", 100)
    assert (resolved.num_epochs, resolved.per_device_batch_size) == (7, 4)
    assert resolved.gradient_accumulation_steps == 2
    assert sources["num_epochs"] == YOU
    assert sources["seed"] != YOU  # the same as the default


@pytest.mark.parametrize(("longest", "length"), [(None, 2048), (10, 64), (130, 192), (9_000, 2048)])
def test_length_follows_the_longest_example(longest: int | None, length: int) -> None:
    assert resolve(TrainingConfig(), base(), "lora", 100, longest_tokens=longest)[0].max_seq_length == length


def test_length_never_exceeds_what_the_base_reads() -> None:
    assert resolve(TrainingConfig(), base(reads=512), "lora", 100)[0].max_seq_length == 512


def test_a_batch_is_never_larger_than_the_data() -> None:
    resolved, _ = resolve(TrainingConfig(), base(STARTER), "lora", 3)
    assert resolved.effective_batch_size <= 3
    assert resolved.total_steps >= 1
    assert resolved.save_every_steps >= 1
