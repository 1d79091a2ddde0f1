"""Weights in memory: a base once, with its adapters; full fine-tuned models separately; least recently used first out.

Each kind of tuner adds its layers to a separate skeleton of the base: the same modules over the same weights, so that a
second kind costs no memory and cannot wrap the layers of the first. A prefix needs no layers: it is the cache that an
answer starts from.

Only the engine's thread calls this, so nothing here is locked.
"""

from __future__ import annotations

import copy
import gc
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from core.errors import StorageError
from core.models.base_models.local_folder import inspect
from core.text import size
from core.training import precision as rule
from core.training.forecast.device import detect
from worker.inference.mixing import Mixture, can_mix, skeleton
from worker.inference.requests import NoRoom
from worker.inference.served_models import Served
from worker.training import precision, runtime, tuners
from worker.training.generate import keep_contiguous
from worker.training.model_files import load_model, load_tokenizer
from worker.training.runtime import use_cores

log = logging.getLogger(__name__)

_ROOM: Final = 1.2  # memory for weights and the caches of answers, relative to the weights
MAX_ADAPTERS: Final = 16  # beside one base
_LORA: Final = "LORA"
SMALL_PARAMS: Final = 50_000_000  # below this, one thread is faster and leaves the other cores to training


@dataclass
class _Entry:
    """One adapter: its kind of tuner, whether rows of a batch can have it, and the keys and values of a prefix."""

    kind: str
    mixes: bool = False
    prefix: Any = None


class Adapters:
    """The adapters of one base by name, of every kind at once, the least recently used first."""

    def __init__(self, base: Any) -> None:
        self.base = base
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._tuned: dict[str, Any] = {}  # kind -> PeftModel over a skeleton of the base
        self._mixture: Mixture | None = None

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
            self._entries[name] = _Entry(kind, True, _prefix(tuners.load(skeleton(self.base), directory)))
            return
        if kind in self._tuned:
            self._tuned[kind].load_adapter(directory, adapter_name=name, is_trainable=False)
        else:
            self._tuned[kind] = tuners.load(skeleton(self.base), directory, name).eval()
        self._entries[name] = _Entry(kind, kind == _LORA and can_mix(self._tuned[kind], name))

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

    def group(self, name: str | None) -> str:
        """Answers of the same group may advance in one batch: "" for the base, prefixes and plain LoRA together.

        Adapters of other kinds change what a layer computes for all rows.
        """
        return "" if name is None or self._entries[name].mixes else name

    def together(self, names: Sequence[str | None]) -> Any:
        """The module to call for a batch of one group.

        Args:
            names: the adapter of each row; None: the base alone.
        """
        if names[0] is not None and not self._entries[names[0]].mixes:
            return self.use(names[0])
        layers = [name if name is not None and self._entries[name].prefix is None else None for name in names]
        if not any(layers):
            return self.base
        self._mixture = self._mixture or Mixture(self.base)
        return self._mixture.model(self._tuned[_LORA], layers)

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
        if entry.mixes and self._mixture is not None:
            self._mixture.forget(name)
        if any(other.kind == entry.kind for other in self._entries.values()):
            self._tuned[entry.kind].delete_adapter(name)
        else:
            del self._tuned[entry.kind]


def _prefix(tuned: Any) -> Any:
    with torch.no_grad():
        return tuned.get_prompt(1)


