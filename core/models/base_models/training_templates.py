"""Chat templates for training, for models whose own template does not work with several turns.

Some templates render an earlier turn differently once a later one follows (Qwen3 removes its thinking), or add a
special ending to every chat (Phi-3), and do not mark the assistant's text, so it is unknown which tokens belong to an
answer.
For known families TRL ships a variant that marks the answers and renders every turn the same way. It is used where the
model's template is identical to the one that TRL made it for. Training, preview and chat then all use the variant, and
a tuned model is saved with it.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.messages import Message
from core.models.render import render

_TURNS = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"), Message("assistant", "d"))


def variant_of(template: str) -> str | None:
    """The training variant of a known family's template; None for a template without one in TRL."""
    return _variants().get(template.strip())


def is_needed(tokenizer: Any) -> bool:
    """Whether the template works for training with one answer, but not with two."""
    return _renders(_TURNS[:2], tokenizer) and not _renders(_TURNS, tokenizer)


def _renders(turns: tuple[Message, ...], tokenizer: Any) -> bool:
    try:
        render(turns, tokenizer)
    except Exception:  # a template is third-party code and may fail in any way; the reason is reported elsewhere
        return False
    return True


@lru_cache(maxsize=1)
def _variants() -> dict[str, str]:
    """Original -> variant, from the installed TRL's files (importing it takes seconds and imports torch)."""
    spec = importlib.util.find_spec("trl")
    variants: dict[str, str] = {}
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for variant in sorted((Path(root) / "chat_templates").glob("*_training.jinja")):
            original = variant.with_name(variant.name.replace("_training.jinja", ".jinja"))
            if original.is_file():
                variants[original.read_text(encoding="utf-8").strip()] = variant.read_text(encoding="utf-8")
    return variants
