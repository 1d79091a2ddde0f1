"""A complete model as one GGUF file: f16 or q8_0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import gguf
import numpy

from core.errors import SettingsError, TrainingError
from core.platform import disk
from worker.serving.gguf_write.architecture import LARGEST_F16, Architecture
from worker.serving.gguf_write.vocabulary import add_vocabulary
from worker.serving.gguf_write.weights_file import StoredTensor, tensors_of
from worker.serving.gguf_write.writing import written

Kind = Literal["f16", "q8_0"]
Progress = Callable[[float], None]  # of 0..1; it may raise to stop

_BLOCK: Final = 32  # weights of a row that share a scale in q8_0
_FILE_TYPES: Final = {"f16": gguf.LlamaFileType.MOSTLY_F16, "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}
_F32: Final[gguf.GGMLQuantizationType] = gguf.GGMLQuantizationType.F32
_F16: Final[gguf.GGMLQuantizationType] = gguf.GGMLQuantizationType.F16
_Q8_0: Final[gguf.GGMLQuantizationType] = gguf.GGMLQuantizationType.Q8_0


def write_model(
    directory: Path, target: Path, kind: Kind, progress: Progress, *, name: str = "", license: str = ""
) -> None:
    """Write the model of a directory; an incomplete file is deleted.

    Args:
        directory: config.json, safetensors and tokenizer.json.
        name: of the model, for the file's metadata.

    Raises:
        SettingsError: the architecture or the tokenizer has no verified mapping; names it.
        TrainingError: a file is damaged, or a weight has no place. StorageError: the disk has too little space.
    """
    architecture = Architecture.of(directory)
    places = _places(architecture, tensors_of(directory))
    disk.require(_bytes(places, kind), f"the GGUF file of {name or directory.name}", target.parent)
    with written(target, architecture.name) as writer:
        writer.add_type("model")
        writer.add_name(name or directory.name)
        if license:
            writer.add_license(license)
        writer.add_file_type(_FILE_TYPES[kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        architecture.describe(writer)
        add_vocabulary(writer, directory, int(architecture.config["vocab_size"]))
        _write_tensors(writer, architecture, places, kind, progress)


def _places(architecture: Architecture, tensors: Any) -> dict[str, tuple[str, StoredTensor]]:
    """llama.cpp's name -> (transformers' name, tensor), in the order of the file."""
    tied = bool(architecture.config.get("tie_word_embeddings"))
    places: dict[str, tuple[str, StoredTensor]] = {}
    for name in sorted(tensors):
        if name.endswith(".rotary_emb.inv_freq") or (tied and name == "lm_head.weight"):
            continue
        stored = architecture.tensor_name(name)
        if stored is None:
            raise TrainingError(f"{name} has no place in a {architecture.name} model.", "Use the safetensors instead.")
        places[stored] = (name, tensors[name])
    expected = {f"blk.{layer}.attn_q.weight" for layer in range(architecture.layers)} | {"token_embd.weight"}
    if missing := sorted(expected - set(places)):
        raise TrainingError(f"The model's files have no {missing[0]}.", "Download or train the model again.")
    return places


def _type(shape: tuple[int, ...], kind: Kind) -> gguf.GGMLQuantizationType:
    if len(shape) < 2:
        return _F32  # norms and biases
    return _Q8_0 if kind == "q8_0" and shape[-1] % _BLOCK == 0 else _F16


def _bytes(places: dict[str, tuple[str, StoredTensor]], kind: Kind) -> int:
    return sum(_size(tensor.shape, _type(tensor.shape, kind)) for _, tensor in places.values()) + (16 << 20)


def _size(shape: tuple[int, ...], kind: gguf.GGMLQuantizationType) -> int:
    block, width = gguf.GGML_QUANT_SIZES[kind]
    return int(numpy.prod(shape)) // block * width


def _write_tensors(
    writer: gguf.GGUFWriter,
    architecture: Architecture,
    places: dict[str, tuple[str, StoredTensor]],
    kind: Kind,
    progress: Progress,
) -> None:
    extra = architecture.extra_tensors()
    for stored, values in extra.items():
        writer.add_tensor_info(stored, values.shape, values.dtype, values.nbytes)
    for stored, (_, tensor) in places.items():
        chosen = _type(tensor.shape, kind)
        shape = gguf.quant_shape_to_byte_shape(tensor.shape, chosen) if chosen == _Q8_0 else tensor.shape
        dtype = {_F32: numpy.float32, _F16: numpy.float16, _Q8_0: numpy.uint8}[chosen]
        size = _size(tensor.shape, chosen)
        writer.add_tensor_info(stored, shape, numpy.dtype(dtype), size, raw_dtype=chosen)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for values in extra.values():
        writer.write_tensor_data(values)
    done, total = 0, sum(int(numpy.prod(tensor.shape)) for _, tensor in places.values())
    for values, count in _converted(architecture, places, kind):
        writer.write_tensor_data(values)
        done += count
        progress(done / total)


def _converted(
    architecture: Architecture, places: dict[str, tuple[str, StoredTensor]], kind: Kind
) -> Iterator[tuple[numpy.ndarray, int]]:
    for name, tensor in places.values():
        values = architecture.arranged(name, tensor.read())
        if not numpy.isfinite(values).all():
            raise TrainingError(f"{name} has values that are not finite.", "Train the model again.")
        chosen = _type(tensor.shape, kind)
        if chosen == _F16 and float(numpy.abs(values).max()) > LARGEST_F16:
            raise SettingsError(f"{name} has values that f16 cannot hold.", "Choose q8_0, or the safetensors.")
        yield gguf.quants.quantize(values, chosen), int(numpy.prod(tensor.shape))
