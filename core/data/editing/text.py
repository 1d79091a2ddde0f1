"""Operations on what the messages say: redact, repair damaged encodings, escape special tokens."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field, field_validator

from core.data.editing.base import OPERATIONS, Operation, OperationSource, Positions, ResultExample, each
from core.data.examples import sensitive
from core.data.examples.characters import SPECIAL_TOKENS
from core.messages import Example, Message
from core.text import plural


def rewrite(example: Example, change: Callable[[str], str]) -> Example:
    """The example with every text changed: contents, also of a rejected answer, the texts inside the arguments of tool
    calls, and the descriptions of tools."""
    messages = tuple(_message(message, change) for message in example.messages)
    rejected = tuple(_message(message, change) for message in example.rejected)
    tools = tuple(_described(tool, change) for tool in example.tools)
    changed = replace(example, messages=messages, rejected=rejected, tools=tools)
    return example if changed == example else changed


def _message(message: Message, change: Callable[[str], str]) -> Message:
    content = change(message.content) if message.content else message.content
    calls = tuple(_call(call, change) for call in message.tool_calls)
    return replace(message, content=content, tool_calls=calls)


def _call(call: Mapping[str, Any], change: Callable[[str], str]) -> Mapping[str, Any]:
    """The call with its arguments changed text by text, so that they stay valid JSON."""
    function = call.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return call
    try:
        before = json.loads(function["arguments"])
    except (ValueError, RecursionError):
        return call
    after = _texts(before, change)
    if after == before:
        return call
    return {**call, "function": {**function, "arguments": json.dumps(after, ensure_ascii=False)}}


def _described(value: Any, change: Callable[[str], str]) -> Any:
    """A tool with its descriptions changed; names and types are what calls refer to."""
    if isinstance(value, list):
        return [_described(item, change) for item in value]
    if isinstance(value, Mapping):
        return {
            key: change(item) if key == "description" and isinstance(item, str) else _described(item, change)
            for key, item in value.items()
        }
    return value


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_texts(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _texts(item, change) for key, item in value.items()}
    return value


class _TextOperation(Operation):
    """What the three have in common: the examples they change (None: all), and a function over texts."""

    positions: Positions | None = Field(default=None, title="Examples", description="Positions from 0; none means all.")

    def apply(self, rows: OperationSource) -> Iterator[ResultExample]:
        change = self.change()
        return each(rows, self.positions, lambda entry: rewrite(entry.example, change))

    @abstractmethod
    def change(self) -> Callable[[str], str]:
        """The function that changes one text."""

    def _where(self) -> str:
        return "all examples" if self.positions is None else plural(len(self.positions), "example")


@OPERATIONS.add
class Redact(_TextOperation):
    """Replace personal data and secrets by placeholders."""

    id: ClassVar[str] = "redact"
    title: ClassVar[str] = "Redact personal data and secrets"
    lead: ClassVar[str] = (
        "Each match is replaced by a placeholder such as [EMAIL]. A model cannot repeat what it never read."
    )
    icon: ClassVar[str] = "visibility_off"
    kinds: tuple[str, ...] | None = Field(
        default=None, title="Kinds", description="What to redact. Leave empty to redact everything.",
        json_schema_extra={
            "labels": {kind.id: kind.title for kind in sensitive.SENSITIVE_KINDS.values()},
            "options": list(sensitive.SENSITIVE_KINDS), "placeholder": "All kinds",
        },
    )  # fmt: skip

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if unknown := sorted(set(kinds or ()) - sensitive.SENSITIVE_KINDS.keys()):
            raise ValueError(f"unknown kind {unknown[0]!r}")
        return kinds or None

    def change(self) -> Callable[[str], str]:
        return lambda text: sensitive.redact(text, self.kinds)[0]

    def describe(self) -> str:
        return f"Redacted {_names_of_kinds(self.kinds)} in {self._where()}."


def _names_of_kinds(kinds: tuple[str, ...] | None) -> str:
    """`secrets`, `personal data`, both, or the titles of the kinds."""
    if kinds is None:
        return "personal data and secrets"
    for secret, words in ((True, "secrets"), (False, "personal data")):
        if set(kinds) == {kind.id for kind in sensitive.SENSITIVE_KINDS.values() if kind.secret == secret}:
            return words
    return ", ".join(kind.title for kind in sensitive.SENSITIVE_KINDS.values() if kind.id in kinds)


@OPERATIONS.add
class RepairText(_TextOperation):
    """Repair text that was read in the wrong encoding, such as “Ã©” for “é”."""

    id: ClassVar[str] = "repair_text"
    title: ClassVar[str] = "Repair damaged text"
    lead: ClassVar[str] = (
        "Text that was read in the wrong encoding, such as “cafÃ©”, becomes “café” again. Nothing else changes."
    )
    icon: ClassVar[str] = "healing"

    def change(self) -> Callable[[str], str]:
        import ftfy

        return ftfy.fix_encoding

    def describe(self) -> str:
        return f"Repaired damaged encodings in {self._where()}."


# The character after which a space makes a special token plain text: `<|im_end|>` -> `< |im_end|>`.
_OPENING = re.compile(r"[<\[]")


@OPERATIONS.add
class EscapeSpecialTokens(_TextOperation):
    """Put a space into special tokens of chat templates, so that they are plain text to every tokenizer."""

    id: ClassVar[str] = "neutralise_special_tokens"
    title: ClassVar[str] = "Escape special tokens"
    lead: ClassVar[str] = (
        "Adds a space to texts such as <|im_end|>, so that tokenizers treat them as plain text, not as commands."
    )
    icon: ClassVar[str] = "code_off"

    def change(self) -> Callable[[str], str]:
        return escape_special_tokens

    def describe(self) -> str:
        return f"Escaped the special tokens in {self._where()}, so that they are plain text."


def escape_special_tokens(text: str) -> str:
    """The text with a space after the opening bracket of every special token, until none is left."""
    while (after := SPECIAL_TOKENS.sub(lambda found: _OPENING.sub(r"\g<0> ", found[0], count=1), text)) != text:
        text = after
    return text
