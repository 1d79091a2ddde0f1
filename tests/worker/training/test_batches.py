"""Steps: every example once, no padding, and no example sees another, for every model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.messages import Example, Message
from core.models.methods import build
from core.training.forecast.batches import shared_out
from tests.support import tiny
from tests.support.losses import by_example
from worker.training import attention, tuners
from worker.training.batches import Forward, Packer, SeededBatches
from worker.training.data import Tokenized, prepare
from worker.training.model_files import load_model, load_tokenizer


def items_of(base: Path) -> list[Tokenized]:
    """The tiny lesson and one long answer."""
    longest = Example((Message("user", "Say all you know."), Message("assistant", " ".join(a for _, a in tiny.PAIRS))))
    return prepare([longest, *tiny.examples()], load_tokenizer(base), max_seq_length=256).train


def packer(layout: str, items: list[Tokenized], budget: int = 10_000) -> Packer:
    return Packer(layout, budget, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["segments", "rows"])
def test_packed_and_unpacked_examples_have_the_same_loss(tiny_base: Path, layout: str) -> None:
    model, items = load_model(tiny_base).eval(), items_of(tiny_base)
    if layout == "segments":
        assert attention.choose(model) == "segments"
    packed = by_example(model, packer(layout, items), items)
    alone = by_example(load_model(tiny_base).eval(), packer("alone", items), items)
    assert min(alone) > 0
    assert max(abs(one - other) for one, other in zip(alone, packed, strict=True)) < 1e-3


def test_the_loss_and_gradient_of_a_step_do_not_depend_on_its_micro_batches(tiny_base: Path) -> None:
    items = items_of(tiny_base)
    found = []
    for layout, budget in (("segments", 10_000), ("segments", 160), ("rows", 0), ("alone", 0)):
        model = load_model(tiny_base)
        assert attention.choose(model) == "segments"
        step = packer(layout, items, budget).step(items)
        forward = Forward.of(model, trls_chunks=False)
        total = 0.0
        for batch in step.micro_batches:
            loss, _ = forward.loss(model, batch, step.answer_tokens)
            loss.backward()
            total += loss.item()
        assert step.tokens == sum(len(item.input_ids) for item in items)
        found.append((total, model.model.layers[0].self_attn.q_proj.weight.grad))
    for loss, gradient in found[1:]:
        assert abs(loss - found[0][0]) < 1e-4
        assert torch.allclose(gradient, found[0][1], atol=1e-5)


def test_a_row_has_no_padding_and_positions_restart() -> None:
    items = [Tokenized([1, 2, 3], [-100, 2, 3]), Tokenized([4, 5], [4, 5])]
    (batch,) = Packer("segments", 10, 1).micro_batches(items)
    assert batch.inputs["input_ids"].tolist() == [[1, 2, 3, 4, 5]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert batch.labels.tolist() == [[-100, 2, 3, -100, 5]]
    assert batch.places.tolist() == [0, 1, 3]
    assert batch.targets.tolist() == [2, 3, 5]
    assert batch.examples == ((0, 1),)


def test_micro_batches_are_few_and_evenly_filled() -> None:
    lengths = [100, 90, 60, 40, 30, 20]
    parts = shared_out(lengths, 200)
    assert sorted(index for part in parts for index in part) == list(range(6))
    assert [sum(lengths[index] for index in part) for part in parts] == [170, 170]
    assert shared_out(lengths, 1_000) == [[0, 1, 2, 3, 4, 5]]
    assert len(shared_out(lengths, 100)) == 4
    assert shared_out([7], 1) == [[0]]


def test_a_sliding_window_works_inside_a_packed_row() -> None:
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 64}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    model = MistralForCausalLM(MistralConfig(**small, **heads, sliding_window=6, attn_implementation="sdpa")).eval()
    ids = torch.randint(0, 64, (30,)).tolist()
    items = [Tokenized(ids[:20], ids[:20]), Tokenized(ids[20:], ids[20:])]
    alone = by_example(model, Packer("alone", 0, 1), items)
    assert attention.choose(model) == "segments"
    packed = by_example(model, Packer("segments", 100, 1), items)
    assert max(abs(one - other) for one, other in zip(alone, packed, strict=True)) < 1e-3


def test_a_model_that_carries_state_along_a_row_gets_one_example_per_row() -> None:
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(hidden_size=16, state_size=4, num_hidden_layers=1, vocab_size=64))
    assert attention.choose(model) == "alone"


def test_a_4_bit_base_still_learns_after_the_layout_test(tiny_base: Path) -> None:
    """In evaluation mode bitsandbytes may repack weights for a kernel without a backward pass."""
    method = build("qlora", {"rank": 4, "alpha": 8})
    model = tuners.attach(load_model(tiny_base, method.load_arguments()), method)
    assert attention.choose(model) == "segments"
    items = items_of(tiny_base)
    step = packer("segments", items).step(items)
    loss, _ = Forward.of(model, trls_chunks=False).loss(model, step.micro_batches[0], step.answer_tokens)
    loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if "lora_B" in name}
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients.values())


def test_a_method_can_refuse_to_share_rows(tiny_base: Path) -> None:
    assert attention.choose(load_model(tiny_base), packs=False) == "alone"


def test_generation_is_unchanged(tiny_base: Path) -> None:
    tokenizer, model = load_tokenizer(tiny_base), load_model(tiny_base).eval()
    asked = tokenizer(["Who keeps the keys?", "Where?"], return_tensors="pt", padding=True)
    asked.pop("token_type_ids", None)
    before = model.generate(**asked, max_new_tokens=8, do_sample=False)
    assert attention.choose(model) == "segments"
    assert model.generate(**asked, max_new_tokens=8, do_sample=False).tolist() == before.tolist()


def test_choosing_a_layout_does_not_change_random_state_or_mode(tiny_base: Path) -> None:
    model = load_model(tiny_base).train()
    before = torch.get_rng_state()
    attention.choose(model)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training


def test_the_order_depends_only_on_seed_and_epoch() -> None:
    one, same, other = SeededBatches(10, 4, 1), SeededBatches(10, 4, 1), SeededBatches(10, 4, 2)
    assert list(one) == list(one) == list(same) != list(other)
    one.epoch = 1
    assert list(one) != list(same)
    assert sorted(index for batch in one for index in batch) == list(range(10))
    assert [len(batch) for batch in one] == [4, 4, 2]
    assert len(one) == 3
