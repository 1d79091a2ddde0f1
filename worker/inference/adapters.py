"""The adapters beside one base, of every kind at once, switched without touching the base.

Each kind of tuner puts its layers into a skeleton of its own: the same modules over the very same weights, so that a
second kind costs no memory and cannot wrap the layers of the first. A prefix needs no layers at all: it is a cache
that an answer starts from.
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
class _Beside:
    """One adapter: the tuner that holds it, or the keys and values of its prefix."""

    kind: str
    prefix: Any = None


class Adapters:
    """Adapters by name, the one used longest ago first."""

    def __init__(self, base: Any) -> None:
        self.base = base
        self._found: OrderedDict[str, _Beside] = OrderedDict()
        self._tuned: dict[str, Any] = {}  # kind -> PeftModel over a skeleton of the base

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def __iter__(self) -> Any:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def load(self, name: str, directory: Path) -> None:
        """Put the adapter of a directory beside the base. Raises TrainingError when it does not fit."""
        kind = tuners.kind_of(directory)
        if kind == tuners.PREFIX:
            self._found[name] = _Beside(kind, _prefix(tuners.load(skeleton(self.base), directory)))
            return
        if kind in self._tuned:
            self._tuned[kind].load_adapter(directory, adapter_name=name, is_trainable=False)
        else:
            self._tuned[kind] = tuners.load(skeleton(self.base), directory, name).eval()
        self._found[name] = _Beside(kind)

    def use(self, name: str | None) -> Any:
        """The module to call, with this adapter switched on; None: the base alone."""
        if name is None:
            return self.base
        beside = self._found[name]
        if beside.prefix is not None:
            return self.base
        model = self._tuned[beside.kind]
        if model.active_adapters != [name]:
            model.set_adapter(name, inference_mode=True)
        return model

    def start(self, name: str | None) -> Any:
        """The cache that an answer starts from: an adapter's prefix, or None."""
        prefix = self._found[name].prefix if name is not None else None
        return copy.deepcopy(prefix)

    def touch(self, name: str) -> None:
        """It was used now."""
        self._found.move_to_end(name)

    def drop_oldest(self) -> None:
        """Forget the adapter that was used longest ago, and its kind's skeleton with the last of that kind."""
        name, beside = self._found.popitem(last=False)
        if beside.prefix is not None:
            return
        if any(other.kind == beside.kind for other in self._found.values()):
            self._tuned[beside.kind].delete_adapter(name)
        else:
            del self._tuned[beside.kind]


def skeleton(model: Any) -> Any:
    """A second set of modules over the same weights."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared)


def _prefix(tuned: Any) -> Any:
    with torch.no_grad():
        return tuned.get_prompt(1)
