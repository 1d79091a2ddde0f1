"""A question on its way to the engine: parsed, rendered and measured outside the engine's thread.

The engine decodes all open answers in one thread, so what a single question costs before its first token must not be
spent there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from core.errors import DataError
from core.messages import Message, Tools
from core.models import refusals
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.chat_template import takes_tools
from core.models.render import render_prompt
from core.models.tool_calls import of_template
from core.models.tool_calls.base import CallSyntax
from worker.inference.schema import SamplingRequest
from worker.inference.served_models import Served, find

_UNREADABLE: Final = frozenset({"nul", "lone_surrogate"})


@dataclass(frozen=True, slots=True)
class Question:
    """A served model and the token ids of what it is asked."""

    served: Served
    ids: list[int]
    calls: CallSyntax | None = None  # how the model writes tool calls, where tools are offered


R = TypeVar("R", bound=SamplingRequest)


def parse(raw: bytes, kind: type[R]) -> R:
    """The request in a body.

    Raises:
        DataError: not strict JSON of one object; names the field with a NUL character or half a character.
        RequestValidationError: a field is wrong.
    """
    from core.data.formats.parsing import strict_json

    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"Byte {error.start + 1:,} of the body is not UTF-8.", "Send JSON in UTF-8.") from error
    try:
        value = strict_json.loads(text)
    except DataError as error:
        if error.code in _UNREADABLE:
            field = next(_unreadable(json.loads(text)), None)
            raise DataError(f"{field}: {error.message}", "Remove it.", code=error.code, field=field) from error
        raise DataError(f"The body is not valid JSON: {error.message}", "Correct it.", code=error.code) from error
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from error


def prepare(model_id: str, messages: Sequence[Message], tools: Tools = (), *, engine: str | None = None) -> Question:
    """The prompt of a conversation for one model.

    Args:
        engine: instead of the one that was chosen for the model.

    Raises:
        NotFound, StorageError: the model cannot be served. DataError: the conversation is too long for it, its
            template refuses it, or takes no tools.
    """
    return prepare_for(find(model_id, engine), messages, tools)


def prepare_for(served: Served, messages: Sequence[Message], tools: Tools = ()) -> Question:
    """The same for a model that was found already: an evaluation has a thousand prompts for it. Raises DataError."""
    assert served.base.path is not None
    assert served.base.dims is not None
    tokenizer = load_tokenizer(served.base.path, served.base.revision)
    limit = served.base.dims.max_position_embeddings
    # What cannot fit is not encoded: a token is at most as long as the longest one.
    characters = sum(len(message.content) for message in messages)
    if characters > limit * _longest_token(served.base.path, served.base.revision):
        raise too_long(f"{characters:,} characters", limit)
    if tools and not takes_tools(tokenizer):
        text = f"The chat template of {served.base.title} does not pass on tools, so the model would never read them."
        raise DataError(text, "Leave out `tools`, or choose another model.", code="tools", field="tools")
    ids = render_prompt(refusals.question(messages, tokenizer, served.on_refusal), tokenizer, tools)
    if len(ids) >= limit:
        raise too_long(f"{len(ids):,} tokens", limit)
    return Question(served, ids, of_template(tokenizer.chat_template) if tools else None)


def prepare_text(model_id: str, prompt: str | Sequence[int], *, engine: str | None = None) -> Question:
    """A prompt that the model continues as it is, without a chat template.

    Args:
        engine: instead of the one that was chosen for the model.

    Raises:
        NotFound, StorageError: the model cannot be served. DataError: the prompt is empty, too long, or has ids that
            are not tokens.
    """
    served = find(model_id, engine)
    assert served.base.path is not None
    assert served.base.dims is not None
    tokenizer = load_tokenizer(served.base.path, served.base.revision)
    limit = served.base.dims.max_position_embeddings
    if isinstance(prompt, str):
        if len(prompt) > limit * _longest_token(served.base.path, served.base.revision):
            raise too_long(f"{len(prompt):,} characters", limit, "prompt")
        ids = list(tokenizer(prompt, add_special_tokens=True)["input_ids"])
    else:
        ids = list(prompt)
        if unknown := [number for number in ids if not 0 <= number < served.base.dims.vocab_size]:
            text = f"{unknown[0]} is not a token of {served.base.title}: it has {served.base.dims.vocab_size:,}."
            raise DataError(text, "Correct the prompt.", code="prompt", field="prompt")
    if not ids:
        raise DataError("The prompt is empty.", "Send at least one token.", code="prompt", field="prompt")
    if len(ids) >= limit:
        raise too_long(f"{len(ids):,} tokens", limit, "prompt")
    return Question(served, ids)


def too_long(size: str, limit: int, field: str = "messages") -> DataError:
    """The error for a conversation or a prompt that does not fit."""
    what = "conversation" if field == "messages" else field
    return DataError(
        f"The {what} has {size}; this model reads at most {limit:,} tokens.",
        "Shorten it.",
        code="context_length_exceeded",
        field=field,
    )


@lru_cache(maxsize=4)
def _longest_token(path: Path, revision: str) -> int:
    """Characters of the longest token of a model, which no text is shorter than in this many tokens."""
    return max(map(len, load_tokenizer(path, revision).tokens()), default=1)


def _unreadable(value: Any, place: str = "body") -> Iterator[str]:
    """The fields that contain a NUL character or half a character, in the order of the body."""
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _has_surrogate(value)):
            yield place
    elif isinstance(value, list | dict):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            name = str(key).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:80]
            path = name if place == "body" else f"{place}.{name}"
            if isinstance(key, str):
                yield from (path for _ in _unreadable(key))
            yield from _unreadable(item, path)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
