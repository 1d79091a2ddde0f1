"""Checkpoints that are complete or do not exist: a temporary directory, a manifest of hashes written last, a rename.

A directory counts only if its manifest verifies, file by file, so a run never resumes from half a checkpoint.
Tensors are stored in safetensors and the rest in JSON: nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Thread
from typing import Any, Final

from safetensors import SafetensorError

from core.errors import StorageError

MANIFEST: Final = "checkpoint.json"
_NAME = re.compile(r"step-(\d{8})")
KEPT: Final = 2
WRITE_ERRORS: Final = (OSError, SafetensorError)  # safetensors raises its own error for a full disk


def save(
    root: Path, step: int, write: Callable[[Path], None], *, keep: int = KEPT, protect: Collection[int] = ()
) -> Path:
    """Write the checkpoint of `step` and return its directory; older ones beyond `keep` are removed afterwards.

    Args:
        write: fills an empty directory.
        protect: steps whose checkpoints are not removed (the best one, the last good one).

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    final = root / f"step-{step:08d}"
    temporary = root / f".step-{step:08d}.{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for left_over in root.glob(".step-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        temporary.mkdir()
        write(temporary)
        hashes = _sealed(temporary)
        manifest = temporary / MANIFEST
        manifest.write_text(json.dumps({"step": step, "files": hashes}, indent=1))
        _sync(manifest)
        if final.exists():  # the same step was saved before the run resumed from an older checkpoint
            shutil.rmtree(final)
        temporary.rename(final)
        _sync(root)
    except WRITE_ERRORS as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StorageError(
            f"The checkpoint of step {step} could not be written to {root}: {reason(error)}.",
            "Free disk space or choose another data directory, then retry: the run resumes from the last good "
            "checkpoint.",
        ) from error
    for old in sorted(_complete_looking(root), key=step_of)[:-keep]:
        if step_of(old) not in protect:
            shutil.rmtree(old, ignore_errors=True)
    return final


def newest(root: Path) -> Path | None:
    """The newest checkpoint that verifies, or None. Incomplete and corrupt ones are skipped."""
    return find(root)[0]


def find(root: Path) -> tuple[Path | None, list[int]]:
    """The newest checkpoint that verifies, and the steps of newer ones that do not."""
    skipped: list[int] = []
    for path in sorted(_complete_looking(root), key=step_of, reverse=True):
        if verify(path):
            return path, skipped
        skipped.append(step_of(path))
    return None, skipped


def of_step(root: Path, step: int) -> Path | None:
    """The checkpoint of one step, if it exists and verifies."""
    path = root / f"step-{step:08d}"
    return path if verify(path) else None


def drop_after(root: Path, step: int) -> None:
    """Remove the checkpoints of later steps: their weights are bad, and a run must not resume from them."""
    for path in _complete_looking(root):
        if step_of(path) > step:
            shutil.rmtree(path, ignore_errors=True)


def reason(error: BaseException) -> str:
    """Why a write failed, as the system reports it: `No space left on device`."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    match = re.search(r"error: ((?:(?!error: ).)+?) \(os error \d+\)", str(error))
    return match.group(1) if match else str(error).strip().rstrip(".") or type(error).__name__


def verify(directory: Path) -> bool:
    """Whether every file in the manifest exists with its hash."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        return bool(manifest["files"]) and all(
            _sha256(directory / name) == digest for name, digest in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def file_hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of every file below a directory, by its relative posix path."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): _sha256(path) for path in files}


def _sealed(directory: Path) -> dict[str, str]:
    """As `file_hashes`, with every file synced to disk: one thread syncs while this one computes hashes."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    failed: list[OSError] = []

    def sync() -> None:
        try:
            for path in files:
                _sync(path)
        except OSError as error:
            failed.append(error)

    syncing = Thread(target=sync)
    try:
        syncing.start()
    except RuntimeError:  # too little memory to start a thread
        sync()
    hashes = file_hashes(directory)
    if syncing.ident is not None:
        syncing.join()
    if failed:
        raise failed[0]
    return hashes


def tree_bytes(directory: Path) -> int:
    """Size of all files below a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file completely or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1))
    _sync(temporary)
    temporary.rename(path)


def _complete_looking(root: Path) -> list[Path]:
    return [path for path in root.glob("step-*") if _NAME.fullmatch(path.name)] if root.is_dir() else []


def step_of(path: Path) -> int:
    """The step of a checkpoint's directory; -1 for another one."""
    match = _NAME.fullmatch(path.name)
    return int(match.group(1)) if match else -1


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
