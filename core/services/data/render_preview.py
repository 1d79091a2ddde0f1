"""Any example as the model will see it: the text, its tokens, and where the loss falls.

`core.models.render` does it, the function that training and chat use; nothing here decides what a token is or what is
learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from core.data.examples.lengths import MAX_SEQ_LENGTH
from core.errors import DataError, NotFound
from core.messages import Message, Tools
from core.models import base_models
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.chat_template import Span, takes_tools
from core.models.render import IGNORED, Rendered, message_spans, render, special_tokens
from core.services.data import datasets


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """A base model whose tokenizer is on this machine. `most_tokens` is the longest text it was made for."""

    id: str
    title: str
    note: str
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that one token stands for, or several where a character needs more than one.

    Attributes:
        text: the characters; "" for a token that stands for none.
        first: number of its first token, from 0.
        ids: the tokens' ids.
        special: the template wrote it as a control token; text that only spells one is ordinary.
        loss: the model learns to write it.
        message: index of the message it belongs to; None where the template wrote it.
        beyond: it lies past the maximum length, so that training never sees it.
    """

    text: str
    first: int
    ids: tuple[int, ...]
    special: bool
    loss: bool
    message: int | None
    beyond: bool


@dataclass(frozen=True, slots=True)
class MessagePart:
    """One message in figures: `tokens` of its text (the assistant's with calls and end of turn), and what carries loss.

    `loss_tokens` counts those within the maximum length; `found` is False where the template wrote the message another
    way, so that its tokens stand among the template's.
    """

    index: int
    role: str
    tokens: int
    loss_tokens: int
    weight: int | None
    calls: tuple[str, ...]
    found: bool


@dataclass(frozen=True, slots=True)
class RenderPreview:
    """An example through a base model's chat template.

    Attributes:
        parts: one per message; with `template_tokens` they add up to `tokens`.
        loss_tokens: tokens within the maximum length that carry loss.
        beyond: tokens past the maximum length.
        answer_lost: with this maximum length not one token with loss is left, so the example teaches nothing.
        tools: names of the example's tools; `tool_tokens` of `template_tokens` are theirs.
        takes_tools: whether the template writes tools; where not, the model never reads them.
    """

    base_id: str
    base_title: str
    text: str
    pieces: tuple[Piece, ...]
    parts: tuple[MessagePart, ...]
    tokens: int
    template_tokens: int
    loss_tokens: int
    max_length: int
    beyond: int
    answer_lost: bool
    tools: tuple[str, ...]
    tool_tokens: int
    takes_tools: bool


def bases() -> list[BaseChoice]:
    """The base models that an example can be shown for, in the catalog's order: those that are downloaded."""
    found = []
    for base in base_models.list_models():
        if base.ready and base.path is not None:
            most = base.dims.max_position_embeddings if base.dims else MAX_SEQ_LENGTH
            note = " · ".join(part for part in (base.family, base.size) if part and part != base.title)
            found.append(BaseChoice(base.id, base.title, note, most))
    return found


def preview(
    version_id: str, position: int, base_id: str, *, max_length: int = MAX_SEQ_LENGTH, completion_only: bool = True
) -> RenderPreview:
    """One example of a version as a base model will see it.

    Args:
        position: of the example in the version, from 0.
        max_length: tokens that training keeps of an example.
        completion_only: loss on what the assistant writes only, as training does by default.

    Raises:
        NotFound: no such version, example or base model. DataError: the base's files are not here, or its chat
            template refuses this conversation.
    """
    page = datasets.examples(version_id, max(position, 0), 1)
    if not page.items:
        raise NotFound(f"Example {position + 1:,} does not exist.", f"The version has {page.total:,} examples.")
    example = page.items[0].example
    return preview_messages(
        example.messages, base_id, max_length=max_length, completion_only=completion_only, tools=example.tools
    )


