"""Fused LoRA layers have the values and gradients of PEFT's; layers that do more are not replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core.models.methods import build
from worker.training import fused, tuners
from worker.training.model_files import load_model


def adapted(base: Path, kind: str = "lora", dtype: torch.dtype = torch.float32, **settings: Any) -> Any:
    method = build(kind, settings)
    model = tuners.attach(load_model(base, method.load_arguments(), dtype=dtype), method)
    torch.manual_seed(3)
    for weight in tuners.trainable(model).values():
        torch.nn.init.normal_(weight, std=0.1)
    return model.train()


def gradients(model: Any, ids: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    model.zero_grad()
    out = model(input_ids=ids, labels=ids)
    out.loss.backward()
    return out.logits.detach(), {name: weight.grad.clone() for name, weight in tuners.trainable(model).items()}


@pytest.mark.parametrize("settings", [{}, {"rslora": True, "alpha": 3}, {"target_modules": "attention"}], ids=str)
def test_values_and_gradients_match_peft(tiny_base: Path, settings: dict[str, Any]) -> None:
    model = adapted(tiny_base, **settings)
    ids = torch.randint(model.config.vocab_size, (2, 30))
    logits, expected = gradients(model, ids)
    with fused.adapters(model) as changed:
        assert changed == len(expected) // 2
        found, learned = gradients(model, ids)
        with model.disable_adapter():  # decided at each call
            base = model(input_ids=ids).logits
    torch.testing.assert_close(found, logits, rtol=1e-5, atol=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(learned[name], gradient, rtol=1e-4, atol=1e-6)
    assert all("forward" not in vars(module) for module in model.modules())
    with model.disable_adapter():
        assert torch.equal(base, model(input_ids=ids).logits)


@pytest.mark.parametrize("settings", [{"dropout": 0.1}, {"dora": True}], ids=str)
def test_layers_with_dropout_or_dora_are_not_replaced(tiny_base: Path, settings: dict[str, Any]) -> None:
    with fused.adapters(adapted(tiny_base, **settings)) as changed:
        assert changed == 0


def test_layers_with_a_trained_base_are_not_replaced(tiny_base: Path) -> None:
    model = adapted(tiny_base)
    with fused.adapters(model) as changed:
        assert changed
        model.requires_grad_(True)
        ids = torch.randint(model.config.vocab_size, (1, 10))
        model(input_ids=ids, labels=ids).loss.backward()
    layer = model.base_model.model.model.layers[0].mlp.down_proj
    assert layer.base_layer.weight.grad is not None


def test_layers_beside_a_base_in_4_bits_match_peft(tiny_base: Path) -> None:
    model = adapted(tiny_base, "qlora", rank=4, alpha=8)
    ids = torch.randint(model.config.vocab_size, (2, 30))
    logits, expected = gradients(model, ids)
    with fused.adapters(model) as changed:
        assert changed == len(expected) // 2
        found, learned = gradients(model, ids)
    torch.testing.assert_close(found, logits, rtol=1e-5, atol=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(learned[name], gradient, rtol=1e-4, atol=1e-6)


def test_beside_a_base_in_4_bits_inputs_are_stored_once_and_in_their_own_precision(tiny_base: Path) -> None:
    """PEFT stores a copy in fp32 for each adapted layer."""
    model = adapted(tiny_base, "qlora", torch.bfloat16, rank=4)
    ids = torch.randint(model.config.vocab_size, (1, 40))

    def stored() -> int:
        sizes: dict[int, int] = {}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            sizes[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            model.get_base_model().model(input_ids=ids)
        return sum(sizes.values())

    plain = stored()
    with fused.adapters(model):
        assert stored() < 0.75 * plain


def test_a_bias_and_an_input_without_gradient() -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 5, 6), torch.randn(7, 6), torch.randn(7)
    a, b = torch.randn(3, 6, requires_grad=True), torch.randn(7, 3, requires_grad=True)
    out = fused.low_rank(x, fused.Plain(weight, bias), a, b, 0.5)
    expected = torch.nn.functional.linear(x, weight, bias) + x @ a.t() @ b.t() * 0.5
    torch.testing.assert_close(out, expected)
    found = torch.autograd.grad(out.cos().sum(), (a, b))
    torch.testing.assert_close(found, torch.autograd.grad(expected.cos().sum(), (a, b)))
