"""Chat and sample answers of a model that writes an empty thinking block: the answer alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from core.messages import Message
from core.models.render import render_prompt
from core.models.thinking import matches
from core.serving.targets.base import ChatOptions
from tests.support.answers import pieces_of
from tests.support.random_model import make_model
from worker.inference.decoding import Generation
from worker.inference.prompts import Question
from worker.inference.requests import GenerationRequest
from worker.inference.weights import Loaded
from worker.training.generate import exact_match
from worker.training.model_files import load_model, load_tokenizer

ASK = (Message("user", "Where is it?"),)


def dictate(model: Any, ids: list[int]) -> None:
    """Make the model write these tokens, whatever it is asked."""
    import torch

    written = 0

    def choose(module: Any, args: Any, out: Any) -> Any:
        nonlocal written
        out.logits = torch.full_like(out.logits, -10.0)
        out.logits[..., ids[min(written, len(ids) - 1)]] = 10.0
        written += 1
        return out

    model.register_forward_hook(choose)


def loaded(tmp_path: Path, text: str) -> Loaded:
    directory = make_model(tmp_path / "model")
    model, tokenizer = load_model(directory).eval(), load_tokenizer(directory)
    dictate(model, [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id])
    return Loaded(model, tokenizer)


def test_chat_streams_the_answer_without_the_empty_block(tmp_path: Path) -> None:
    weights = loaded(tmp_path, "<think>\n\n</think>\n\nIt is there.")
    prompt = Question(None, render_prompt(ASK, weights.tokenizer))  # type: ignore[arg-type]  the weights are given
    question = GenerationRequest(prompt, ChatOptions(max_tokens=64), lambda chunk: None, threading.Event())
    answer = Generation(question, weights, None)
    pieces = pieces_of(answer)
    assert "".join(piece.text for piece in pieces) == "It is there."
    assert pieces[0].text == "I"


def test_exact_match_counts_the_answer_alone(tmp_path: Path) -> None:
    weights = loaded(tmp_path, "<think>\n\n</think>\n\nIt is there.")
    result = exact_match(weights.model, weights.tokenizer, [ASK], ["It is there."])
    assert (result.answers, result.share) == (["It is there."], 1.0)
    assert matches("<think>\nA river.\n</think>\n\nIt is there.", "It is there.")
    assert matches("It is there.", "<think>\nA river.\n</think>\n\nIt is there.")
    assert not matches("<think>\nIt is there.", "It is there.")
