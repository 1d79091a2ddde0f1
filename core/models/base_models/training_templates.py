"""Chat templates for training, where a model's own cannot be trained with over several turns.

Some templates write an earlier turn in another way once a later one follows (Qwen3 takes the thinking out of it), or
end every chat in a way of their own (Phi-3), and mark no assistant text either, so that nobody can say which tokens an
answer is. TRL ships, for known families, a variant that marks the answers and writes every turn the same; it is taken
where the model's template is, to the letter, the one that TRL made it for. Training, preview and chat then all use the
variant, and a tuned model is saved with it.
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
    """The training variant of a known family's template; None for a template that TRL does not know."""
    return _variants().get(template.strip())


def is_needed(tokenizer: Any) -> bool:
    """Whether the template, which can be trained with on one answer, cannot on two."""
    return _renders(_TURNS[:2], tokenizer) and not _renders(_TURNS, tokenizer)


def _renders(turns: tuple[Message, ...], tokenizer: Any) -> bool:
    try:
        render(turns, tokenizer)
    except Exception:  # a template is foreign code and may fail in any way; what is wrong with it is said elsewhere
        return False
    return True


@lru_cache(maxsize=1)
def _variants() -> dict[str, str]:
    """Original -> variant, from the installed TRL's files (importing it takes seconds and brings torch)."""
    spec = importlib.util.find_spec("trl")
    found: dict[str, str] = {}
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for variant in sorted((Path(root) / "chat_templates").glob("*_training.jinja")):
            original = variant.with_name(variant.name.replace("_training.jinja", ".jinja"))
            if original.is_file():
                found[original.read_text(encoding="utf-8").strip()] = variant.read_text(encoding="utf-8")
    return found
