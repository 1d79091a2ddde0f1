"""A restored base against a real llama.cpp server on the same GGUF file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.llama_cpp import QUESTIONS, compare, serving
from core.models.base_models.light_tokenizer import LightTokenizer
from tests.support import llama_cpp
from tests.support.tiny_gguf import make_source, rounded, write_gguf
from worker.training.gguf_restore import restore

TEXTS = (
    "Order 88-1204: where is it?  We'd like   to know.",
    "naïve café 日本語 😀\r\n\r\n\ttabs  12345 1 2 ½",
    "<|im_start|>user\nHi<|im_end|>\n  <|im_start|>assistant\n",
    "  leading and trailing  \n\n\n  IT'S they'Ve x='y'; ++i >= 3.14!!  ",
)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3"])
def test_without_quantization_tokens_and_answers_are_the_same(tmp_path: Path, architecture: str) -> None:
    """Weights that bf16 can hold, so nothing is lost on either side."""
    pre = {"llama": "smollm", "qwen2": "qwen2", "qwen3": "gpt-2"}[architecture]
    file = write_gguf(tmp_path / "tiny.gguf", rounded(make_source(architecture)), pre=pre)
    directory = tmp_path / "restored"
    restore(file, directory, lambda percent, text: None)
    tokenizer = LightTokenizer(directory)
    with serving(file) as client:
        assert [tokenizer(text)["input_ids"] for text in TEXTS] == [llama_cpp.tokenized(client, text) for text in TEXTS]
        rows = list(compare(directory, client, QUESTIONS[:4], tokens=24))
    assert [row.question for row in rows if not (row.equal and row.same_tokens)] == []
    assert len({row.answer for row in rows}) > 1  # the model does not say the same to everything


@pytest.mark.slow
@pytest.mark.skipif("SFT_TEST_GGUF" not in os.environ, reason="SFT_TEST_GGUF names no GGUF file of a real model")
def test_a_real_model_answers_alike_up_to_a_close_call(tmp_path: Path) -> None:
    """Where the answers part, the two tokens are nearly as likely: that is quantization, not another model."""
    file = Path(os.environ["SFT_TEST_GGUF"])
    restore(file, tmp_path / "restored", lambda percent, text: None)
    with serving(file) as client:
        rows = list(compare(tmp_path / "restored", client, QUESTIONS))
    assert all(row.same_tokens for row in rows)
    assert [(row.question, row.margin) for row in rows if row.margin is not None and row.margin > 1.0] == []
