"""The tokenizer of a restored model, built from the file's vocabulary, merges and kinds of tokens."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from core.models.base_models.gguf.file import GgufFile
from core.models.base_models.gguf.tokenizer import build
from core.models.base_models.gguf.vocabulary import NamedTokens


def save_tokenizer(file: GgufFile, special: NamedTokens, directory: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and the chat template."""
    tokens = file.tokens()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=build(file, special),
        eos_token=tokens[special.end],
        pad_token=tokens[special.pad],
        bos_token=None if special.begin is None else tokens[special.begin],
        unk_token=None if special.unknown is None else tokens[special.unknown],
        model_max_length=int(file.get("context_length")),
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    fast.chat_template = file.metadata["tokenizer.chat_template"]
    fast.save_pretrained(directory)