def preview_messages(
    messages: Sequence[Message],
    base_id: str,
    *,
    max_length: int = MAX_SEQ_LENGTH,
    completion_only: bool = True,
    tools: Tools = (),
) -> RenderPreview:
    """A conversation as a base model will see it; as `preview`, for messages that are not in a version yet."""
    base = base_models.resolve(base_id)
    if not base.ready or base.path is None:
        raise DataError(base.reason or f"{base.title} is not here.", base.command, code="base_model")
    tokenizer = load_tokenizer(base.path, base.revision)
    rendered = render(messages, tokenizer, tools)
    without = render(messages, tokenizer) if tools else rendered
    labels = rendered.labels(completion_only=completion_only)
    owners = _owners(rendered, message_spans(messages, rendered, tokenizer, tools))
    pieces = _pieces(rendered, labels, owners, _special_ids(tokenizer), max_length)
    within = labels[:max_length]
    return RenderPreview(
        base_id=base.id,
        base_title=base.title,
        text=rendered.text,
        pieces=pieces,
        parts=_parts(messages, rendered, labels, owners, max_length),
        tokens=len(rendered.input_ids),
        template_tokens=owners.count(None),
        loss_tokens=sum(label != IGNORED for label in within),
        max_length=max_length,
        beyond=max(0, len(rendered.input_ids) - max_length),
        answer_lost=all(label == IGNORED for label in within),
        tools=tuple(str((tool.get("function") or {}).get("name", "")) for tool in tools),
        tool_tokens=max(0, len(rendered.input_ids) - len(without.input_ids)),
        takes_tools=takes_tools(tokenizer),
    )


@lru_cache(maxsize=4)
def _special_ids(tokenizer: Any) -> frozenset[int]:
    return frozenset(tokenizer.convert_tokens_to_ids(text) for text in special_tokens(tokenizer))


def _owners(rendered: Rendered, spans: Sequence[Span | None]) -> list[int | None]:
    """The message of every token; None for what the template wrote. A token over an edge belongs to the message."""
    owners: list[int | None] = [None] * len(rendered.input_ids)
    places = sorted((span, index) for index, span in enumerate(spans) if span is not None)
    place = 0
    for number, (start, end) in enumerate(rendered.offsets):
        while place < len(places) and places[place][0][1] <= start:
            place += 1
        if place < len(places) and start < places[place][0][1] and end > places[place][0][0]:
            owners[number] = places[place][1]
    return owners


def _pieces(
    rendered: Rendered, labels: Sequence[int], owners: Sequence[int | None], special: frozenset[int], max_length: int
) -> tuple[Piece, ...]:
    """Tokens as stretches of text; those that share a character become one piece."""
    pieces: list[Piece] = []
    shown = 0  # characters that a piece contains already
    for number, (token, (start, end)) in enumerate(zip(rendered.input_ids, rendered.offsets, strict=True)):
        loss, beyond = labels[number] != IGNORED, number >= max_length
        last = pieces[-1] if pieces else None
        if last is not None and end <= shown and last.beyond == beyond and not last.special:
            pieces[-1] = replace(last, ids=(*last.ids, token), loss=last.loss or loss)
            continue
        text = rendered.text[max(start, shown) : end]
        pieces.append(Piece(text, number, (token,), token in special, loss, owners[number], beyond))
        shown = max(shown, end)
    return tuple(pieces)


def _parts(
    messages: Sequence[Message],
    rendered: Rendered,
    labels: Sequence[int],
    owners: Sequence[int | None],
    max_length: int,
) -> tuple[MessagePart, ...]:
    tokens, learned = [0] * len(messages), [0] * len(messages)
    for number, owner in enumerate(owners):
        if owner is not None:
            tokens[owner] += 1
            learned[owner] += number < max_length and labels[number] != IGNORED
    return tuple(
        MessagePart(
            index=index,
            role=message.role,
            tokens=tokens[index],
            loss_tokens=learned[index],
            weight=message.weight,
            calls=tuple(str((call.get("function") or {}).get("name", "")) for call in message.tool_calls),
            found=tokens[index] > 0 or not message.content.strip(),
        )
        for index, message in enumerate(messages)
    )
