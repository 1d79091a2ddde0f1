from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.models.thinking import matches
from core.training.jobs.spec import AUTO, ResolvedTraining, TrainingConfig


def test_every_setting_is_documented() -> None:
    for name, spec in TrainingConfig.model_json_schema()["properties"].items():
        for key in ("title", "description", "unit", "usual", "up", "source"):
            assert key in spec, f"{name} has no {key}"


def test_unknown_settings_and_invalid_values_are_refused() -> None:
    for values in ({"epochs": 3}, {"num_epochs": 0}, {"learning_rate": "fast"}, {"warmup_ratio": 2}):
        with pytest.raises(ValidationError):
            TrainingConfig(**values)  # type: ignore[arg-type]


def test_a_resolved_run_has_every_setting_and_its_numbers_are_not_auto() -> None:
    assert set(TrainingConfig.model_fields) < set(ResolvedTraining.model_fields)
    automatic = {name for name, field in TrainingConfig.model_fields.items() if field.default == AUTO}
    resolved = ResolvedTraining.model_json_schema()
    for name in automatic - {"gradient_checkpointing", "precision"}:
        assert resolved["properties"][name]["type"] in ("integer", "number")
        assert name in resolved["required"]


def test_a_spec_older_than_a_setting_gets_the_former_behavior() -> None:
    old = ResolvedTraining(
        num_epochs=1,
        per_device_batch_size=2,
        gradient_accumulation_steps=1,
        learning_rate=1e-4,
        max_seq_length=64,
        eval_every_steps=1,
        save_every_steps=1,
        steps_per_epoch=3,
        total_steps=3,
    )
    assert (old.sample_answers, old.keep_best, old.early_stopping_patience, old.over_length) == (
        0,
        False,
        0,
        "truncate",
    )


def test_a_frozen_spec_is_read_even_if_the_bounds_are_tighter_now() -> None:
    numbers = dict.fromkeys(("eval_every_steps", "save_every_steps", "steps_per_epoch", "total_steps"), 1)
    sizes = {"num_epochs": 1, "per_device_batch_size": 1, "gradient_accumulation_steps": 1, "max_seq_length": 8}
    frozen = {"learning_rate": 2.0, "warmup_ratio": 1.0, "lr_scheduler_type": "constant_with_warmup"}
    assert ResolvedTraining(**numbers, **sizes, **frozen).warmup_ratio == 1.0  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        TrainingConfig(warmup_ratio=1.0)


def test_an_exact_match_ignores_only_surrounding_whitespace() -> None:
    assert matches(" Yes. \n", "Yes.")
    assert not matches("yes.", "Yes.")
    assert not matches("Yes .", "Yes.")
