"""Which model of the catalog a directory holds: a model that was copied or restored by hand gets the same presets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.models.base_models.catalog import BASE_MODELS, HubModel
from core.models.base_models.restored import restored_from

_SAME_SIZE: Final = 0.05  # the catalog gives parameters as their card does, rounded


def entry_for(path: Path, params: int) -> HubModel | None:
    """The entry whose name begins the directory's name, or that of the file it was restored from, at the same size.

    Args:
        params: how many parameters the weights have; a folder's name alone proves nothing.
    """
    origin = restored_from(path)
    names = [_plain(path.name), *([_plain(origin.file)] if origin else [])]
    for entry in BASE_MODELS:
        own = _plain(entry.id)
        close = abs(params - entry.billions * 1e9) <= _SAME_SIZE * params
        if close and any(name.startswith(own) for name in names):
            return entry
    return None


def _plain(name: str) -> str:
    """The name without its organization, in lower case: `HuggingFaceTB--SmolLM2-135M` is `smollm2-135m`."""
    return name.replace("--", "/").rpartition("/")[2].lower()
