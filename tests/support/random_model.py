"""A language model that learned nothing, made in no time: random weights, byte-level tokens, the starter's template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.models.base_models.starter import CHAT_TEMPLATE, STARTER_RECIPE


def make_model(directory: Path, *, seed: int = 0, reads: int = 512) -> Path:
    """Write a model directory that transformers loads and `core.models.base_models.local_folder.inspect` accepts.

    Args:
        reads: the most tokens of a prompt with its answer; each is a byte.
    """
    import torch
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    specials = STARTER_RECIPE["tokenizer"]["special_tokens"]
    vocabulary = {char: number for number, char in enumerate([*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(specials)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(directory)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=reads,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        initializer_range=0.5,  # wide enough that greedy answers differ from prompt to prompt
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    return directory


def refuse_system(directory: Path) -> Path:
    """Have the model's chat template refuse system messages, as Gemma's does."""
    template = directory / "chat_template.jinja"
    refusal = "{%- if messages[0]['role'] == 'system' -%}{{ raise_exception('System role not supported') }}{% endif %}"
    template.write_text(refusal + template.read_text())
    return directory


def make_adapter(
    model_dir: Path, directory: Path, *, seed: int = 1, method: str = "lora", settings: dict[str, Any] | None = None
) -> Path:
    """Write an adapter for the model with random weights on both sides, so that it changes every answer."""
    import torch
    from transformers import AutoModelForCausalLM

    from core.models.methods import build
    from worker.training import tuners

    torch.manual_seed(seed)
    tuned = tuners.attach(AutoModelForCausalLM.from_pretrained(model_dir), build(method, settings))
    for name, weight in tuners.trainable(tuned).items():
        if "lora_A" not in name:
            torch.nn.init.normal_(weight, std=0.5)
    tuned.save_pretrained(directory)
    return directory
