"""Restore a base model from a GGUF file: an ordinary directory of bf16 safetensors with its tokenizer.

Everything is written into a temporary directory beside the final one, `source.json` last, checked as every directory
is, then renamed: an interrupted restore leaves nothing that looks finished.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from core.errors import Conflict, DataError
from core.models.base_models import local_folder
from core.models.base_models.gguf import file as gguf_file
from core.models.base_models.gguf.file import GgufFile
from core.models.base_models.gguf.vocabulary import special_tokens
from core.models.base_models.restored import PARTIAL, RestoredFrom, restored_from
from core.platform import disk
from worker.training.gguf_restore.refusals import refused, refusing
from worker.training.gguf_restore.shape import model_config, save_config
from worker.training.gguf_restore.tokenizer import save_tokenizer
from worker.training.gguf_restore.weights import save_weights

Progress = Callable[[float, str], None]  # percent 0..100 and a description; it may raise to stop the restore
_READ_BYTES: Final = 4 << 20


def restore(
    file: Path,
    directory: Path,
    progress: Progress,
    *,
    fetched_from: Mapping[str, str] | None = None,
    license_text: str = "",
) -> RestoredFrom:
    """Restore the model of a GGUF file into `directory`; one that has this file's model already is left as it is.

    Args:
        fetched_from: for `source.json`: where the file was fetched from.
        license_text: the license that came with the file, for the directory's LICENSE.

    Raises:
        DataError: the file cannot be restored; says why. Conflict: the directory has another model.
        StorageError: the disk has too little space.
    """
    progress(0, "Checking the file")
    header = gguf_file.read(file)
    origin = RestoredFrom(
        file=file.name,
        sha256=_sha256(file, lambda share: progress(1 + 4 * share, "Checking the file")),
        bytes=file.stat().st_size,
        quantization=header.quantization,
        name=_text(header, "general.name", 200),
        license=_text(header, "general.license", 100),
        fetched_from=dict(fetched_from or {"path": str(file)}),
    )
    if directory.exists():
        return _existing(directory, origin)
    disk.require(2 * header.params, "restoring the model", directory.parent)
    temporary = directory.with_name(f".{directory.name}{PARTIAL}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        _write(header, temporary, progress)
        if license_text:
            (temporary / "LICENSE").write_text(license_text, encoding="utf-8")
        progress(96, "Checking the restored model")
        _check(temporary, file)
        origin.write(temporary)
        temporary.rename(directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    progress(100, "Ready")
    return origin


def _text(header: GgufFile, key: str, longest: int) -> str:
    """A text of the file for lists and terminals, without the characters that a terminal acts upon."""
    value = header.metadata.get(key, "")
    return "".join(filter(str.isprintable, value))[:longest] if isinstance(value, str) else ""


def _write(header: GgufFile, directory: Path, progress: Progress) -> None:
    tokens = special_tokens(header.metadata)
    config = model_config(header, tokens)
    progress(6, "Restoring the tokenizer")
    with refusing(header.path):
        save_tokenizer(header, tokens, directory)
    save_weights(header, config, directory, lambda share: progress(10 + 85 * share, "Restoring the weights"))
    save_config(config, tokens, directory)


def _check(directory: Path, file: Path) -> None:
    """Check the directory as every base model is; what is wrong with it is wrong with the file."""
    try:
        local_folder.inspect(directory)
    except DataError as error:
        raise refused(file, error.message.removeprefix(f"{directory.name}: ").rstrip(".")) from error


def _existing(directory: Path, origin: RestoredFrom) -> RestoredFrom:
    found = restored_from(directory)
    if found is None or found.sha256 != origin.sha256:
        raise Conflict(
            f"{directory} has another model already.", "Remove that base model first, or choose another name."
        )
    return found


def _sha256(file: Path, progress: Callable[[float], None]) -> str:
    """The digest of a file, read in pieces."""
    digest, done, size = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as stream:
        while piece := stream.read(_READ_BYTES):
            digest.update(piece)
            done += len(piece)
            progress(done / size)
    return digest.hexdigest()
