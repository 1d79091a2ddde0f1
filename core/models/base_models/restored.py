"""Base models that were restored from another form of their weights.

They are ordinary model directories in `bases/`, with `source.json` beside the weights: where those came from.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from core.errors import Conflict
from core.models.base_models import model_text
from core.models.base_models.gguf.file import bits
from core.settings import get_settings

FILE_NAME: Final = "source.json"
PARTIAL, REMOVED = ".partial", ".removed"  # of a directory that is not complete yet, and of one that is deleted now


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


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder of restored files for the block; what a killed process left beside it is removed first.

    Raises:
        Conflict: another task writes this folder now.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    with _held(folder.name, folder.parent) as free:
        if not free:
            raise Conflict("Another task is getting this model.", "Wait until it has ended.")
        yield


@contextmanager
def _held(name: str, place: Path) -> Iterator[bool]:
    """Whether the lock of a name was free; it is held for the block."""
    with (place / f".{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _sweep(place: Path) -> None:
    for suffix in (PARTIAL, REMOVED):
        for left in place.glob(f".*{suffix}"):
            with _held(left.name.removeprefix(".").removesuffix(suffix), place) as free:
                if free:
                    shutil.rmtree(left, ignore_errors=True)
