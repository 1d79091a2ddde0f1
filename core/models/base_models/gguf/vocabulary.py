"""What a GGUF file says about its tokenizer: how a text is cut, and which tokens begin, end and pad.

Source of the patterns: llama.cpp, `llama-vocab.cpp`; of the kinds of tokens: the GGUF specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TOKENIZERS: Final[Mapping[str, str]] = {"gpt2": "byte-level BPE", "llama": "SentencePiece BPE"}
UNKNOWN, CONTROL, USER_DEFINED, UNUSED = 2, 3, 4, 5  # kinds of tokens

_WORDS: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class PreTokenizer:
    """How a text is cut before merges apply.

    Args:
        pattern: a regular expression of the pieces; "" for the one of GPT-2.
        digits: each digit is a piece.
        whole_words: a piece that is a token is that token, whatever the merges say.
        nfc: the text is normalized to NFC first.
    """

    pattern: str = ""
    digits: bool = False
    whole_words: bool = False
    nfc: bool = False


_LLAMA3: Final = PreTokenizer(_WORDS % "{1,3}", whole_words=True)
_QWEN: Final = PreTokenizer(_WORDS % "", nfc=True)
PRE_TOKENIZERS: Final[Mapping[str, PreTokenizer]] = {
    "gpt-2": PreTokenizer(),
    "smollm": PreTokenizer(digits=True),
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "llama-bpe": _LLAMA3,
    "qwen2": _QWEN,
    "deepseek-r1-qwen": _QWEN,
}
# What ends a turn in the templates of the known families.
_TURN_ENDS: Final = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endofturn|>", "<|eom_id|>")
_PADS: Final = ("<|endoftext|>", "<pad>", "<|finetune_right_pad_id|>", "<|pad|>", "[PAD]", "<unk>")


@dataclass(frozen=True, slots=True)
class NamedTokens:
    """Ids. `ends` are all the tokens that end an answer, the one of the chat template first."""

    ends: tuple[int, ...]
    pad: int
    begin: int | None = None
    unknown: int | None = None

    @property
    def end(self) -> int:
        return self.ends[0]


def special_tokens(metadata: Mapping[str, Any]) -> NamedTokens:
    """The special tokens of a file. Raises ValueError where no token ends an answer.

    The token that the chat template writes after a turn comes first, because that is what a model is trained to end
    with; a file made from a text model often names another. The padding differs from it where the vocabulary allows
    it: a padding that is the end of an answer hides the end from the loss.
    """
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    kinds: list[int] = metadata["tokenizer.ggml.token_type"]
    control = {token: index for index, token in enumerate(tokens) if kinds[index] in (UNKNOWN, CONTROL, USER_DEFINED)}
    template = str(metadata["tokenizer.chat_template"])
    in_template = [control[token] for token in _TURN_ENDS if token in control and token in template]
    ends = tuple(dict.fromkeys([*in_template, *_named(metadata, "eot", "eos")]))
    if not ends:
        raise ValueError("no token ends an answer")
    usual = [control[token] for token in _PADS if token in control]
    pads = [*_named(metadata, "padding"), *usual, *_named(metadata, "unknown")]
    pad = next((one for one in pads if one != ends[0]), ends[0])
    begin, unknown = (next(iter(_named(metadata, key)), None) for key in ("bos", "unknown"))
    return NamedTokens(ends, pad, begin, unknown)


def _named(metadata: Mapping[str, Any], *keys: str) -> list[int]:
    """The tokens that the file names, of these keys."""
    numbers = (metadata.get(f"tokenizer.ggml.{key}_token_id") for key in keys)
    return [int(number) for number in numbers if number is not None]
