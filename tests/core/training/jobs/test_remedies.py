"""What would help after a failure, as data."""

from __future__ import annotations

import pytest

from core.models.methods import METHODS, build
from core.training.jobs import remedies
from tests.support import tiny


def test_memory_names_batch_length_and_size_with_both_values() -> None:
    found = remedies.for_memory(tiny.training(), build("lora", {"rank": 8}), 56)
    assert [(change.setting, change.now, change.suggested) for change in found if not change.accompanies] == [
        ("per_device_batch_size", 4, 2),
        ("max_seq_length", 128, 64),
        ("rank", 8, 4),
    ]
    text = remedies.as_text(found)
    assert "set the batch size to 2 (now 4) and gradient accumulation to 2 (now 1); set the maximum" in text


def test_a_smaller_batch_keeps_the_step_size_and_half_the_rank_keeps_the_scale() -> None:
    numbers = tiny.training(per_device_batch_size=6, gradient_accumulation_steps=2)
    choices = remedies.as_choices(remedies.for_memory(numbers, build("lora", {"rank": 8, "alpha": 16}), 56))
    assert choices["training"] == {
        "per_device_batch_size": 3, "gradient_accumulation_steps": 4, "max_seq_length": 64,
    }  # fmt: skip
    assert choices["method_config"] == {"rank": 4, "alpha": 8}


def test_a_batch_larger_than_the_dataset_becomes_smaller_than_the_dataset() -> None:
    numbers = tiny.training(per_device_batch_size=64)
    choices = remedies.as_choices(remedies.for_memory(numbers, build("lora"), 26))
    assert choices["training"]["per_device_batch_size"] == 13
    assert choices["training"]["gradient_accumulation_steps"] == 2  # still all of them to a step
    assert "per_device_batch_size" not in remedies.as_choices(remedies.for_memory(numbers, build("lora"), 1)).get(
        "training", {}
    )


def test_lora_is_suggested_for_full_fine_tuning() -> None:
    numbers = tiny.training(per_device_batch_size=1, max_seq_length=64)
    (change,) = remedies.for_memory(numbers, build("full"), 56)
    assert remedies.as_choices((change,)) == {"method": "lora"}
    assert remedies.as_text((change,)) == "choose LoRA instead of Full Fine-Tuning"


def test_gradient_checkpointing_is_suggested_if_it_is_off() -> None:
    numbers = tiny.training(gradient_checkpointing="off")
    assert (
        remedies.as_choices(remedies.for_memory(numbers, build("lora"), 56))["training"]["gradient_checkpointing"]
        == "on"
    )
    prefix = remedies.as_choices(remedies.for_memory(numbers, build("prefix_tuning"), 56))  # which cannot
    assert "gradient_checkpointing" not in prefix["training"]


def test_a_run_that_diverged_gets_a_tenth_of_its_learning_rate() -> None:
    found = remedies.remedies("diverged", tiny.training(learning_rate=3e-4), build("lora"), 56)
    assert remedies.as_choices(found) == {"training": {"learning_rate": 3e-5}}
    assert remedies.as_text(found) == "set the learning rate to 3e-05 (now 0.0003)"


def test_no_setting_helps_against_a_kill() -> None:
    assert remedies.remedies("killed", tiny.training(), build("lora"), 56) == ()


@pytest.mark.parametrize("method", METHODS.ids())
@pytest.mark.parametrize("cause", remedies.REMEDIES)
def test_every_suggestion_for_every_method_is_a_valid_setting(cause: str, method: str) -> None:
    plain = build(method)
    choices = remedies.as_choices(remedies.remedies(cause, tiny.training(), plain, 56))
    built = build(choices.get("method", method), plain.model_dump() | choices.get("method_config", {})
                  if "method" not in choices else {})  # fmt: skip
    assert built
    assert remedies.TrainingConfig(**choices.get("training", {}))


def test_at_most_the_three_most_helpful_changes_are_named() -> None:
    numbers = tiny.training(gradient_checkpointing="off")
    found = remedies.for_memory(numbers, build("lora", {"rank": 8}), 5_000)
    named = [change.setting for change in found if not change.accompanies]
    assert named == ["gradient_checkpointing", "per_device_batch_size", "max_seq_length"]


def test_accumulation_at_its_bound_is_not_a_change() -> None:
    numbers = tiny.training(per_device_batch_size=256, gradient_accumulation_steps=remedies.MOST_ACCUMULATION)
    changes = remedies.for_memory(numbers, build("lora"), 5_000)
    assert all(change.now != change.suggested for change in changes)
    assert remedies.as_choices(changes)["training"]["per_device_batch_size"] == 128
