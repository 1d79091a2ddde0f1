"""Tokens and labels of a dataset, kept by what they depend on, so that a resume, a calibration and a second job with
the same data and tokenizer skip rendering and tokenising.

One safetensors file per (contents of the examples, tokenizer, chat template, versions of the code that renders). The
ids are whole: the maximum length and what it costs are applied afterwards. A file is written under a temporary name and
renamed, and holds the digest of its contents: a damaged one is made again. Two processes may write the same file.
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

MAX_BYTES: Final = 2 << 30  # of all files; the ones that were used longest ago go first
_RENDERING: Final = 2  # goes up when core/models/render.py returns other tokens for the same example
_LIBRARIES: Final = ("tokenizers", "transformers")

Encoded = tuple[list[int], list[int]]  # `input_ids` and `loss` of core.models.render.Rendered


def directory() -> Path:
    """Where the studio keeps them."""
    return get_settings().data_dir / "cache" / "tokens"


def key_of(examples: Sequence[Example], tokenizer: Any) -> str:
    """The name of the tokens of these examples with this tokenizer."""
    digest = hashlib.sha256()
    about = [_RENDERING, [version(name) for name in _LIBRARIES], tokenizer.chat_template, tokenizer.special_tokens_map]
    digest.update(json.dumps(about, sort_keys=True, default=str).encode())
    digest.update(tokenizer.backend_tokenizer.to_str().encode())
    for example in examples:
        messages = [message.to_dict() for message in example.messages]
        digest.update(json.dumps(messages, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()[:40]


def load(folder: Path, key: str, examples: int) -> list[Encoded] | None:
    """What is kept under a key; None where nothing is, or where it does not verify."""
    path = folder / f"{key}.safetensors"
    try:
        with safe_open(path, "pt") as file:
            parts = {name: file.get_tensor(name) for name in ("ids", "loss", "lengths")}
            sound = (file.metadata() or {}).get("sha256") == _digest(parts)
    except (OSError, SafetensorError, KeyError):
        return None
    lengths = parts["lengths"].tolist()
    if not sound or len(lengths) != examples or sum(lengths) != len(parts["ids"]):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    ids, loss = parts["ids"].split(lengths), parts["loss"].split(lengths)
    return [(one.tolist(), other.tolist()) for one, other in zip(ids, loss, strict=True)]


def save(folder: Path, key: str, encoded: Sequence[Encoded], *, most_bytes: int = MAX_BYTES) -> None:
    """Keep tokens under a key and put out the oldest beyond `most_bytes`. A disk that is full keeps nothing."""
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
    except (OSError, SafetensorError):  # only to be quicker next time
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        return
    _put_out(folder, most_bytes)


def _put_out(folder: Path, most_bytes: int) -> None:
    files = []
    for path in folder.glob("*.safetensors"):
        with contextlib.suppress(OSError):  # another process was quicker
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
