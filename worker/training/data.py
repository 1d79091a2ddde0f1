"""Examples -> token ids and labels -> rows with almost no padding.

If a model does not support examples placed end to end (`worker.training.batches`), a batch of short chats is put into
rows as wide as its longest chat; shorter ones share a row. Positions restart at every chat and there is no attention
mask, so transformers' SDPA masks separate them (with `use_cache=False`; with a cache the second chat would see the
first).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.errors import DataError
from core.messages import Example
from core.models.refusals import rendered
from core.models.render import IGNORED, ON_ANSWERS, REFUSED, labels_of
from core.training.forecast.lengths import LEFT_OUT, Span, counted
from worker.training import token_cache

Batch = dict[str, Any]  # input_ids, labels, position_ids: (rows, width) int64; real_tokens: int; members: of each row


@dataclass(frozen=True, slots=True)
class Tokenized:
    """One example as ids; `labels` are unshifted and as long, -100 without loss. `position` is its index among the
    prepared examples."""

    input_ids: list[int]
    labels: list[int]
    position: int = -1


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run trains and validates on, and what the maximum length cut off.

    `truncated` examples lost their end but still carry loss; `dropped` ones were left out, because they would have lost
    their entire answer or because of the policy for examples that are too long; `refused` ones because of the chat
    template. `spans` are (length, first token with
    loss) of every training example before truncation; `cached` is True if nothing had to be tokenized.
    """

    train: list[Tokenized]
    validation: list[Tokenized]
    truncated: int
    dropped: int
    refused: int = 0
    spans: tuple[Span, ...] = ()
    cached: bool = False

    @property
    def train_tokens(self) -> int:
        """Tokens of one epoch."""
        return sum(len(item.input_ids) for item in self.train)


def prepare(
    examples: Sequence[Example],
    tokenizer: Any,
    *,
    max_seq_length: int,
    completion_only_loss: bool = True,
    over_length: str = "truncate",
    on_refusal: str = "stop",
    cache: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Prepared:
    """Tokenize examples with the same rendering as chat and preview.

    Args:
        over_length: what happens to an example that is too long. `truncate`: its end is cut off; if no token with loss
            would be left, it is left out. `drop`: it is left out. `stop`: DataError.
        on_refusal: what happens to an example that the chat template refuses: see `TrainingConfig.on_refusal`.
        cache: a folder that stores tokens for the next run (see `worker.training.token_cache`).
        examples: those of the test split are neither trained nor validated on.

    Raises:
        DataError: no training example is left, or one is too long or refused and the policy is `stop`.
    """
    encoded, cached = _encoded(examples, tokenizer, on_refusal, cache, progress)
    if over_length == "stop":
        _refuse_long([len(ids) for ids, _ in encoded], max_seq_length)
    usable: dict[str, list[Tokenized]] = {"train": [], "validation": []}
    spans: list[Span] = []
    truncated = dropped = refused = 0
    for position, (example, (ids, loss)) in enumerate(zip(examples, encoded, strict=True)):
        if example.split == "test":
            continue
        if example.split == "train":
            spans.append((len(ids), loss.index(ON_ANSWERS) if ON_ANSWERS in loss else len(ids)))
        if not ids:
            refused += 1
            continue
        too_long = len(ids) > max_seq_length
        ids = ids[:max_seq_length]
        labels = labels_of(ids, loss, completion_only=completion_only_loss)
        if (too_long and over_length == "drop") or all(label == IGNORED for label in labels):
            dropped += 1
        else:
            truncated += too_long
            usable[example.split].append(Tokenized(ids, labels, position))
    if spans and all(span == LEFT_OUT for span in spans):
        raise DataError(
            "The base model's chat template refuses every training example.",
            "Choose another base model, or bring the turns into the order it accepts.",
            code=REFUSED,
        )
    if not usable["train"]:
        raise DataError(
            f"No training example has any of its answer within {max_seq_length:,} tokens.",
            "Raise the maximum length, or shorten the inputs.",
            code="over_length",
        )
    return Prepared(usable["train"], usable["validation"], truncated, dropped, refused, tuple(spans), cached)


def _encoded(
    examples: Sequence[Example], tokenizer: Any, on_refusal: str, cache: Path | None, progress: Callable[[float], None]
) -> tuple[list[token_cache.Encoded], bool]:
    """Ids and loss kinds of every example before truncation; True if they were cached. An example that is left
    out has no tokens.

    Raises:
        DataError: names the first example that is refused, if the policy is `stop`.
    """
    key = token_cache.key_of(examples, tokenizer, on_refusal) if cache else ""
    if cache and (known := token_cache.load(cache, key, len(examples))) is not None:
        return known, True
    encoded: list[token_cache.Encoded] = []
    for index, tokens in enumerate(rendered(examples, tokenizer, on_refusal)):
        encoded.append((tokens.input_ids, tokens.loss) if tokens else ([], []))
        if index % 200 == 0:
            progress(index / len(examples))
    if cache:
        token_cache.save(cache, key, encoded)
    return encoded, False


def _refuse_long(lengths: Sequence[int], limit: int) -> None:
    """The policy `stop`. Raises DataError with the count and the longest."""
    long = [length for length in lengths if length > limit]
    if long:
        raise DataError(
            f"{counted(len(long))} longer than {limit:,} tokens; the longest has {max(long):,}.",
            "Raise the maximum length, shorten the examples, or choose to truncate or drop them.",
            code="over_length",
        )


def rows_of(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Put examples into as few rows of `width` as first-fit-decreasing finds; each row lists example numbers."""
    rows: list[list[int]] = []
    free: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        row = next((r for r, space in enumerate(free) if space >= lengths[index]), None)
        if row is None:
            rows.append([])
            free.append(width)
            row = len(rows) - 1
        rows[row].append(index)
        free[row] -= lengths[index]
    return rows


def collate(items: Sequence[Tokenized], *, pad_token_id: int = 0, pack: bool = True) -> Batch:
    """Build one batch.

    Returns:
        `input_ids`, `labels`, `position_ids` of shape (rows, width), `real_tokens`, the number of non-pad tokens, and
        `members`, the example numbers of each row. No attention mask: an example is followed either by another one
        with its own positions, or by padding that it never attends to.
    """
    lengths = [len(item.input_ids) for item in items]
    width = max(lengths)
    rows = rows_of(lengths, width) if pack else [[index] for index in range(len(items))]
    input_ids = torch.full((len(rows), width), pad_token_id)
    labels = torch.full((len(rows), width), IGNORED)
    position_ids = torch.zeros((len(rows), width), dtype=torch.long)
    for r, row in enumerate(rows):
        start = 0
        for index in row:
            end = start + lengths[index]
            input_ids[r, start:end] = torch.tensor(items[index].input_ids)
            labels[r, start:end] = torch.tensor(items[index].labels)
            labels[r, start] = IGNORED  # the token before it belongs to another example
            position_ids[r, start:] = torch.arange(width - start)  # padding continues the count: one sequence per row
            start = end  # is cheap: no mask is built if every row has one example
    batch: Batch = {"input_ids": input_ids, "labels": labels, "position_ids": position_ids}
    return batch | {"real_tokens": sum(lengths), "members": rows}
