"""Base models that were restored from another form of their weights.

They are ordinary model directories in `bases/`, with `source.json` beside the weights: where those came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from core.models.base_models import model_text
from core.models.base_models.gguf_file import bits
from core.settings import get_settings

FILE_NAME: Final = "source.json"


@dataclass(frozen=True, slots=True)
class RestoredFrom:
    """The file that a base model was restored from.

    Args:
        file: its name.
        sha256: of the file, in hex.
        bytes: its size.
        quantization: the type of most of its weights, such as Q4_1.
        name: what the file calls the model.
        license: the license's id, as the file says; "" where it says none.
        fetched_from: where the file was fetched from, such as the package and its version; a path for a file of a
            user.
    """

    file: str
    sha256: str
    bytes: int
    quantization: str
    name: str = ""
    license: str = ""
    fetched_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What a card says: that weights were quantized once, they are not as precise as the original ones."""
        width = bits(self.quantization)
        return f"Restored from {width}-bit weights." if width else f"Restored from {self.quantization} weights."

    def write(self, directory: Path) -> None:
        (directory / FILE_NAME).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def restored_from(directory: Path) -> RestoredFrom | None:
    """The origin of a directory's files; None where it has no readable `source.json`."""
    try:
        found: dict[str, Any] = model_text.read_json(directory / FILE_NAME)
        known = {one.name for one in fields(RestoredFrom)}
        return RestoredFrom(**{key: value for key, value in found.items() if key in known})
    except Exception:  # a directory by others may have a file of this name
        return None


def bases_directory() -> Path:
    """The folder of restored bases; a name that begins with a dot is not one."""
    return get_settings().data_dir / "bases"


def folder_of(hub_id: str) -> Path:
    """Where a model of the catalog is restored; it may not exist yet."""
    return bases_directory() / hub_id.replace("/", "--")
