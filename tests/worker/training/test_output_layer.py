"""The loss in chunks of a large vocabulary's logits, beside the plain one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core.models.methods import build
from worker.training import fused, output_layer, tuners
from worker.training.batches import Forward, Packer
from worker.training.data import Tokenized
from worker.training.model_files import load_model

ANSWERS, WIDTH, VOCABULARY = 2 * output_layer.ROWS + 17, 24, 301


def layer(dtype: torch.dtype, *, bias: bool) -> torch.nn.Linear:
    torch.manual_seed(3)
    return torch.nn.Linear(WIDTH, VOCABULARY, bias=bias, dtype=dtype).requires_grad_(False)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("dtype", "exact"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_loss_hits_and_gradient_are_those_of_the_whole_logits(dtype: torch.dtype, exact: float, bias: bool) -> None:
    head = layer(dtype, bias=bias)
    hidden, targets = torch.randn(ANSWERS, WIDTH).to(dtype), torch.randint(VOCABULARY, (ANSWERS,))
    results = []
    for chunked in (False, True):
        inputs = hidden.clone().requires_grad_()
        if chunked:
            loss, hits = output_layer.cross_entropy(inputs, head, targets, 7.0)
        else:
            loss, hits = fused.cross_entropy(head(inputs), targets, 7.0)
        (loss * 3).backward()  # type: ignore[no-untyped-call]
        results.append((loss.detach(), hits, inputs.grad))
    (loss, hits, slopes), (chunk_loss, chunk_hits, chunk_slopes) = results
    assert torch.allclose(chunk_loss, loss, rtol=1e-4)
    assert chunk_hits == hits
    assert slopes is not None
    assert chunk_slopes is not None
    assert torch.allclose(chunk_slopes, slopes, rtol=exact, atol=exact * float(slopes.abs().max()))


def test_without_a_gradient_only_the_loss_is_computed() -> None:
    head, hidden, targets = layer(torch.float32, bias=False), torch.randn(5, WIDTH), torch.arange(5)
    loss, hits = output_layer.cross_entropy(hidden, head, targets)
    assert not loss.requires_grad
    assert torch.allclose(loss, fused.cross_entropy(head(hidden), targets)[0])
    assert int(hits) <= 5


@pytest.fixture
def model(tiny_base: Path) -> Any:
    return tuners.attach(load_model(tiny_base), build("lora"))


def test_a_frozen_output_layer_is_found(model: Any) -> None:
    assert output_layer.find(model) is model.get_base_model().get_output_embeddings()


def test_a_trained_output_layer_is_not(model: Any) -> None:
    model.get_base_model().get_output_embeddings().weight.requires_grad_()
    assert output_layer.find(model) is None


def test_logits_that_are_limited_afterwards_are_not(model: Any) -> None:
    base = model.get_base_model()
    plain = base.forward

    def limited(*args: Any, **kwargs: Any) -> Any:
        out = plain(*args, **kwargs)
        out.logits = torch.tanh(out.logits)
        return out

    base.forward = limited
    assert output_layer.find(model) is None


def test_a_limit_in_the_config_is_believed(model: Any) -> None:
    model.get_base_model().config.final_logit_softcapping = 30.0
    assert output_layer.find(model) is None


def test_the_model_is_as_before(model: Any) -> None:
    head = model.get_base_model().get_output_embeddings()
    ids = torch.tensor([[3, 4, 5]])
    before = model.train()(input_ids=ids).logits
    assert output_layer.find(model) is head
    assert "forward" not in vars(head)
    assert model.training
    assert torch.equal(model(input_ids=ids).logits, before)


def test_the_loss_of_each_token_is_the_plain_one(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_layer, "ROWS", 4)
    head = model.get_base_model().get_output_embeddings()
    item = Tokenized(list(range(3, 20)), [-100, -100, *range(5, 20)])
    (batch,) = Packer("alone", 64, 1).micro_batches([item])
    logits = Forward(keeps=True).logits(model, batch)
    for forward in (Forward(keeps=True), Forward(keeps=True, head=head)):
        with torch.no_grad():
            losses, hits = forward.each(model, batch)
        assert torch.allclose(losses, torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none"))
        assert torch.equal(hits, logits.argmax(-1) == batch.targets)
