from __future__ import annotations

import pytest

from core.models.base_models.records import BaseModelRef, Dims
from core.models.methods.presets import Preset
from core.training.jobs.resolve import YOU, resolve
from core.training.jobs.spec import TrainingConfig

TINY = 1_000_000


def base(params: int = 500_000_000, *, reads: int = 4096, presets: dict[str, Preset] | None = None) -> BaseModelRef:
    dims = Dims("LlamaForCausalLM", params, 8, 16, 1, 1, 1, 8, 10, reads)
    return BaseModelRef("x", "X", "X", "", True, dims=dims, presets=presets or {})


def test_every_setting_has_a_number_and_a_source() -> None:
    resolved, sources = resolve(TrainingConfig(), base(), "lora", 500)
    assert set(sources) == set(TrainingConfig.model_fields)
    automatic = [name for name, value in resolved.model_dump().items() if value == "auto"]
    assert automatic == ["precision"]  # the worker settles it on its machine
    assert all(sources.values())


def test_general_defaults() -> None:
    resolved, sources = resolve(TrainingConfig(), base(), "lora", 500)
    assert (resolved.num_epochs, resolved.learning_rate, resolved.effective_batch_size) == (3, 2e-4, 8)
    assert (resolved.steps_per_epoch, resolved.total_steps) == (63, 189)
    assert sources["learning_rate"] == "preset of LoRA"
    assert resolve(TrainingConfig(), base(), "full", 500)[0].learning_rate == 2e-5


@pytest.mark.parametrize(("examples", "epochs"), [(999, 3), (1000, 2), (5000, 1)])
def test_epochs_follow_the_size_of_the_data(examples: int, epochs: int) -> None:
    assert resolve(TrainingConfig(), base(), "lora", examples)[0].num_epochs == epochs


def test_a_preset_of_the_base_model_overrides_the_method_and_is_named() -> None:
    own = {"lora": Preset(method={"rank": 4}, training={"learning_rate": 5e-5, "warmup_ratio": 0.0})}
    resolved, sources = resolve(TrainingConfig(), base(TINY, presets=own), "lora", 50)
    assert (resolved.learning_rate, resolved.warmup_ratio, resolved.num_epochs) == (5e-5, 0.0, 100)
    assert sources["learning_rate"] == sources["warmup_ratio"] == "preset of X"
    assert sources["num_epochs"].startswith("preset of LoRA")
    assert base(TINY, presets=own).preset("lora").method == {"rank": 4}
    assert resolve(TrainingConfig(), base(TINY, presets=own), "full", 50)[0].learning_rate == 1e-3


def test_tiny_models_see_small_sets_a_hundred_times() -> None:
    resolved, sources = resolve(TrainingConfig(), base(TINY), "lora", 50)
    assert (resolved.num_epochs, resolved.learning_rate) == (100, 2e-3)
    assert sources["num_epochs"].startswith("preset of LoRA on models of a few million parameters: 50 examples")
    assert resolve(TrainingConfig(), base(TINY), "lora", 1_500)[0].num_epochs == 10


def test_a_chosen_value_takes_precedence_and_is_reported_as_chosen() -> None:
    config = TrainingConfig(num_epochs=7, per_device_batch_size=4, seed=42)
    resolved, sources = resolve(config, base(), "lora", 100)
    assert (resolved.num_epochs, resolved.per_device_batch_size) == (7, 4)
    assert resolved.gradient_accumulation_steps == 2
    assert sources["num_epochs"] == YOU
    assert sources["seed"] != YOU  # the same as the default


@pytest.mark.parametrize(("longest", "length"), [(None, 2048), (10, 64), (130, 192), (9_000, 2048)])
def test_length_follows_the_longest_example(longest: int | None, length: int) -> None:
    assert resolve(TrainingConfig(), base(), "lora", 100, longest_tokens=longest)[0].max_seq_length == length


def test_the_longest_example_says_who_counted_it() -> None:
    def source(counted_by: str) -> str:
        _, sources = resolve(TrainingConfig(), base(), "lora", 9, longest_tokens=52, counted_by=counted_by)
        return sources["max_seq_length"]

    assert "52 tokens, counted by SmolLM2" in source("SmolLM2")
    assert "at most 52 tokens, estimated" in source("")


def test_length_never_exceeds_the_limit_of_the_base() -> None:
    assert resolve(TrainingConfig(), base(reads=512), "lora", 100)[0].max_seq_length == 512


def test_a_batch_is_never_larger_than_the_data() -> None:
    resolved, _ = resolve(TrainingConfig(), base(TINY), "lora", 3)
    assert resolved.effective_batch_size <= 3
    assert resolved.total_steps >= 1
    assert resolved.save_every_steps >= 1
