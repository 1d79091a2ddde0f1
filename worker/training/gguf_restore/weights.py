"""The weights of a GGUF file as bf16 safetensors, one tensor after the other: memory for one shard is enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy
import torch
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, get_tensor_name_map
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from core.models.base_models.gguf.file import TENSOR_TYPES, GgufFile, GgufTensor
from worker.training.gguf_restore.refusals import refused, refusing

SHARD_WEIGHTS: Final = 1_000_000_000  # 2 GB in bf16
_PIECE: Final = 1 << 24  # weights that are dequantized at a time: 64 MB as fp32
_EMBEDDED: Final = frozenset({"rope_freqs.weight"})  # in the config instead
_PERMUTED: Final = ("attn_q.weight", "attn_k.weight", "attn_q.bias", "attn_k.bias")


def save_weights(file: GgufFile, config: Any, directory: Path, progress: Callable[[float], None]) -> None:
    """Write every weight of the file under transformers' name.

    Args:
        progress: of 0..1, called between pieces of tensors; it may raise to stop.

    Raises:
        DataError: a weight of the model is missing, has no place in it, or another shape.
    """
    with refusing(file.path):
        names = _places(file, config)
    shards: list[list[GgufTensor]] = [[]]
    for tensor in file.tensors:
        if tensor.name not in names:
            continue
        if shards[-1] and sum(one.count for one in shards[-1]) + tensor.count > SHARD_WEIGHTS:
            shards.append([])
        shards[-1].append(tensor)
    done, total = 0, sum(tensor.count for shard in shards for tensor in shard)
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        target = "model.safetensors" if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        tensors: dict[str, torch.Tensor] = {}
        for tensor in shard:
            tensors[names[tensor.name]] = _restored(file, config, tensor, partial(_report, progress, done, total))
            done += tensor.count
        save_file(tensors, directory / target, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(tensors, target)
    if len(shards) > 1:
        index = {"metadata": {"total_size": 2 * total}, "weight_map": weight_map}
        (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def _report(progress: Callable[[float], None], before: int, total: int, now: int) -> None:
    progress((before + now) / total)


def rows_of(file: GgufFile, tensor: GgufTensor) -> Iterator[numpy.ndarray]:
    """The weights of a tensor as fp32, in pieces of complete rows: each of shape (rows, weights of a row)."""
    _, block, width = TENSOR_TYPES[tensor.type_id]
    rows, length = tensor.count // tensor.shape[-1], tensor.shape[-1]
    row_bytes = length // block * width
    stored = numpy.memmap(file.path, mode="r", dtype=numpy.uint8, offset=tensor.begin, shape=(rows, row_bytes))
    step = max(1, _PIECE // length)
    for start in range(0, rows, step):
        yield dequantize(numpy.ascontiguousarray(stored[start : start + step]), GGMLQuantizationType(tensor.type_id))


def _restored(file: GgufFile, config: Any, tensor: GgufTensor, progress: Callable[[int], None]) -> torch.Tensor:
    """One tensor in bf16, of shape `tensor.shape`."""
    result = torch.empty(tensor.count // tensor.shape[-1], tensor.shape[-1], dtype=torch.bfloat16)
    row = 0
    for piece in rows_of(file, tensor):
        result[row : row + len(piece)] = torch.from_numpy(numpy.require(piece, requirements="W"))
        row += len(piece)
        progress(row * tensor.shape[-1])
    result = result.reshape(tensor.shape)
    if file.architecture == "llama" and tensor.name.endswith(_PERMUTED):
        heads = config.num_attention_heads if "attn_q" in tensor.name else config.num_key_value_heads
        result = unpermuted(result, heads)
    if not torch.isfinite(result).all():
        raise refused(file.path, f"{tensor.name} has values that are not finite")
    return result


def unpermuted(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a projection in transformers' order: the two halves of each head.

    llama.cpp stores them by pairs, because its rotary embedding turns neighbors. Source: `convert_hf_to_gguf.py`.
    """
    pairs = weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:])
    return pairs.transpose(1, 2).reshape(weight.shape).contiguous()


def _places(file: GgufFile, config: Any) -> dict[str, str]:
    """transformers' name of each tensor of the file."""
    architecture = next(MODEL_ARCH(key) for key, name in MODEL_ARCH_NAMES.items() if name == file.architecture)
    known = get_tensor_name_map(architecture, config.num_hidden_layers)
    with torch.device("meta"):
        state = AutoModelForCausalLM.from_config(config).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if config.tie_word_embeddings:
        shapes.pop("lm_head.weight", None)
    places: dict[str, str] = {}
    for name in shapes:
        stem, _, suffix = name.rpartition(".")
        if stored := known.get_name(stem):
            places[f"{stored}.{suffix}"] = name
    found = {tensor.name: tensor.shape for tensor in file.tensors}
    if lost := sorted(set(shapes) - {places[name] for name in found if name in places}):
        raise refused(file.path, f"{lost[0]} is missing")
    if extra := sorted(set(found) - set(places) - _EMBEDDED):
        raise refused(file.path, f"{extra[0][:100]} has no place in a {file.architecture} model")
    for stored, name in places.items():
        if found[stored] != shapes[name]:
            raise refused(file.path, f"{stored} is {_by(found[stored])} instead of {_by(shapes[name])}")
    return places


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
