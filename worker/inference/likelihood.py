"""How likely a model finds given outputs: the log-probabilities of their tokens, a few conversations at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from core.errors import DataError
from core.messages import Message
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.render import labels_of, render
from worker.inference.served_models import Served
from worker.inference.weights import Loader

_AT_ONCE: Final = 16
_IGNORED: Final = -100

Found = tuple[int, float, int]  # the number of the conversation, sum of log-probabilities, tokens


def of_outputs(loader: Loader, served: Served, conversations: Sequence[Sequence[Message]]) -> Iterator[list[Found]]:
    """The log-probability of the last output of each conversation, in batches; one that does not fit is left out."""
    loaded, adapter = loader.get(served, busy=set())
    assert served.base.path is not None
    tokenizer = load_tokenizer(served.base.path, served.base.revision)
    limit = int(getattr(loaded.model.config, "max_position_embeddings", 0) or 0)
    tokens: list[tuple[int, list[int], list[int]]] = []
    for number, messages in enumerate(conversations):
        *before, last = messages
        quiet = [replace(message, weight=0) if message.role == "assistant" else message for message in before]
        try:
            rendered = render([*quiet, last], tokenizer)
        except DataError:
            continue
        if not limit or len(rendered.input_ids) <= limit:
            labels = labels_of(rendered.input_ids, rendered.loss, completion_only=True)
            tokens.append((number, list(rendered.input_ids), labels))
    tokens.sort(key=lambda one: len(one[1]))
    prefixed = loaded.adapters.start(adapter) is not None
    size = 1 if prefixed else _AT_ONCE
    for start in range(0, len(tokens), size):
        batch = tokens[start : start + size]
        model = loaded.adapters.together([adapter] * len(batch))
        yield _batch(model, batch, loaded.model.device, loaded.adapters.start(adapter))


def _batch(model: Any, batch: list[tuple[int, list[int], list[int]]], device: Any, cache: Any) -> list[Found]:
    width = max(len(ids) for _, ids, _ in batch)
    ids = torch.tensor([ids + [0] * (width - len(ids)) for _, ids, _ in batch], device=device)
    labels = torch.tensor([row + [_IGNORED] * (width - len(row)) for _, _, row in batch], device=device)
    with torch.inference_mode():
        # Padding follows each conversation, and no token sees a later one, so that no mask is needed.
        out = model(input_ids=ids, past_key_values=cache, use_cache=cache is not None)
        logits, wanted = out.logits[:, :-1].float(), labels[:, 1:]
        losses = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted.flatten(), ignore_index=_IGNORED, reduction="none"
        ).view(wanted.shape)
    sums, counts = (-losses.sum(1)).tolist(), (wanted != _IGNORED).sum(1).tolist()
    return [(number, total, count) for (number, _, _), total, count in zip(batch, sums, counts, strict=True) if count]
