from __future__ import annotations

import pytest

from core.cli._support.settings import assign, pairs
from core.data.conversion.templates.qa import QaOptions
from core.errors import SettingsError
from core.models.methods.lora import LoRA
from core.models.methods.qlora import QLoRA
from core.training.jobs.spec import TrainingConfig


def test_each_name_goes_to_the_config_that_has_it_with_its_type() -> None:
    method, training = assign(["rank=8", "learning_rate=2e-4", "num_epochs=auto", "seed=7"], LoRA, TrainingConfig)
    assert method == {"rank": 8}
    assert training == {"learning_rate": 2e-4, "num_epochs": "auto", "seed": 7}


def test_a_text_may_hold_commas_and_equal_signs() -> None:
    (options,) = assign(["question=What, if x=1, is {{key}}?"], QaOptions)
    assert options == {"question": "What, if x=1, is {{key}}?"}


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match="unknown setting") as caught:
        assign(["rnk=8"], LoRA, TrainingConfig)
    assert "rank" in caught.value.remedy
    assert "num_epochs" in caught.value.remedy


@pytest.mark.parametrize("pair", ["rank=9999", "rank=many", "num_epochs=0", "completion_only_loss=perhaps"])
def test_a_value_out_of_bounds_is_named(pair: str) -> None:
    with pytest.raises(SettingsError, match=pair):
        assign([pair], LoRA, TrainingConfig)


def test_a_pair_without_equals_is_refused() -> None:
    with pytest.raises(SettingsError, match="the '=' is missing"):
        assign(["rank"], LoRA)


def test_lists_and_choices_of_numbers_are_typed() -> None:
    from core.models.methods import METHODS

    pairs = ["bits=8", "rslora=true", "target_modules=listed", "module_names=q_proj, up_proj"]
    (values,) = assign(pairs, METHODS.get("qlora"))
    assert values == {
        "bits": 8,
        "rslora": True,
        "target_modules": "listed",
        "module_names": ["q_proj", "up_proj"],
    }
    with pytest.raises(SettingsError, match="bits=5"):
        assign(["bits=5"], METHODS.get("qlora"))
    with pytest.raises(SettingsError, match="no layer is listed"):
        assign(["target_modules=listed", "module_names="], METHODS.get("qlora"))


def test_a_list_has_its_parts_between_commas_or_grows() -> None:
    for texts in (["module_names=q_proj, v_proj"], ["module_names=q_proj", "module_names=v_proj"]):
        (method,) = assign(["target_modules=listed", *texts], LoRA)
        assert list(method["module_names"]) == ["q_proj", "v_proj"]


def test_a_line_of_text_keeps_its_commas() -> None:
    (training,) = assign(["sample_prompts=What, really?", "sample_prompts=And then?"], TrainingConfig)
    assert training == {"sample_prompts": ["What, really?", "And then?"]}


def test_a_setting_without_effect_is_refused() -> None:
    with pytest.raises(SettingsError, match="has no effect: it applies only if target_modules is listed") as caught:
        assign(["module_names=q_proj"], LoRA)
    assert "target_modules" in caught.value.remedy
    with pytest.raises(SettingsError, match="early_stopping_patience is 1 to 100"):
        assign(["early_stopping_min_improvement=0.1"], TrainingConfig)


def test_conflicting_settings_have_a_plain_message() -> None:
    with pytest.raises(SettingsError, match="DoRA works on a 4-bit base") as caught:
        assign(["dora=true", "bits=8"], QLoRA)
    assert "Value error" not in caught.value.message


def test_settings_go_into_texts_and_back() -> None:
    method = {"target_modules": "listed", "module_names": ["q_proj", "v_proj"], "rank": 8}
    training = {"sample_prompts": ["What, really?", "And?"], "num_epochs": 3, "keep_best": True}
    assert assign(pairs(method | training, LoRA, TrainingConfig), LoRA, TrainingConfig) == [method, training]
    assert pairs({"module_names": ("q_proj",)}, LoRA) == []  # not read while all layers are trained
