"""How likely a model finds given outputs: the log-probabilities of their tokens, a few conversations at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from worker.inference.requests import Likelihood, LikelihoodRequest

MOST_AT_ONCE: Final = 16  # conversations
MOST_TOKENS: Final = 2_048  # of a batch, padding included: answers wait for it
IGNORED: Final = -100


def first_of(waiting: deque[LikelihoodRequest]) -> list[LikelihoodRequest]:
    """Take the first requests that are measured at once: of the same model, in the order of their arrival."""
    found: list[LikelihoodRequest] = []
    width = 0
    while waiting and len(found) < MOST_AT_ONCE:
        width = max(width, len(waiting[0].ids))
        is_same = not found or waiting[0].served == found[0].served
        if found and (not is_same or width * (len(found) + 1) > MOST_TOKENS):
            break
        found.append(waiting.popleft())
    return found


def measure(loaded: Any, adapter: str | None, wanted: Sequence[LikelihoodRequest]) -> list[Likelihood]:
    """The likelihood of each output; on the engine's thread."""
    if loaded.adapters.start(adapter) is not None:  # a prefix: the cache belongs to one conversation
        return [_measured(loaded, adapter, [one])[0] for one in wanted]
    return _measured(loaded, adapter, wanted)


def _measured(loaded: Any, adapter: str | None, wanted: Sequence[LikelihoodRequest]) -> list[Likelihood]:
    import torch

    cache, model = loaded.adapters.start(adapter), loaded.adapters.together([adapter] * len(wanted))
    width = max(len(one.ids) for one in wanted)
    ids = torch.tensor([[*one.ids, *[0] * (width - len(one.ids))] for one in wanted], device=loaded.model.device)
    labels = torch.tensor([[*one.labels, *[IGNORED] * (width - len(one.labels))] for one in wanted], device=ids.device)
    with torch.inference_mode():
        # Padding follows each conversation, and no token sees a later one, so that no mask is needed.
        out = model(input_ids=ids, past_key_values=cache, use_cache=cache is not None)
        logits, expected = out.logits[:, :-1].float(), labels[:, 1:]
        losses = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), expected.flatten(), ignore_index=IGNORED, reduction="none"
        ).view(expected.shape)
    sums, counts = (-losses.sum(1)).tolist(), (expected != IGNORED).sum(1).tolist()
    return [Likelihood(total, count) for total, count in zip(sums, counts, strict=True)]
