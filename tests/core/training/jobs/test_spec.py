from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.training.jobs.exact_match import matches
from core.training.jobs.spec import TrainingConfig


def test_every_setting_tells_what_a_person_needs_to_know() -> None:
    for name, spec in TrainingConfig.model_json_schema()["properties"].items():
        for key in ("title", "description", "unit", "usual", "up", "source"):
            assert key in spec, f"{name} has no {key}"


def test_unknown_settings_and_silly_values_are_refused() -> None:
    for values in ({"epochs": 3}, {"num_epochs": 0}, {"learning_rate": "fast"}, {"warmup_ratio": 2}):
        with pytest.raises(ValidationError):
            TrainingConfig(**values)  # type: ignore[arg-type]


def test_exact_is_exact() -> None:
    assert matches(" Yes. \n", "Yes.")
    assert not matches("yes.", "Yes.")
    assert not matches("Yes .", "Yes.")
