"""Tiny GGUF files of random models, written with the `gguf` package as llama.cpp's converter writes real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TEXT = (
    "The quick brown fox jumps over the lazy dog. It's 12 o'clock; they've 345 apples, I'll buy them!\n\n"
    "Where is my order 88-1204? We'd like to know: the answer is\t42.  Ça va très bien, naïve café.\n"
)
_CLASSES = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3", "mistral": "Mistral"}


def make_source(architecture: str = "llama", *, tied: bool = True, seed: int = 0, vocabulary: int = 400) -> Any:
    """A random transformers model of two layers in fp32. Sizes suit blocks of 32 weights."""
    import torch
    import transformers

    torch.manual_seed(seed)
    config = getattr(transformers, f"{_CLASSES[architecture]}Config")(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16 if architecture != "qwen3" else 32,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 50_000.0},
        rms_norm_eps=1e-5,
        tie_word_embeddings=tied,
        initializer_range=0.3,  # wide enough that greedy answers differ from prompt to prompt
    )
    model = getattr(transformers, f"{_CLASSES[architecture]}ForCausalLM")(config).eval()
    for name, weight in model.named_parameters():
        if "norm" in name or name.endswith("bias"):
            torch.nn.init.normal_(weight, mean=1.0 if "norm" in name else 0.0, std=0.2)
    return model


def rounded(model: Any) -> Any:
    """The model with weights that bf16 can hold; its buffers stay in fp32."""
    for weight in model.parameters():
        weight.data = weight.data.bfloat16().float()
    return model


def byte_level_vocabulary(size: int = 400) -> tuple[list[str], list[str]]:
    """Tokens and merges of a byte-level BPE trained on two sentences; the special tokens come first."""
    import json

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIALS), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([_TEXT] * 4, trainer)
    found = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(found["vocab"], key=lambda token: found["vocab"][token])
    tokens += [f"[PAD{number}]" for number in range(len(tokens), size)]
    return tokens, [" ".join(pair) for pair in found["merges"]]


def write_gguf(
    path: Path, model: Any, *, kind: str = "F32", change: Callable[[Any], None] | None = None, pre: str = "smollm"
) -> Path:
    """Write a model as a GGUF file.

    Args:
        kind: F32, F16, or a quantization of the weights with two axes.
        change: adds to the file's metadata through the writer, before it is written.
    """
    import gguf

    config, architecture = model.config, model.config.model_type
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny")
    writer.add_license("apache-2.0")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    add_vocabulary(writer, config.vocab_size, pre)
    if change:
        change(writer)
    for name, weight in stored_weights(model).items():
        wide = weight.ndim > 1 and kind not in ("F32",)
        quantization = gguf.GGMLQuantizationType[kind if wide else "F32"]
        writer.add_tensor(name, gguf.quants.quantize(weight, quantization), raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_vocabulary(writer: Any, size: int, pre: str) -> None:
    import gguf

    tokens, merges = byte_level_vocabulary(size)
    control, normal, unused = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL, gguf.TokenType.UNUSED
    kinds = [control if token in SPECIALS else unused if token.startswith("[PAD") else normal for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def stored_weights(model: Any) -> dict[str, Any]:
    """The weights under llama.cpp's names, as numpy arrays; a Llama's queries and keys are stored by pairs."""
    import gguf

    config = model.config
    architecture = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == config.model_type)
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    stored = {}
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = weight.float().numpy()
        if config.model_type == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            halves = values.reshape(heads, 2, values.shape[0] // heads // 2, -1)
            values = halves.swapaxes(1, 2).reshape(values.shape)
        stem, _, suffix = name.rpartition(".")
        stored[f"{names.get_name(stem)}.{suffix}"] = values
    return stored
