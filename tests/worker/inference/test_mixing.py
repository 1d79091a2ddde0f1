"""LoRA adapters side by side: each row gets what PEFT computes for its adapter alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch  # noqa: TID253  logits are compared here
from peft import LoraConfig, get_peft_model  # noqa: TID253  adapters that no method of ours makes

from tests.support.random_model import make_model
from worker.inference.weights import Adapters
from worker.training import tuners
from worker.training.model_files import load_model

IDS = torch.tensor([[5, 17, 40], [9, 3, 41], [8, 8, 12], [5, 17, 40]])
SHAPES: dict[str, dict[str, Any]] = {
    "narrow": {"r": 2, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]},
    "wide": {"r": 8, "target_modules": "all-linear", "use_rslora": True},
    "uneven": {"r": 4, "target_modules": ["q_proj", "down_proj"], "rank_pattern": {"down_proj": 6}},
}
ALONE: dict[str, dict[str, Any]] = {
    "dora": {"r": 2, "target_modules": ["q_proj"], "use_dora": True},
    "with bias": {"r": 2, "target_modules": ["q_proj"], "lora_bias": True},
    "with a layer": {"r": 2, "target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "embeddings": {"r": 2, "target_modules": ["embed_tokens"]},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def adapters(base: Path, tmp_path: Path) -> Adapters:
    found = Adapters(load_model(base).eval())
    for seed, (name, shape) in enumerate((SHAPES | ALONE).items()):
        torch.manual_seed(seed)
        tuned = get_peft_model(load_model(base), LoraConfig(task_type="CAUSAL_LM", **shape))
        for weight in tuners.trainable(tuned).values():
            torch.nn.init.normal_(weight, std=0.3)
        tuned.save_pretrained(tmp_path / name)
        found.load(name, tmp_path / name)
    return found


@torch.inference_mode()
def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    return model(input_ids=ids).logits[:, -1]  # type: ignore[no-any-return]


def test_ranks_layers_and_scalings_may_differ(adapters: Adapters) -> None:
    for rows in (["wide", "narrow", None, "uneven"], ["narrow"] * 4, [None, None, "wide", "narrow"], ["uneven", None]):
        ids = IDS[: len(rows)]
        together = logits(adapters.together(rows), ids)
        for place, name in enumerate(rows):
            expected = logits(adapters.use(name), ids[place : place + 1])
            assert torch.allclose(together[place], expected[0], atol=1e-4), (rows, name)
    base = logits(adapters.use(None), IDS[:1])
    assert not torch.allclose(base, logits(adapters.use("narrow"), IDS[:1]), atol=1e-2)


def test_the_base_stays_as_it_was(adapters: Adapters) -> None:
    before = logits(adapters.use(None), IDS)
    logits(adapters.together(["wide", "narrow", "uneven", None]), IDS)
    assert torch.equal(logits(adapters.use(None), IDS), before)


def test_what_does_more_than_products_is_a_batch_of_its_own(adapters: Adapters) -> None:
    assert {name for name in (*SHAPES, *ALONE) if adapters.group(name) == ""} == set(SHAPES)


def test_an_adapter_that_left_is_not_kept(adapters: Adapters) -> None:
    adapters.together(["narrow", "wide"])
    adapters.drop_oldest()  # narrow
    again = logits(adapters.together(["wide", None]), IDS[:2])
    assert torch.allclose(again[0], logits(adapters.use("wide"), IDS[:1])[0], atol=1e-4)
    with pytest.raises(KeyError):
        adapters.together(["narrow"])
