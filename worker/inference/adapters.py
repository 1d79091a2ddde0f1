"""The adapters of one base, of every kind at once, switched without changing the base.

Each kind of tuner adds its layers to a separate skeleton: the same modules over the same weights, so that a second
kind costs no memory and cannot wrap the layers of the first. A prefix needs no layers: it is the cache that an answer
starts from.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from worker.training import tuners


@dataclass
class _Entry:
    """One adapter: its kind of tuner, and the keys and values if it is a prefix."""

    kind: str
    prefix: Any = None


class Adapters:
    """Adapters by name, the least recently used first."""

    def __init__(self, base: Any) -> None:
        self.base = base
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._tuned: dict[str, Any] = {}  # kind -> PeftModel over a skeleton of the base

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self) -> Any:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, name: str, directory: Path) -> None:
        """Load the adapter in a directory. Raises TrainingError if it does not fit the base."""
        kind = tuners.kind_of(directory)
        if kind == tuners.PREFIX:
            self._entries[name] = _Entry(kind, _prefix(tuners.load(skeleton(self.base), directory)))
            return
        if kind in self._tuned:
            self._tuned[kind].load_adapter(directory, adapter_name=name, is_trainable=False)
        else:
            self._tuned[kind] = tuners.load(skeleton(self.base), directory, name).eval()
        self._entries[name] = _Entry(kind)

    def use(self, name: str | None) -> Any:
        """The module to call, with this adapter active; None: the base alone."""
        if name is None:
            return self.base
        entry = self._entries[name]
        if entry.prefix is not None:
            return self.base
        model = self._tuned[entry.kind]
        if model.active_adapters != [name]:
            model.set_adapter(name, inference_mode=True)
        return model

    def start(self, name: str | None) -> Any:
        """The cache that an answer starts from: an adapter's prefix, or None."""
        prefix = self._entries[name].prefix if name is not None else None
        return copy.deepcopy(prefix)

    def touch(self, name: str) -> None:
        """Mark an adapter as just used."""
        self._entries.move_to_end(name)

    def drop_oldest(self) -> None:
        """Unload the least recently used adapter, and its kind's skeleton with the last adapter of that kind."""
        name, entry = self._entries.popitem(last=False)
        if entry.prefix is not None:
            return
        if any(other.kind == entry.kind for other in self._entries.values()):
            self._tuned[entry.kind].delete_adapter(name)
        else:
            del self._tuned[entry.kind]


def skeleton(model: Any) -> Any:
    """A second set of modules over the same weights."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared)


def _prefix(tuned: Any) -> Any:
    with torch.no_grad():
        return tuned.get_prompt(1)
