"""What the output layer is given while answers are written."""

from __future__ import annotations

from pathlib import Path

import torch

from core.messages import Message
from worker.training.generate import answer
from worker.training.model_files import load_model, load_tokenizer


def test_the_output_layer_gets_contiguous_inputs(tiny_base: Path) -> None:
    """torch copies its weight once per prompt otherwise, in bf16 on a CPU."""
    model = load_model(tiny_base)
    head = model.get_output_embeddings()
    seen: list[torch.Tensor] = []
    head.forward = lambda x: seen.append(x) or torch.nn.functional.linear(x, head.weight)
    questions = [[Message("user", text)] for text in ("One", "Two words and more")]
    answer(model, load_tokenizer(tiny_base), questions, max_new_tokens=3)
    assert seen
    assert all(inputs.is_contiguous() for inputs in seen)
    assert not head._forward_pre_hooks, "only while answers are written"
