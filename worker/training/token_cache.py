"""Cached tokens and labels of a dataset: a resume, a calibration and a second job skip rendering and tokenizing.

One safetensors file per (contents of the examples, tokenizer, chat template, versions of the rendering code). The ids
are not truncated: the maximum length is applied afterwards. A file is written under a temporary name and renamed, and
contains the digest of its contents: a damaged one is created again. Two processes may write the same file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from core.messages import Example
from core.settings import get_settings

MAX_BYTES: Final = 2 << 30  # of all files; the least recently used ones are deleted first
_RENDERING: Final = 3  # increase it when core/models/render.py returns other tokens for the same example
_LIBRARIES: Final = ("tokenizers", "transformers")

Encoded = tuple[list[int], list[int]]  # `input_ids` and `loss` of core.models.render.Rendered


def directory() -> Path:
    """The folder of the cache."""
    return get_settings().data_dir / "cache" / "tokens"


def key_of(examples: Sequence[Example], tokenizer: Any, on_refusal: str = "stop") -> str:
    """The cache key of these examples with this tokenizer."""
    digest = hashlib.sha256()
    about = [_RENDERING, [version(name) for name in _LIBRARIES], tokenizer.chat_template, tokenizer.special_tokens_map]
    about.append(on_refusal)
    digest.update(json.dumps(about, sort_keys=True, default=str).encode())
    digest.update(tokenizer.backend_tokenizer.to_str().encode())
    for example in examples:
        messages = [message.to_dict() for message in example.messages]
        digest.update(json.dumps(messages, sort_keys=True).encode() + b"\n")
        if example.tools:  # in their order: a template writes their keys as they come
            digest.update(json.dumps(example.tools).encode() + b"\n")
        if example.split == "test":  # has no tokens
            digest.update(b"test\n")
    return digest.hexdigest()[:40]


def load(folder: Path, key: str, examples: int) -> list[Encoded] | None:
    """The tokens stored under a key; None if there are none, or if they do not verify."""
    path = folder / f"{key}.safetensors"
    try:
        with safe_open(path, "pt") as file:
            parts = {name: file.get_tensor(name) for name in ("ids", "loss", "lengths")}
            intact = (file.metadata() or {}).get("sha256") == _digest(parts)
    except (OSError, SafetensorError, KeyError):
        return None
    lengths = parts["lengths"].tolist()
    if not intact or len(lengths) != examples or sum(lengths) != len(parts["ids"]):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    ids, loss = parts["ids"].split(lengths), parts["loss"].split(lengths)
    return [(one.tolist(), other.tolist()) for one, other in zip(ids, loss, strict=True)]


def save(folder: Path, key: str, encoded: Sequence[Encoded], *, most_bytes: int = MAX_BYTES) -> None:
    """Store tokens under a key and delete the oldest files beyond `most_bytes`. On a full disk nothing is stored."""
    parts = {
        "ids": torch.tensor([token for ids, _ in encoded for token in ids], dtype=torch.int32),
        "loss": torch.tensor([kind for _, kinds in encoded for kind in kinds], dtype=torch.uint8),
        "lengths": torch.tensor([len(ids) for ids, _ in encoded], dtype=torch.int64),
    }
    temporary = folder / f".{key}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(parts, temporary, metadata={"sha256": _digest(parts)})
        temporary.rename(folder / f"{key}.safetensors")
    except (OSError, SafetensorError):  # the cache only saves time
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        return
    _evict(folder, most_bytes)


def _evict(folder: Path, most_bytes: int) -> None:
    files = []
    for path in folder.glob("*.safetensors"):
        with contextlib.suppress(OSError):  # another process deleted it
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= most_bytes:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size


def _digest(parts: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(parts[name].numpy().tobytes())
    return digest.hexdigest()
