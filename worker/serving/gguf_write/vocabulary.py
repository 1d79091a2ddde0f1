"""A model's tokenizer and chat template as GGUF metadata.

llama.cpp does not read `tokenizer.json`: the file names one of its rules for cutting a text (`tokenizer.ggml.pre`). The
rule is found by trying each on texts that they cut differently, as llama.cpp's own converter does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import gguf
from tokenizers import Tokenizer

from core.errors import SettingsError
from core.models.base_models.gguf.file import GgufFile
from core.models.base_models.gguf.tokenizer import build
from core.models.base_models.gguf.vocabulary import CONTROL, PRE_TOKENIZERS, UNUSED, USER_DEFINED, special_tokens
from core.models.base_models.light_tokenizer import LightTokenizer, load_tokenizer

_NORMAL: Final = 1
_REMEDY: Final = "Use the merged model as safetensors instead."
# Digits, contractions in both cases, spaces, line ends, punctuation beside letters, other scripts, combining accents.
_CHECKED: Final = (
    "4567 12 1234567890 3.14 v2.0\n\n\n \t x  y   z\r\n",
    "I'll we'VE It's they'd don't 'twas  \u2019s",
    "Hello,World! (foo)bar [x]=>{y}; a_b-c/d\\e #1 $5 %%%",
    "naïve café Ça va e\u0301te\u0301 Zürich Straße ÅNGSTRÖM",
    "日本語のテスト 한국어 Привет мир مرحبا हिन्दी ไทย 🚀🙂👩‍💻",
)
_GENERATION: Final = re.compile(r"\{%(-?)\s*(end)?generation\s*(-?)%\}")


def add_vocabulary(writer: gguf.GGUFWriter, directory: Path, rows: int) -> None:
    """Write tokens, merges, special tokens and the chat template.

    Args:
        rows: of the embedding; tokens that only pad it are marked as unused.

    Raises:
        SettingsError: llama.cpp has no rule that cuts texts as this tokenizer does.
    """
    tokenizer = load_tokenizer(directory)
    metadata = metadata_of(directory, rows)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(metadata["tokenizer.ggml.pre"])
    writer.add_token_list(metadata["tokenizer.ggml.tokens"])
    writer.add_token_types(metadata["tokenizer.ggml.token_type"])
    writer.add_token_merges(metadata["tokenizer.ggml.merges"])
    for key in ("bos", "eos", "unknown", "padding", "eot"):
        if (number := metadata.get(f"tokenizer.ggml.{key}_token_id")) is not None:
            writer.add_uint32(f"tokenizer.ggml.{key}_token_id", number)
    writer.add_add_bos_token(False)  # the chat template writes it
    writer.add_chat_template(plain_template(tokenizer.chat_template))


def metadata_of(directory: Path, rows: int) -> dict[str, Any]:
    """The tokenizer's metadata, as `add_vocabulary` writes it."""
    tokenizer = load_tokenizer(directory)
    stored = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
    model = stored["model"]
    byte_level = '"ByteLevel"' in json.dumps(stored.get("pre_tokenizer"))
    if model.get("type") != "BPE" or not byte_level:
        raise SettingsError(
            f"The tokenizer of {directory.name} ({model.get('type', 'unknown')}) has no verified GGUF mapping.", _REMEDY
        )
    by_id = {number: token for token, number in model["vocab"].items()}
    added = {int(entry["id"]): entry for entry in stored.get("added_tokens", [])}
    by_id |= {number: str(entry["content"]) for number, entry in added.items()}
    rows = max(rows, max(by_id) + 1)
    tokens = [by_id.get(number, f"[PAD{number}]") for number in range(rows)]
    kinds = [_kind(number, by_id, added) for number in range(rows)]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    metadata: dict[str, Any] = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": tokenizer.chat_template,
        **_special_ids(tokenizer, directory),
    }
    return metadata | {"tokenizer.ggml.pre": _rule(directory, metadata)}


def _kind(number: int, by_id: dict[int, str], added: dict[int, Any]) -> int:
    if number in added:
        return CONTROL if added[number].get("special") else USER_DEFINED
    return _NORMAL if number in by_id else UNUSED


def _special_ids(tokenizer: LightTokenizer, directory: Path) -> dict[str, int]:
    named = {"bos": "bos_token", "eos": "eos_token", "unknown": "unk_token", "padding": "pad_token"}
    found: dict[str, int] = {}
    for key, name in named.items():
        number = tokenizer.convert_tokens_to_ids(tokenizer.special_tokens_map.get(name, ""))
        if number is not None:
            found[f"tokenizer.ggml.{key}_token_id"] = number
    ends = [number for number in answer_ends(directory) if number != found.get("tokenizer.ggml.eos_token_id")]
    if ends and "tokenizer.ggml.eos_token_id" in found:
        found["tokenizer.ggml.eot_token_id"] = ends[0]
    elif ends:
        found["tokenizer.ggml.eos_token_id"] = ends[0]
    return found


def answer_ends(directory: Path) -> list[int]:
    """The ids that end an answer, as generation_config.json or config.json lists them."""
    for name in ("generation_config.json", "config.json"):
        file = directory / name
        ends = json.loads(file.read_text(encoding="utf-8")).get("eos_token_id") if file.is_file() else None
        if ends is not None:
            return [int(end) for end in (ends if isinstance(ends, list) else [ends])]
    return []


def _rule(directory: Path, metadata: dict[str, Any]) -> str:
    """The name of llama.cpp's rule that cuts every text as this tokenizer does."""
    expected = _cuts(Tokenizer.from_file(str(directory / "tokenizer.json")))
    for name in PRE_TOKENIZERS:
        tried = metadata | {"tokenizer.ggml.pre": name}
        if _cuts(build(GgufFile(directory, tried, ()), special_tokens(tried))) == expected:
            return name
    raise SettingsError(
        f"No rule of llama.cpp that the studio knows cuts texts as the tokenizer of {directory.name} does.", _REMEDY
    )


def _cuts(tokenizer: Tokenizer) -> list[tuple[list[str], list[int]]]:
    """The pieces of each checked text, and its tokens: in a small vocabulary, different cuts make the same tokens."""
    found = []
    for text in _CHECKED:
        normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        pieces = [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal)]
        found.append((pieces, tokenizer.encode(text, add_special_tokens=False).ids))
    return found


def plain_template(template: str) -> str:
    """The chat template without transformers' `generation` marks, which other engines do not know.

    A condition that is always true takes their place, so that the trimmed white space is the same.
    """
    return _GENERATION.sub(lambda mark: f"{{%{mark[1]} {'endif' if mark[2] else 'if true'} {mark[3]}%}}", template)
