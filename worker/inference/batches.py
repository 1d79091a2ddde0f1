"""Answers that advance together: one row each of a joint cache, with one adapter for each row.

A step of many rows takes hardly longer than a step of one, because the weights are read once for all of them. Rows of
different lengths are aligned at their ends: in front of the shorter ones is padding that the attention mask hides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from core.serving.targets.base import AnswerChunk
from worker.inference.decoding import Generation, is_plain, taken
from worker.inference.weights import Loaded

MOST_PADDING: Final = 1 / 3  # share of a joint cache; rows of very different lengths advance in separate batches
_SMALL: Final = 2_048  # places of a cache whose padding costs nothing worth mentioning


class Batch:
    """Rows that advance by one token with each `step`."""

    def __init__(self, read: Sequence[Generation]) -> None:
        """Answers whose prompts were read together: the first one has the cache of all."""
        first = read[0]
        self.loaded: Loaded = first.loaded
        self.group = first.loaded.adapters.group(first.adapter)
        self.rows = list(read)
        self._pads = [0] * len(self.rows)
        self._cache: Any = first.cache
        self._grows = is_plain(self._cache)
        first.cache = None

    @property
    def width(self) -> int:
        """The places of the joint cache, padding included."""
        return int(self._cache.get_seq_length())

    def admits(self, other: Batch) -> bool:
        """Whether the rows of another batch can become rows of this one."""
        if other.loaded is not self.loaded or other.group != self.group or not (self._grows and other._grows):
            return False
        rows = [*self.rows, *other.rows]
        places = max(self.width, other.width) * len(rows)
        return places <= _SMALL or places - sum(row.length for row in rows) <= MOST_PADDING * places

    def merge(self, other: Batch) -> None:
        """Take in the rows of another batch as the last ones."""
        width = max(self.width, other.width)
        self._pads = [pad + width - one.width for one in (self, other) for pad in one._pads]
        mine, new = self._cache.layers, other._cache.layers
        self._cache = _cache_of(
            (
                torch.cat([_padded(old.keys, width), _padded(one.keys, width)]),
                torch.cat([_padded(old.values, width), _padded(one.values, width)]),
            )
            for old, one in zip(mine, new, strict=True)
        )
        self.rows += other.rows

    def step(self) -> list[tuple[Generation, AnswerChunk | Exception | None]]:
        """Advance every row by one token; each with what `Generation.take` returns or raises.

        Raises:
            Exception: the step of the model failed; no row has advanced.
        """
        where = self.loaded.model.device
        model = self.loaded.adapters.together([row.adapter for row in self.rows])
        with torch.inference_mode():
            out = model(
                input_ids=torch.tensor([[row.next_token] for row in self.rows], device=where),
                position_ids=torch.tensor([[row.length] for row in self.rows], device=where),
                attention_mask=self._mask(where),
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
            self._cache = out.past_key_values
            logits = out.logits[:, -1]
            likeliest = logits.argmax(dim=-1).tolist()
            for row in self.rows:
                row.length += 1
            return [(row, taken(row, logits[place], likeliest[place])) for place, row in enumerate(self.rows)]

    def keep(self, rows: Iterable[Generation]) -> None:
        """Keep these rows and drop the others with their padding."""
        kept = {id(row) for row in rows}
        places = [place for place, row in enumerate(self.rows) if id(row) in kept]
        if len(places) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in places]
        if not places:
            self._cache = None
            return
        spare = min(self._pads[place] for place in places)
        self._pads = [self._pads[place] - spare for place in places]
        self._cache = self._part(places, spare)

    def split(self) -> list[Batch]:
        """One batch for each row, after a step that failed."""
        parts = []
        for place, (row, pad) in enumerate(zip(self.rows, self._pads, strict=True)):
            row.cache = self._part([place], pad, row.length)  # without what the failed step added
            parts.append(Batch([row]))
        return parts

    def _part(self, places: list[int], first: int, length: int | None = None) -> Any:
        """The cache of some rows from the place `first` on."""
        end = None if length is None else first + length

        def part(tensor: torch.Tensor) -> torch.Tensor:
            return tensor[places, :, first:end].contiguous()

        return _cache_of((part(layer.keys), part(layer.values)) for layer in self._cache.layers)

    def _mask(self, where: Any) -> torch.Tensor | None:
        if not any(self._pads):
            return None
        places = torch.arange(self.width + 1, device=where)
        return (places >= torch.tensor(self._pads, device=where)[:, None]).long()


def _padded(tensor: torch.Tensor, width: int) -> torch.Tensor:
    """[rows, heads, tokens, size] with empty places in front."""
    missing = width - tensor.shape[-2]
    return torch.nn.functional.pad(tensor, (0, 0, missing, 0)) if missing else tensor


def _cache_of(layers: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Any:
    """A cache with these keys and values; its own `update` would copy them once more."""
    cache = DynamicCache()
    for keys, values in layers:
        layer = DynamicLayer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values
        cache.layers.append(layer)
    return cache
