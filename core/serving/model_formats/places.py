"""Where the files of an export lie: in the data directory's cache, because they can always be written again."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from core.platform.storage import safe_key
from core.settings import get_settings


def export_directory(model_id: str, format_id: str) -> Path:
    """The directory of one format of a model; complete if it exists."""
    return _exports(model_id) / safe_key(format_id)


def archive_file(model_id: str, format_id: str) -> Path:
    """The zip archive of one format of a model."""
    return get_settings().data_dir / "cache" / "downloads" / f"{safe_key(model_id)}-{safe_key(format_id)}.zip"


def base_gguf(base_id: str, revision: str, kind: str) -> Path:
    """The GGUF file of a base model, shared by every adapter that is served beside it."""
    return _base_ggufs() / f"{_hash(base_id)}-{_hash(revision)}-{kind}.gguf"


def base_gguf_bytes(base_id: str) -> int:
    """The size of the GGUF files of a base model, of all revisions and precisions."""
    return sum(file.stat().st_size for file in _base_ggufs().glob(f"{_hash(base_id)}-*"))


def remove_base_gguf(base_id: str) -> None:
    """Delete the GGUF files of a base model."""
    for file in _base_ggufs().glob(f"{_hash(base_id)}-*"):
        file.unlink(missing_ok=True)


def remove_exports(model_id: str) -> None:
    """Delete every export of a model."""
    shutil.rmtree(_exports(model_id), ignore_errors=True)
    for archive in archive_file(model_id, "x").parent.glob(f"{safe_key(model_id)}-*.zip"):
        archive.unlink(missing_ok=True)


def _base_ggufs() -> Path:
    return get_settings().data_dir / "cache" / "gguf"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _exports(model_id: str) -> Path:
    return get_settings().data_dir / "cache" / "exports" / safe_key(model_id)
