"""A model's files as one zip archive."""

from __future__ import annotations

import shutil
import time
import zipfile
from pathlib import Path

from core.errors import NotFound
from core.platform import disk
from core.platform.storage import get_storage
from core.services.training.models.reader import get_model
from core.services.training.models.records import ModelDownload
from core.settings import get_settings


def download(model_id: str, *, merged: bool = False) -> ModelDownload:
    """The model's files and manifest as one zip archive; created once (a model never changes) and cached.

    Args:
        merged: the merged model instead of the adapter.

    Raises:
        NotFound: there is no such model, its files were deleted, or it was not merged.
    """
    model = get_model(model_id)
    if merged and model.merged is None:
        raise NotFound(f"“{model.name}” has not been merged into its base.", "Merge it in Models first.")
    path = model.merged.path if merged and model.merged else model.path
    target = get_settings().data_dir / "cache" / "downloads" / f"{path.rpartition('/')[2]}.zip"
    if not target.is_file():
        _zip(model.name, path, target)
    plain = "".join(char if char.isalnum() or char in "-_." else "-" for char in model.name).strip("-.") or model.id
    return ModelDownload(f"{plain}{'-merged' if merged else ''}.zip", target, target.stat().st_size)


def _zip(name: str, path: str, target: Path) -> None:
    storage = get_storage()
    keys = storage.list(path)
    if not keys:
        raise NotFound(f"The files of “{name}” were deleted.", "Retry its job to create them again.")
    target.parent.mkdir(parents=True, exist_ok=True)
    disk.require(sum(storage.size(key) for key in keys), "the download", target.parent)
    part = target.with_suffix(f".{time.monotonic_ns()}.part")
    try:
        # weights do not compress: stored as they are
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive_file:
            for key in keys:
                with storage.open_read(key) as source, archive_file.open(key[len(path) + 1 :], "w") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
