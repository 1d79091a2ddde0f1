"""A tiny model with Qwen's chat template that has learned one lesson: to call a tool, and to read what it returns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.messages import Message
from core.models.render import render_prompt
from tests.support.chat_templates import template
from tests.support.random_model import make_model

ASK: Final = "Rain in Ulm?"
TOOLS: Final = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
ARGUMENTS: Final = {"city": "Ulm"}
CALL: Final = f'<tool_call>\n{{"name": "weather", "arguments": {json.dumps(ARGUMENTS)}}}\n</tool_call>'
RESULT: Final = '{"rain": true}'
ANSWER: Final = "Yes, it rains."
STEPS: Final = 300  # more than it needs
SURE: Final = 0.8  # the least share of the right token


def make_calling_model(directory: Path) -> Path:
    """Write a model directory; the lesson is learned in a few seconds."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    make_model(directory)
    (directory / "chat_template.jinja").write_text(template("qwen2_5"), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(directory)
    config = AutoConfig.from_pretrained(directory)
    config.update({"max_position_embeddings": 4096, "initializer_range": 0.05})
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    rows = [_row(messages, answer, tokenizer) for messages, answer in _lesson()]
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model gains nothing by more, and loses much beside other processes
    for _ in range(STEPS):
        outs = [model(input_ids=ids, labels=labels) for ids, labels in rows]
        sum(out.loss for out in outs).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if sure := all(_is_sure(out.logits, labels) for out, (_, labels) in zip(outs, rows, strict=True)):
            break
    torch.set_num_threads(threads)
    assert sure, "the lesson was not learned"
    model.save_pretrained(directory)
    return directory


def _lesson() -> list[tuple[Sequence[Message], str]]:
    call: Mapping[str, Any] = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)},
    }
    asked = Message("user", ASK)
    returned = (Message("assistant", "", tool_calls=(call,)), Message("tool", RESULT, tool_call_id="call_1"))
    return [((asked,), CALL), ((asked, *returned), ANSWER)]


def _row(messages: Sequence[Message], answer: str, tokenizer: Any) -> tuple[Any, Any]:
    """Token ids, and labels on the answer alone."""
    import torch

    prompt = render_prompt(messages, tokenizer, TOOLS)
    said = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return torch.tensor([prompt + said]), torch.tensor([[-100] * len(prompt) + said])


def _is_sure(logits: Any, labels: Any) -> bool:
    """Whether each token of the answer is far ahead of all others."""
    wanted = labels[0, 1:] >= 0
    shares = logits[0, :-1][wanted].softmax(-1).gather(1, labels[0, 1:][wanted].unsqueeze(1))
    return bool(shares.min() > SURE)
