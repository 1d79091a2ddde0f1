"""Chat templates of real model families: those that TRL ships, and one in the manner of Mistral's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

FOLDER: Final = Path(importlib.util.find_spec("trl").submodule_search_locations[0]) / "chat_templates"  # type: ignore[union-attr]
EVERY: Final = sorted(file.stem for file in FOLDER.glob("*.jinja"))

_MISTRAL = (
    "{{ bos_token }}{% set system = messages[0]['content'] + '\n\n' if messages[0]['role'] == 'system' else '' %}"
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + (system if loop.index0 < 2 else '') + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
# families that take system text -> the token that ends a turn
ENDS: Final = {
    "gemma3": "<end_of_turn>",
    "llama3": "<|eot_id|>",
    "mistral": "</s>",
    "qwen2_5": "<|im_end|>",
    "qwen3_instruct_2507_training": "<|im_end|>",
}


def template(family: str) -> str:
    """The template of a family."""
    return _MISTRAL if family == "mistral" else (FOLDER / f"{family}.jinja").read_text(encoding="utf-8")
