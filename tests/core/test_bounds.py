"""What a setting accepts, in words instead of pydantic's."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from core import bounds
from core.errors import SettingsError
from core.models.methods import METHODS, build
from core.services.training.jobs.spec_builder import training_config
from core.training.jobs.spec import TrainingConfig


class Odd(BaseModel):
    open_above: Annotated[int, Field(ge=2)] = 2
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    text: Annotated[str, Field(min_length=1)] = "x"
    mode: Literal["one", "two", "three"] = "one"
    own: int = 1

    @field_validator("own")
    @classmethod
    def _own(cls, value: int) -> int:
        if value == 7:
            raise ValueError("Seven has no effect.")
        return value


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("open_above", 1, "must be a whole number of at least 2; got 1"),
        ("share", 1, "must be a number above 0 and below 1; got 1"),
        ("text", "", "must be a text that is not empty; got "),
        ("mode", "four", "must be one, two or three; got four"),
        ("own", 7, "Seven has no effect"),
        ("own", "x", "must be a whole number; got x"),
    ],
)
def test_a_wrong_value_is_answered_by_what_is_accepted(name: str, value: object, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({name: value})
    assert bounds.problem(caught.value, Odd.model_fields) == text


def test_every_setting_of_a_run_says_what_it_accepts() -> None:
    for config in (TrainingConfig, *METHODS):
        for name, field in config.model_fields.items():
            assert bounds.allowed(field), name


def test_services_name_the_setting_its_range_and_the_value() -> None:
    with pytest.raises(SettingsError, match=r"learning_rate must be a number above 0 and at most 0\.1, or auto; got 3"):
        training_config({"learning_rate": 3})
    with pytest.raises(SettingsError, match="rank must be a whole number from 1 to 256; got 0"):
        build("lora", {"rank": 0})
