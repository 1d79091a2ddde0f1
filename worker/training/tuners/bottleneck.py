"""Adapter layers as a tuner of PEFT: config, layer, model, and their registration.

Behind the last linear layer of a sub-layer (the attention's, the MLP's) a narrow one is added: down, activation
function, up, plus its input. The up projection starts at zero, so an untrained adapter changes nothing.
Source: Houlsby et al. 2019, section 2.1; Pfeiffer et al. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import torch
from peft import PeftConfig, PeftType
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import register_peft_method
from torch import nn

NAME: Final = "bottleneck"
ACTIVATIONS: Final[dict[str, type[nn.Module]]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


def register() -> None:
    """Register the tuner with PEFT; a second call changes nothing."""
    if NAME.upper() in PeftType.__members__:
        return
    # PEFT looks the name up in this enum, which cannot be extended otherwise
    member = str.__new__(PeftType, NAME.upper())
    member._name_ = member._value_ = NAME.upper()
    type.__setattr__(PeftType, member._name_, member)
    PeftType._member_map_[member._name_] = PeftType._value2member_map_[member._value_] = member
    PeftType._member_names_.append(member._name_)
    register_peft_method(name=NAME, config_cls=BottleneckConfig, model_cls=BottleneckModel)


@dataclass
class BottleneckConfig(PeftConfig):  # type: ignore[misc]  # peft is not typed
    """The content of `adapter_config.json`. Either `reduction` or `width` gives the size of the layers."""

    target_modules: str | list[str] | None = field(default=None)
    exclude_modules: str | list[str] | None = field(default=None)
    reduction: int | None = field(default=None)
    width: int | None = field(default=None)
    non_linearity: str = field(default="relu")
    bottleneck_dropout: float = field(default=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType(NAME.upper())

    def width_for(self, hidden: int) -> int:
        """The width behind a layer with `hidden` outputs."""
        return self.width or max(1, hidden // (self.reduction or 1))


class BottleneckLayer(nn.Module, BaseTunerLayer):  # type: ignore[misc]
    """A frozen linear layer with any number of adapters behind it; the active ones are applied in order."""

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")
    other_param_names = ("bottleneck_activation", "bottleneck_dropout")
    # torch types attributes that it does not know as tensors
    base_layer: nn.Module
    bottleneck_down: nn.ModuleDict
    bottleneck_up: nn.ModuleDict
    get_base_layer: Any
    set_adapter: Any
    active_adapters: Any
    _move_adapter_to_device_of_base_layer: Any
    _cast_input_dtype: Any

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: BottleneckConfig) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_up = nn.ModuleDict()
        self.bottleneck_activation = nn.ModuleDict()
        self.bottleneck_dropout = nn.ModuleDict()
        self.add(adapter_name, config)

    def add(self, adapter_name: str, config: BottleneckConfig) -> None:
        """Add a new adapter behind the layer."""
        hidden = int(self.get_base_layer().out_features)
        width = config.width_for(hidden)
        up = nn.Linear(width, hidden)
        nn.init.zeros_(up.weight)
        nn.init.zeros_(up.bias)
        self.bottleneck_down[adapter_name] = nn.Linear(hidden, width)
        self.bottleneck_up[adapter_name] = up
        self.bottleneck_activation[adapter_name] = ACTIVATIONS[config.non_linearity]()
        self.bottleneck_dropout[adapter_name] = nn.Dropout(config.bottleneck_dropout)
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        result: torch.Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return result
        for name in self.active_adapters:
            if name in self.bottleneck_down:
                down, up = self.bottleneck_down[name], self.bottleneck_up[name]
                inner = self._cast_input_dtype(result, up.weight.dtype)
                inner = up(self.bottleneck_activation[name](down(self.bottleneck_dropout[name](inner))))
                result = result + inner.to(result.dtype)
        return result


class BottleneckModel(BaseTuner):  # type: ignore[misc]
    """Inserts the layers into a model; built by `get_peft_model` and `PeftModel.from_pretrained`."""

    prefix = f"{NAME}_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping: dict[str, list[str]] = {}  # noqa: RUF012  the base class reads it as a plain dictionary

    def _create_and_replace(
        self, peft_config: BottleneckConfig, adapter_name: str, target: Any, target_name: str, parent: Any, **_: Any
    ) -> None:
        if isinstance(target, BottleneckLayer):
            target.add(adapter_name, peft_config)
            return
        layer = BottleneckLayer(target, adapter_name, peft_config)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)
        self._replace_module(parent, target_name, layer, target)
