"""A conversation as the starter sees it: token by token, and which of them carry loss. No torch, no model weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.messages import Message
from core.models.base_models.light_tokenizer import LightTokenizer, load_tokenizer
from core.models.base_models.starter import STARTER_RECIPE, recipe_hash, starter_dir, starter_ready
from core.models.render import render
from core.platform import scratch


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text as rendered, and whether it carries loss."""

    text: str
    trained: bool


@dataclass(frozen=True, slots=True)
class TokenView:
    """A rendered conversation. `exact` is False if words are shown instead of tokens, because the starter is not built
    yet."""

    text: str
    tokens: tuple[Token, ...]
    exact: bool

    @property
    def trained(self) -> int:
        """How many tokens carry loss."""
        return sum(token.trained for token in self.tokens)


def view(messages: Sequence[Message]) -> TokenView:
    """Render a conversation with the starter's chat template, as training does, and split it into tokens.

    Raises:
        DataError: the chat template refuses the order of the roles.
    """
    exact = starter_ready()
    tokenizer = load_tokenizer(starter_dir(), recipe_hash()) if exact else _words()
    rendered = render(messages, tokenizer)
    starts = [start for start, _ in tokenizer(rendered.text)["offset_mapping"]]
    pieces = [rendered.text[a:b] for a, b in zip(starts, [*starts[1:], len(rendered.text)], strict=True)]
    if len(pieces) != len(rendered.input_ids):
        # in training, text that spells a special token is split more finely than in one text
        pieces = [f"#{token}" for token in rendered.input_ids]
    tokens = tuple(Token(piece, bool(on)) for piece, on in zip(pieces, rendered.assistant_mask, strict=True))
    return TokenView(rendered.text, tokens, exact)


@lru_cache(maxsize=1)
def _words() -> LightTokenizer:
    """Words instead of tokens until the starter is built: the spans and the mask are correct, the split is coarser."""
    recipe = STARTER_RECIPE["tokenizer"]
    flags = {"special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}
    specials = {special: index for index, special in enumerate(recipe["special_tokens"], 1)}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [{"id": index, "content": special, **flags} for special, index in specials.items()],
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"\s?[^\s]+|\s+"},
            "behavior": "Isolated",
            "invert": False,
        },
        "model": {"type": "WordLevel", "vocab": {"[word]": 0} | specials, "unk_token": "[word]"},
    }
    settings = {"eos_token": recipe["eos_token"], "pad_token": recipe["pad_token"]}
    with scratch.folder() as path:
        (path / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
        (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        (path / "chat_template.jinja").write_text(recipe["chat_template"], encoding="utf-8")
        return LightTokenizer(path)
