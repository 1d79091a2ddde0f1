from __future__ import annotations

import pytest

from core.errors import SettingsError
from core.methods import build
from tests.core.methods.test_contract import Shape


def test_rank_out_of_bounds_names_value_and_setting() -> None:
    with pytest.raises(SettingsError, match="rank = 0"):
        build("lora", {"rank": 0})


def test_trainable_params_follow_rank_and_targets() -> None:
    assert build("lora", {"rank": 4}).trainable_params(Shape()) == 2 * 4 * (128 + 128 + 192)
    assert build("lora", {"rank": 4, "target_modules": "attention"}).trainable_params(Shape()) == 2 * 4 * 256


def test_peft_accepts_the_arguments() -> None:
    from peft import LoraConfig

    for targets in ("all-linear", "attention"):
        LoraConfig(**build("lora", {"target_modules": targets}).peft_arguments())  # type: ignore[arg-type]
