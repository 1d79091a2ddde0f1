"""The first batch of a run as text: what the model read and what it learned to write, token by token."""

from __future__ import annotations

from typing import Any, Final

from core.models.render import IGNORED
from worker.training.batches import MicroBatch, Step

MOST_TOKENS: Final = 2_000  # more are counted, but not returned as text


def shown(step: Step, tokenizer: Any) -> dict[str, Any]:
    """The first micro-batch of a step as plain data.

    Returns:
        `examples`, `tokens`, `learnt` and `micro_batches` of the entire step; `rows`, each a list of examples, each a
        list of [text, learned (0 or 1), position of its first token, number of tokens]: several tokens are one piece
        if a character needs more than one. `left_out` counts the tokens that are not returned as text.
    """
    first = step.micro_batches[0]
    rows = _rows(first, tokenizer)
    written = sum(piece[3] for row in rows for example in row for piece in example)
    return {
        "examples": sum(len(row) for batch in step.micro_batches for row in batch.examples),
        "tokens": step.tokens,
        "learnt": step.answer_tokens,
        "micro_batches": len(step.micro_batches),
        "rows": rows,
        "left_out": first.tokens - written,
    }


def _rows(batch: MicroBatch, tokenizer: Any) -> list[list[list[list[Any]]]]:
    left = MOST_TOKENS
    rows = []
    for number, members in enumerate(batch.examples):
        ids = batch.inputs["input_ids"][number].tolist()
        labels = batch.labels[number].tolist()
        positions = batch.inputs["position_ids"][number].tolist()
        starts = [place for place, position in enumerate(positions) if position == 0][: len(members)]
        ends = [*starts[1:], len(ids)]
        examples = []
        for start, end in zip(starts, ends, strict=True):
            end = min(end, start + left)
            if end > start:
                examples.append(_pieces(ids[start:end], labels[start:end], tokenizer))
                left -= end - start
        if examples:
            rows.append(examples)
    return rows


def _pieces(ids: list[int], labels: list[int], tokenizer: Any) -> list[list[Any]]:
    """Pieces of text; a token that ends inside a character is joined with the next ones."""
    pieces: list[list[Any]] = []
    start = 0
    for place in range(len(ids)):
        text = tokenizer.decode(ids[start : place + 1], clean_up_tokenization_spaces=False)
        if text.endswith("\ufffd") and place - start < 3 and place + 1 < len(ids):
            continue
        learned = int(any(label != IGNORED for label in labels[start : place + 1]))
        pieces.append([text, learned, start, place + 1 - start])
        start = place + 1
    return pieces
