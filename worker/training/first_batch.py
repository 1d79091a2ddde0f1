"""The first batch of a run in words: what the model read and what it learnt to write, token by token."""

from __future__ import annotations

from typing import Any, Final

from core.models.render import IGNORED
from worker.training.batches import MicroBatch, Step

MOST_TOKENS: Final = 2_000  # more are counted and not written out


def shown(step: Step, tokenizer: Any) -> dict[str, Any]:
    """The first micro-batch of a step as plain data.

    Returns:
        `examples`, `tokens`, `learnt` and `micro_batches` of the whole step; `rows`, each a list of examples, each a
        list of [text, learnt (0 or 1), position of its first token, number of tokens]: several tokens are one piece
        where a character needs more than one. `left_out` counts the tokens that are not written out.
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
    """Stretches of text; a token that ends inside a character is joined with the next ones."""
    pieces: list[list[Any]] = []
    begun = 0
    for place in range(len(ids)):
        text = tokenizer.decode(ids[begun : place + 1], clean_up_tokenization_spaces=False)
        if text.endswith("\ufffd") and place - begun < 3 and place + 1 < len(ids):
            continue
        learnt = int(any(label != IGNORED for label in labels[begun : place + 1]))
        pieces.append([text, learnt, begun, place + 1 - begun])
        begun = place + 1
    return pieces
