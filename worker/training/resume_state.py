"""The state from which a run resumes exactly, on disk without pickle.

A checkpoint directory contains `trainable.safetensors` (the trainable weights), `optimizer.safetensors` + `.json`,
`scheduler.json`, `random.safetensors` + `.json` (every generator) and `trainer_state.json`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors.torch import load_file, save_file

from worker.training.tuners import trainable


def save_weights(model: Any, directory: Path) -> None:
    """Write the trainable weights."""
    save_file(
        {name: p.detach().contiguous().cpu() for name, p in trainable(model).items()},
        directory / "trainable.safetensors",
    )


def load_weights(model: Any, directory: Path) -> None:
    """Restore the saved weights exactly. Raises KeyError: the checkpoint belongs to another method."""
    saved = load_file(directory / "trainable.safetensors")
    with torch.no_grad():
        for name, parameter in trainable(model).items():
            parameter.copy_(saved[name])


def save_optimizer(optimizer: Any, scheduler: Any, directory: Path) -> None:
    """Write the optimizer's moments and groups, and the state of the schedule."""
    state = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, entry in state["state"].items():
        for name, value in entry.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{name}"] = value.detach().contiguous().cpu()
            else:
                plain.setdefault(str(index), {})[name] = value
    save_file(tensors, directory / "optimizer.safetensors")
    groups = {"param_groups": state["param_groups"], "plain": plain}
    (directory / "optimizer.json").write_text(json.dumps(groups))
    (directory / "scheduler.json").write_text(json.dumps(scheduler.state_dict()))


def load_optimizer(optimizer: Any, scheduler: Any, directory: Path) -> None:
    """Restore the optimizer and the schedule."""
    groups = json.loads((directory / "optimizer.json").read_text())
    state: dict[int, dict[str, Any]] = {int(index): dict(entry) for index, entry in groups["plain"].items()}
    for key, tensor in load_file(directory / "optimizer.safetensors").items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    for group in groups["param_groups"]:
        if isinstance(group.get("betas"), list):  # JSON has no tuples
            group["betas"] = tuple(group["betas"])
    optimizer.load_state_dict({"state": state, "param_groups": groups["param_groups"]})
    scheduler.load_state_dict(json.loads((directory / "scheduler.json").read_text()))


def save_random(directory: Path) -> None:
    """Write the state of every random generator."""
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    save_file(tensors, directory / "random.safetensors")
    legacy: Any = numpy.random.get_state()
    name, keys, *rest = legacy
    plain = {"python": random.getstate(), "numpy": [name, keys.tolist(), *rest]}
    (directory / "random.json").write_text(json.dumps(plain))


def load_random(directory: Path) -> None:
    """Restore every random generator."""
    tensors = load_file(directory / "random.safetensors")
    torch.set_rng_state(tensors["torch"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    plain = json.loads((directory / "random.json").read_text())
    version, internal, gauss = plain["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = plain["numpy"]
    numpy.random.set_state((name, numpy.array(keys, dtype=numpy.uint32), *rest))
