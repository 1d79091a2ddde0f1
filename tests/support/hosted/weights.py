"""A small adapter in PEFT's layout, as services return it: files, a zip archive, a tar archive."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from functools import lru_cache

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    import numpy
    from safetensors.numpy import save

    name = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {
        f"{name}.lora_A.weight": numpy.ones((4, 8), numpy.float32),
        f"{name}.lora_B.weight": numpy.zeros((8, 4), numpy.float32),
    }
    config = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "m",
    }
    return {CONFIG: json.dumps(config).encode(), WEIGHTS: save(tensors)}


def zipped(**more: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in {**files(), **more}.items():
            archive.writestr(f"adapter/{name}", data)
    return stream.getvalue()


def tarred(kind: str = "zst", **more: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in {**files(), **more}.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    if kind != "zst":
        return stream.getvalue()
    import pyarrow

    return pyarrow.compress(stream.getvalue(), codec="zstd", asbytes=True)