class Loaded:
    """One set of weights with its tokenizer and the adapters beside it.

    Attributes:
        reads_together: whether prompts can be read together; None until the first one was read.
        only_bulk: whether nothing but bulk requests asked it.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.adapters = Adapters(model)
        self.reads_together: bool | None = None
        self.only_bulk = True


class Loader:
    """Returns the weights of a served model, loading them if needed."""

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, str], Loaded] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """What is in memory, for the health page."""
        return [name for (name, _), loaded in self._models.items() for name in (name, *loaded.adapters)]

    def get(self, served: Served, busy: set[int], *, bulk: bool = False) -> tuple[Loaded, str | None]:
        """Weights, and the name of the adapter to switch on.

        Args:
            busy: `id()`s of loaded weights that are generating now: they are not unloaded.
            bulk: for a bulk request.
        """
        loaded, adapter = self._get(served, busy)
        loaded.only_bulk = loaded.only_bulk and bulk
        return loaded, adapter

    def forget_bulk(self, busy: set[int]) -> None:
        """Unload what only bulk requests asked."""
        idle = [key for key, loaded in self._models.items() if loaded.only_bulk and id(loaded) not in busy]
        for key in idle:
            self._unload(key)

    def _get(self, served: Served, busy: set[int]) -> tuple[Loaded, str | None]:
        base = served.base
        if served.weights is not None and not served.is_adapter:
            return self._load((served.id, base.revision), served.title, served.weights, base.path, busy), None
        loaded = self._load((base.id, base.revision), base.title, base.path, base.path, busy)
        if served.weights is None:
            return loaded, None
        self._add_adapter(loaded, served, id(loaded) in busy)
        return loaded, served.id

    def _load(
        self, key: tuple[str, str], title: str, weights: Path | None, tokenizer: Path | None, busy: set[int]
    ) -> Loaded:
        if key in self._models:
            self._models.move_to_end(key)
            return self._models[key]
        assert weights is not None
        assert tokenizer is not None
        self._make_room(title, weights, busy)
        log.info("Loading %s", key[0])
        choice = precision.settle("auto", key[1], "served", partial(_trial, weights))
        log.info("%s computes in %s: %s", key[0], choice.precision, choice.reason)
        dtype = precision.dtype_of(choice.precision, "served")
        model = load_model(weights, dtype=dtype).eval()
        keep_contiguous(model)
        self._models[key] = Loaded(model, load_tokenizer(tokenizer))
        torch.set_num_threads(threads_for([loaded.model.num_parameters() for loaded in self._models.values()]))
        return self._models[key]

    def _make_room(self, title: str, weights: Path, busy: set[int]) -> None:
        """Unload what is idle, the least recently used first, until the weights fit. Raises NoRoom if they do not."""
        params = inspect(weights).dims.params
        wide = rule.WIDTHS["bf16" if runtime.device().type == "cuda" else "fp32"]
        idle = [key for key, loaded in self._models.items() if id(loaded) not in busy]
        while idle and _free_memory() < params * wide * _ROOM:
            self._unload(idle.pop(0))
        free, least = _free_memory(), params * rule.WIDTHS["bf16"] * _ROOM
        if free < least:
            text = f"“{title}” needs about {size(least)} of memory to answer; {size(free)} are free."
            raise NoRoom(text, "Wait until other work has ended, or choose a smaller model.")

    def _unload(self, key: tuple[str, str]) -> None:
        log.info("Unloading %s", key[0])
        del self._models[key]
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _add_adapter(self, loaded: Loaded, served: Served, is_busy: bool) -> None:
        if served.id in loaded.adapters:
            loaded.adapters.touch(served.id)
            return
        assert served.weights is not None
        if not (served.weights / "adapter_model.safetensors").is_file():  # a pickled adapter is never opened
            raise StorageError(f"“{served.title}” has no adapter_model.safetensors.", "Retry its job.")
        loaded.adapters.load(served.id, served.weights)
        while len(loaded.adapters) > MAX_ADAPTERS and not is_busy:
            loaded.adapters.drop_oldest()


def _free_memory() -> int:
    """Bytes that weights can take on the device that answers."""
    if runtime.device().type == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return detect().free_bytes


def _trial(weights: Path) -> precision.Trial:
    """The model to serve, for answers in each precision."""

    def load(name: str) -> Any:
        return load_model(weights, dtype=precision.dtype_of(name, "served")).eval()

    params = inspect(weights).dims.params
    torch.set_num_threads(threads_for([params]))
    return precision.Trial(params, load, precision.answering_step)


def threads_for(params: list[int]) -> int:
    """The number of threads for decoding: one while only small models are in memory."""
    return 1 if max(params) < SMALL_PARAMS else use_cores()
