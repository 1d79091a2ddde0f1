"""Plain LoRA adapters in one forward pass, each for its rows: two products for each layer, however many adapters.

The adapters' matrices are placed side by side, and a mask keeps of each row's projection the part of its adapter.
PEFT goes through the adapters one after another in each layer instead, and registers a hook for each layer at each
step; for a small model that costs more than the model itself.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

_KEPT: Final = 4  # sets of adapters whose matrices stay side by side
_PEFT_PREFIX: Final = "base_model.model."
_OTHER_WEIGHTS: Final = (
    "use_dora",
    "alora_invocation_tokens",
    "target_parameters",
    "trainable_token_indices",
    "modules_to_save",
    "lora_bias",
    "layer_replication",
)


def skeleton(model: Any) -> Any:
    """A second set of modules over the same weights."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared)


def can_mix(tuned: Any, name: str) -> bool:
    """Whether an adapter of a PEFT model is nothing but products beside linear layers."""
    config = tuned.peft_config[name]
    if config.bias != "none" or any(getattr(config, field, None) for field in _OTHER_WEIGHTS):
        return False
    layers = [layer for layer in _layers(tuned).values() if name in layer.lora_A or name in layer.lora_embedding_A]
    return bool(layers) and all(
        name in layer.lora_A and isinstance(layer.lora_A[name], nn.Linear) and name not in layer.lora_variant
        for layer in layers
    )


@dataclass(frozen=True, slots=True)
class _Products:
    """The matrices of several adapters beside one layer, [in, ranks] and [ranks, out]; and what the ranks are of."""

    down: torch.Tensor
    up: torch.Tensor
    ranks: tuple[tuple[str, int, float], ...]  # adapter, rank, scaling


class _Beside(nn.Module):
    """A linear layer of the base with the products of a batch's adapters."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.products: _Products | None = None
        self.mask: torch.Tensor | None = None  # [rows, 1, ranks]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x)
        if self.products is None or self.mask is None:
            return out
        inner = (x.to(self.products.down.dtype) @ self.products.down) * self.mask
        return out + (inner @ self.products.up).to(out.dtype)


class Mixture:
    """The base with layers that take the adapters of each row of a batch."""

    def __init__(self, base: Any) -> None:
        self._model = skeleton(base)
        self._layers: dict[str, _Beside] = {}
        self._sets: OrderedDict[tuple[str, ...], dict[str, _Products]] = OrderedDict()
        self._rows: tuple[str | None, ...] = ()

    def model(self, tuned: Any, rows: Sequence[str | None]) -> Any:
        """The module to call for a batch.

        Args:
            tuned: the PEFT model that holds the adapters.
            rows: the adapter of each row; None: the base alone.
        """
        if tuple(rows) != self._rows:
            self._prepare(tuned, rows)
            self._rows = tuple(rows)
        return self._model

    def forget(self, name: str) -> None:
        """Let go of an adapter's weights."""
        self._rows = ()
        for names in [names for names in self._sets if name in names]:
            del self._sets[names]
        for layer in self._layers.values():
            layer.products = None

    def _prepare(self, tuned: Any, rows: Sequence[str | None]) -> None:
        names = tuple(sorted({name for name in rows if name is not None}))
        if names not in self._sets:
            self._sets[names] = {
                where: products
                for where, layer in _layers(tuned).items()
                if (products := _side_by_side(layer, names)) is not None
            }
            while len(self._sets) > _KEPT:
                self._sets.popitem(last=False)
        self._sets.move_to_end(names)
        chosen = self._sets[names]
        for where in chosen.keys() - self._layers.keys():
            self._layers[where] = _Beside(self._model.get_submodule(where))
            self._model.set_submodule(where, self._layers[where])
        masks: dict[Any, torch.Tensor] = {}
        for where, layer in self._layers.items():
            layer.products = products = chosen.get(where)
            if products is not None:
                key = products.ranks, products.down.device, products.down.dtype
                if key not in masks:
                    masks[key] = _mask(products, rows)
                layer.mask = masks[key]


def _layers(tuned: Any) -> dict[str, Any]:
    """The layers beside which a PEFT model has adapters, by their name in the base."""
    from peft.tuners.lora import LoraLayer

    found = ((name, module) for name, module in tuned.named_modules() if isinstance(module, LoraLayer))
    return {name.removeprefix(_PEFT_PREFIX): module for name, module in found}


def _side_by_side(layer: Any, names: Sequence[str]) -> _Products | None:
    present = [name for name in names if name in layer.lora_A]
    if not present:
        return None
    downs = [layer.lora_A[name].weight for name in present]
    ups = [layer.lora_B[name].weight for name in present]
    ranks = tuple((name, down.shape[0], float(layer.scaling[name])) for name, down in zip(present, downs, strict=True))
    down, up = (downs[0], ups[0]) if len(present) == 1 else (torch.cat(downs), torch.cat(ups, dim=1))
    return _Products(down.detach().T, up.detach().T, ranks)


def _mask(products: _Products, rows: Sequence[str | None]) -> torch.Tensor:
    """[rows, 1, ranks]: in each row its adapter's scaling, and 0 for the other adapters."""
    values = [
        [scaling if name == row else 0.0 for name, rank, scaling in products.ranks for _ in range(rank)] for row in rows
    ]
    return torch.tensor(values, device=products.down.device, dtype=products.down.dtype)[:, None]
