"""Exports of a real model against PEFT: 50 tokens under llama.cpp, and the merged safetensors under transformers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.messages import Message
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.render import render_prompt
from tests.support import llama_cpp
from worker.serving.gguf_write import write_adapter, write_model

TOKENS = 50
BASE = os.environ.get("SFT_TEST_BASE", "")  # read here: a test sees no variable of the studio


@pytest.mark.slow
@pytest.mark.skipif(not BASE, reason="SFT_TEST_BASE names no directory of a real base model")
def test_a_real_model_is_the_same_under_llama_cpp(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    from core.models.methods import build
    from worker.training.merge import merge

    base = Path(BASE)
    torch.manual_seed(1)
    tuned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), LoraConfig(**build("lora").peft_arguments())
    )
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.003)
    tuned.save_pretrained(tmp_path / "adapter")
    merging = merge(base, tmp_path / "adapter", tmp_path / "merged", exact=True)
    write_model(base, tmp_path / "base.gguf", "f16", lambda share: None)
    write_adapter(tmp_path / "adapter", base, tmp_path / "adapter.gguf")
    for kind in ("f16", "q8_0"):
        write_model(tmp_path / "merged", tmp_path / f"merged-{kind}.gguf", kind, lambda share: None)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    peft = PeftModel.from_pretrained(plain, tmp_path / "adapter").eval()
    ids = render_prompt((Message("user", "Why is the sky blue?"),), load_tokenizer(base))
    differences, equal, likeliest = {}, {}, llama_cpp.likeliest(peft, ids, TOKENS)
    files = {"adapter": ("base.gguf", 0), "merged f16": ("merged-f16.gguf", None), "q8_0": ("merged-q8_0.gguf", None)}
    for name, (file, number) in files.items():
        adapters = [tmp_path / "adapter.gguf"] if number is not None else []
        with llama_cpp.serving(tmp_path / file, adapters) as client:
            answer, probs = llama_cpp.letters(client, ids, TOKENS, adapter=number)
            greedy = llama_cpp.greedy(client, ids, TOKENS, adapter=number)
        expected = llama_cpp.logprobs(peft, ids, answer)
        differences[name] = max(abs(one - other) for one, other in zip(probs, expected, strict=True))
        equal[name] = sum(one == other for one, other in zip(greedy, likeliest, strict=False))
    print(differences, equal)
    assert differences["adapter"] < 0.1
    assert differences["merged f16"] < 0.03
    assert differences["q8_0"] < 0.6  # the weights alone 0.14; llama.cpp rounds activations to 8 bits too
    assert equal["adapter"] == TOKENS
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32)
    with torch.no_grad():
        logits = [model(torch.tensor([ids])).logits for model in (peft, reloaded)]
    torch.testing.assert_close(logits[1], logits[0], atol=1e-3, rtol=0)
    assert merging.written < 1e-3 < merging.rounded < 0.6  # in the base's bfloat16
