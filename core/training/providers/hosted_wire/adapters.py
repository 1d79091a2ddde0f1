"""Downloaded adapters: unpacked, brought into PEFT's layout, and verified before anything loads them."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from core.models.llm.failures import LlmError
from core.platform import disk

CONFIG, WEIGHTS, CHECKSUMS = "adapter_config.json", "adapter_model.safetensors", "SHA256SUMS"
_KEPT: Final = frozenset({".json", ".safetensors", ".txt", ".md", ".jinja", ".model", ""})  # nothing that is executed
_MOST_FILES: Final = 1_000
_BLOCK: Final = 1 << 20
_MOST_BYTES: Final = 64 << 30
_MOST_HEADER: Final = 100 << 20
_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"


def unpack(archive: Path, into: Path) -> None:
    """Unpack a zip or tar archive (also gz and zst) into a folder; files without folders, and nothing outside it.

    Raises:
        LlmError: it is not such an archive, or it holds more than an adapter has.
    """
    try:
        with archive.open("rb") as stream:
            members = _zip(stream) if zipfile.is_zipfile(stream) else _tar(stream)
            _extract(members, into)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise LlmError(f"The downloaded adapter cannot be unpacked ({type(error).__name__}).", cause="broken") from None


def plain_name(name: str) -> str:
    """The name of a file without folders; "" for one that an adapter does not need."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    return plain if plain and not plain.startswith(".") and PurePosixPath(plain).suffix in _KEPT else ""


def keep(part: Path, name: str, into: Path) -> None:
    """Put a downloaded file into the folder of the adapter: unpacked if it is an archive, else under its name."""
    with part.open("rb") as stream:
        start = stream.read(4)
    if zipfile.is_zipfile(part) or tarfile.is_tarfile(part) or start == _ZSTD or start[:2] == _GZIP:
        unpack(part, into)
    elif name:
        part.replace(into / name)


def _extract(members: Iterator[tuple[str, int, IO[bytes]]], into: Path) -> None:
    total = 0
    for count, (name, size, stream) in enumerate(members, 1):
        total += size
        if count > _MOST_FILES or total > _MOST_BYTES:
            raise LlmError("The downloaded archive holds more than an adapter.", cause="broken")
        plain = plain_name(name)
        if not plain:
            continue  # weights as pickle, and whatever else is not needed
        disk.require(size, "the adapter", into)
        with (into / plain).open("wb") as out:
            while size > 0 and (data := stream.read(min(size, _BLOCK))):
                size -= out.write(data)  # no more than the member says that it has


def _zip(stream: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as content:
                    yield member.filename, member.file_size, content


def _tar(stream: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    with _plain(stream) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, member.size, content


@contextmanager
def _plain(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    import pyarrow

    stream.seek(0)
    start = stream.read(4)
    stream.seek(0)
    kind = "zstd" if start == _ZSTD else "gzip" if start[:2] == _GZIP else ""
    if not kind:
        yield stream
        return
    with pyarrow.CompressedInputStream(stream, kind) as opened:
        yield opened


def verify(folder: Path, *, weights_sha256: str = "") -> None:
    """Check an adapter in PEFT's layout: its checksums where it has them, its configuration, and its weights.

    Args:
        weights_sha256: what the service says of the weights; "" if it says nothing.

    Raises:
        LlmError: a file is missing or damaged; names it.
    """
    for line in _lines(folder / CHECKSUMS):
        digest, _, name = line.partition("  ")
        path = folder / PurePosixPath(name.strip()).name
        if path.suffix in _KEPT and (not path.is_file() or _sha256(path) != digest):
            raise _damaged(path.name, "it is not what the service stored")
    config, weights = folder / CONFIG, folder / WEIGHTS
    try:
        if not json.loads(config.read_text(encoding="utf-8")).get("peft_type"):
            raise _damaged(CONFIG, "it names no PEFT type")
    except (OSError, ValueError, AttributeError, RecursionError):
        raise _damaged(CONFIG, "it is missing or not JSON") from None
    _check_weights(weights)
    if weights_sha256 and _sha256(weights) != weights_sha256:
        raise _damaged(WEIGHTS, "its checksum is another one")


def _check_weights(path: Path) -> None:
    """Whether a safetensors file is complete: its header says where the last tensor ends."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(_MOST_HEADER, path.stat().st_size - 8):
                raise _damaged(WEIGHTS, "its header is cut off")
            header = json.loads(stream.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise _damaged(WEIGHTS, "it is missing or not a safetensors file") from None
    if not ends or 8 + length + max(ends) != path.stat().st_size:
        raise _damaged(WEIGHTS, "it is cut off")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(name: str, why: str) -> LlmError:
    return LlmError(f"{name} of the downloaded adapter is damaged: {why}.", "Fetch it again.", cause="broken")
