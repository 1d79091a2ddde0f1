from __future__ import annotations

import pytest

from core.cli.assign import assign
from core.conversion.templates.qa import QaOptions
from core.errors import SettingsError
from core.jobs.spec import TrainingConfig
from core.methods.lora import LoRA


def test_each_name_goes_to_the_config_that_has_it_with_its_type() -> None:
    method, training = assign(["rank=8", "learning_rate=2e-4", "num_epochs=auto", "seed=7"], LoRA, TrainingConfig)
    assert method == {"rank": 8}
    assert training == {"learning_rate": 2e-4, "num_epochs": "auto", "seed": 7}


def test_a_text_may_hold_commas_and_equal_signs() -> None:
    (options,) = assign(["question=What, if x=1, is {{key}}?"], QaOptions)
    assert options == {"question": "What, if x=1, is {{key}}?"}


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match="no setting of that name") as caught:
        assign(["rnk=8"], LoRA, TrainingConfig)
    assert "rank" in caught.value.remedy
    assert "num_epochs" in caught.value.remedy


@pytest.mark.parametrize("pair", ["rank=9999", "rank=many", "num_epochs=0", "completion_only_loss=perhaps"])
def test_a_value_out_of_bounds_is_named(pair: str) -> None:
    with pytest.raises(SettingsError, match=pair):
        assign([pair], LoRA, TrainingConfig)


def test_a_pair_without_equals_is_refused() -> None:
    with pytest.raises(SettingsError, match="there is no '='"):
        assign(["rank"], LoRA)


def test_lists_and_choices_of_numbers_are_typed() -> None:
    from core.methods import get_method

    pairs = ["bits=8", "rslora=true", "target_modules=listed", "module_names=q_proj, up_proj"]
    (values,) = assign(pairs, get_method("qlora"))
    assert values == {
        "bits": 8,
        "rslora": True,
        "target_modules": "listed",
        "module_names": ["q_proj", "up_proj"],
    }
    with pytest.raises(SettingsError, match="bits=5"):
        assign(["bits=5"], get_method("qlora"))
    with pytest.raises(SettingsError, match="no layer is listed"):
        assign(["target_modules=listed", "module_names="], get_method("qlora"))
