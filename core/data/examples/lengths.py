"""How long examples are, estimated in tokens before a base model and its tokenizer are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.data.examples.identity import stored_tools
from core.messages import Example, Message
from core.text import estimated_tokens

MAX_SEQ_LENGTH: Final = 2_048  # tokens of an example that training keeps by default. Source: Unsloth, LLaMA-Factory


def characters_of(messages: Iterable[Message]) -> int:
    """Characters of all contents."""
    return sum(len(message.content) for message in messages)


def tokens_of(example: Example) -> int:
    """Estimated tokens of all contents and of the tools."""
    return estimated_tokens(characters_of(example.messages) + len(stored_tools(example.tools) or ""))
