"""The starter: a small Llama-style model that the studio builds on this machine, so that every feature can be tried.

This file is the recipe, as data; `worker/training/starter.py` builds the model. Its directory is named by the recipe's
hash, so it is built again only when the recipe changes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from core.settings import Settings, get_settings

MANIFEST_NAME: Final = "manifest.json"

CHAT_TEMPLATE: Final = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "{{- '<|assistant|>' -}}"
    "{%- generation -%}"
    "{{- message['content'] -}}"
    "{%- for call in message.get('tool_calls') or [] -%}{{- '<|call|>' + (call['function'] | tojson) -}}{%- endfor -%}"
    "{{- '<|end|>' -}}"
    "{%- endgeneration -%}"
    "{%- else -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)

STARTER_RECIPE: Final[dict[str, Any]] = {
    "version": 2,  # increase it when the code of the corpus or of the build changes the result
    "seed": 20,
    "model": {  # a LlamaConfig; tied embeddings keep it small
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 1536,
        "max_position_embeddings": 2048,
        "rope_theta": 10_000.0,
        "tie_word_embeddings": True,
    },
    "tokenizer": {
        "kind": "byte-level BPE",
        "pad_token": "<|pad|>",
        "eos_token": "<|end|>",
        "special_tokens": ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|call|>"],
        "chat_template": CHAT_TEMPLATE,
    },
    "corpus": {
        "facts": 96,
        "chats": 9000,
        # of the text that worker/training/starter_corpus.py generates from this; another text means another model
        "sha256": "60a74963b49425e5787f69bc63f247071b2430bba5b482cebe690dfec192cf2e",
    },
    "pretraining": {
        "steps": 720,
        "batch_size": 24,
        "batches_together": 8,  # drawn together and sorted by length, so that there is little padding
        "fact_share": 0.4,  # of each batch; the rest is synthetic chat
        "learning_rate": 2e-3,
        "warmup_steps": 40,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
    },
    "quality": {"pretraining_exact_match": 0.8},  # the build fails below this
}


def recipe_hash(recipe: dict[str, Any] | None = None) -> str:
    """The first 12 hex digits of the recipe's SHA-256, part of the model's directory name."""
    text = json.dumps(STARTER_RECIPE if recipe is None else recipe, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def starter_dir(settings: Settings | None = None) -> Path:
    """The directory of the starter built from this recipe; it may not exist yet."""
    return (settings or get_settings()).data_dir / "models" / f"starter-{recipe_hash()}"


def starter_ready(settings: Settings | None = None) -> bool:
    """True when the starter is complete: its manifest is written last."""
    return (starter_dir(settings) / MANIFEST_NAME).is_file()
