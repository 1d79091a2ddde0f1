from __future__ import annotations

import pytest

from core.errors import SettingsError
from core.models.methods import METHODS, build
from tests.core.models.methods.test_contract import Shape

BOTH = pytest.mark.parametrize("method", ["lora", "qlora"])


@BOTH
def test_rank_out_of_bounds_names_value_and_setting(method: str) -> None:
    with pytest.raises(SettingsError, match="rank must be a whole number from 1 to 256; got 0"):
        build(method, {"rank": 0})


@BOTH
def test_trainable_params_follow_rank_targets_and_dora(method: str) -> None:
    def count(**settings: object) -> int:
        return build(method, {"rank": 4, **settings}).trainable_params(Shape())

    assert count() == 2 * 4 * (128 + 128 + 192 + 192)
    assert count(target_modules="attention") == 2 * 4 * 256
    assert count(target_modules="listed", module_names=["up_proj"]) == 2 * 4 * 192
    assert count(dora=True) == count() + 2 * (64 + 64 + 128 + 64)
    assert count(rslora=True) == count()


@BOTH
def test_listed_layers_are_checked_against_the_base(method: str) -> None:
    listed = build(method, {"target_modules": "listed", "module_names": ["q_proj", "c_attn"]})
    with pytest.raises(SettingsError, match="no layer 'c_attn'") as caught:
        listed.check(Shape())
    assert "down_proj, o_proj, q_proj, up_proj" in caught.value.remedy
    with pytest.raises(SettingsError, match="no layer is listed"):
        build(method, {"target_modules": "listed", "module_names": []})


def test_peft_accepts_the_arguments() -> None:
    from peft import LoraConfig

    for targets in ("all-linear", "attention", "listed"):
        config = LoraConfig(**build("lora", {"target_modules": targets, "dora": True}).peft_arguments())  # type: ignore[arg-type]
        assert config.use_dora


def test_qlora_adds_quantization_to_the_settings_of_lora() -> None:
    assert list(METHODS.get("qlora").model_fields)[: len(METHODS.get("lora").model_fields)] == list(
        METHODS.get("lora").model_fields
    )
    four, eight = build("qlora").load_arguments()["quantization"], build("qlora", {"bits": 8}).load_arguments()
    assert four == {"bits": 4, "double_quantization": True, "compute_dtype": "auto"}
    assert eight == {"quantization": {"bits": 8}}


def test_dora_cannot_be_combined_with_eight_bits() -> None:
    with pytest.raises(SettingsError, match="QLoRA: DoRA works on a 4-bit base, not on an 8-bit one"):
        build("qlora", {"bits": 8, "dora": True})


def test_quantized_linear_layers_take_half_a_byte_or_one_per_weight() -> None:
    linear = sum(inputs * outputs for _, inputs, outputs in Shape().linear_shapes())
    rest = 2 * (Shape.params - linear)
    sizes = [build("qlora", {"bits": bits}).base_bytes(Shape(), 2) - rest for bits in (4, 8)]
    assert sizes[0] == pytest.approx(linear * 4.127 / 8)
    assert sizes[1] == linear
    plain = build("qlora", {"double_quantization": False}).base_bytes(Shape(), 2) - rest
    assert plain == pytest.approx(linear * 4.5 / 8)
