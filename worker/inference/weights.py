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
from worker.inference.served_models import Served
from worker.training import precision, tuners
from worker.training.generate import keep_contiguous
from worker.training.model_files import load_model, load_tokenizer
from worker.training.runtime import use_cores

log = logging.getLogger(__name__)

MAX_MODELS: Final = 2  # bases and full models in memory at once
MAX_ADAPTERS: Final = 16  # beside one base
_LORA: Final = "LORA"
_NO_ADAPTER: Final = "__base__"  # PEFT's word for a row without an adapter
_UNMIXED: Final = ("use_dora", "alora_invocation_tokens", "target_parameters", "trainable_token_indices")
SMALL_PARAMS: Final = 50_000_000  # below this, one thread is faster and leaves the other cores to training


@dataclass
class _Entry:
    """One adapter: its kind of tuner, and the keys and values if it is a prefix."""

    kind: str
    prefix: Any = None


class Adapters:
    """The adapters of one base by name, of every kind at once, the least recently used first."""

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

    def group(self, name: str | None) -> str:
        """Answers of the same group may advance in one batch: "" for the base, prefixes and plain LoRA together.

        PEFT applies several LoRA adapters to one batch, each to its rows, but no adapter of another kind.
        """
        entry = self._entries[name] if name is not None else None
        if entry is None or entry.prefix is not None:
            return ""
        config = self._tuned[entry.kind].peft_config[name]
        return "" if entry.kind == _LORA and not any(getattr(config, field, None) for field in _UNMIXED) else str(name)

    def together(self, names: Sequence[str | None]) -> tuple[Any, dict[str, Any]]:
        """The module for a batch of one group, and the arguments that say which adapter is whose.

        Args:
            names: the adapter of each row; None: the base alone.
        """
        layers = [name if name is not None and self._entries[name].prefix is None else None for name in names]
        tuned = {name for name in layers if name is not None}
        if not tuned:
            return self.base, {}
        if len(tuned) == 1 and None not in layers:
            return self.use(layers[0]), {}
        return self._tuned[_LORA], {"adapter_names": [name or _NO_ADAPTER for name in layers]}

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


class Loaded:
    """One set of weights with its tokenizer and the adapters beside it."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.adapters = Adapters(model)


class Loader:
    """Returns the weights of a served model, loading them if needed."""

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, str], Loaded] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """What is in memory, for the health page."""
        return [name for (name, _), loaded in self._models.items() for name in (name, *loaded.adapters)]

    def get(self, served: Served, busy: set[int]) -> tuple[Loaded, str | None]:
        """Weights, and the name of the adapter to switch on.

        Args:
            busy: `id()`s of loaded weights that are generating now: they are not unloaded.
        """
        if served.weights is not None and not served.is_adapter:
            return self._load((served.id, served.base.revision), served.weights, served.base.path, busy), None
        loaded = self._load((served.base.id, served.base.revision), served.base.path, served.base.path, busy)
        if served.weights is None:
            return loaded, None
        self._add_adapter(loaded, served, id(loaded) in busy)
        return loaded, served.id

    def _load(self, key: tuple[str, str], weights: Path | None, tokenizer: Path | None, busy: set[int]) -> Loaded:
        if key in self._models:
            self._models.move_to_end(key)
            return self._models[key]
        self._make_room(busy)
        assert weights is not None
        assert tokenizer is not None
        log.info("Loading %s", key[0])
        choice = precision.settle("auto", key[1], "served", partial(_trial, weights))
        log.info("%s computes in %s: %s", key[0], choice.precision, choice.reason)
        dtype = precision.dtype_of(choice.precision, "served")
        model = load_model(weights, dtype=dtype).eval()
        keep_contiguous(model)
        self._models[key] = Loaded(model, load_tokenizer(tokenizer))
        torch.set_num_threads(_threads([loaded.model.num_parameters() for loaded in self._models.values()]))
        return self._models[key]

    def _make_room(self, busy: set[int]) -> None:
        for key in [key for key, loaded in self._models.items() if id(loaded) not in busy]:
            if len(self._models) < MAX_MODELS:
                break
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


def _trial(weights: Path) -> precision.Trial:
    """The model to serve, for answers in each precision."""

    def load(name: str) -> Any:
        return load_model(weights, dtype=precision.dtype_of(name, "served")).eval()

    params = inspect(weights).dims.params
    torch.set_num_threads(_threads([params]))
    return precision.Trial(params, load, precision.answering_step)


def _threads(params: list[int]) -> int:
    """The number of threads for decoding: one while only small models are in memory."""
    return 1 if max(params) < SMALL_PARAMS else use_cores()
