"""Files of datasets, uploads, checkpoints and adapters, behind fsspec: a local directory or any store by URL.

Keys are relative POSIX paths such as `datasets/ds_1/v1/manifest.json`. A file is written under a temporary name,
flushed to disk and renamed, so that a key either holds the complete content or does not exist. Of several files that
belong together, the manifest is written last.
"""

from __future__ import annotations

import os
import posixpath
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, cast

import fsspec

from core.errors import StorageError
from core.platform import disk
from core.settings import get_settings

MANIFEST = "manifest.json"
_SAFE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_TEMPORARY = ".tmp-"


def safe_key(key: str) -> str:
    """Return the key if it is valid: not absolute, without `..`, backslashes, control characters and hidden names.

    Raises:
        StorageError: the key could point outside the store, or to a hidden file.
    """
    if len(key) > 1024 or not _SAFE_KEY.fullmatch(key) or ".." in key.split("/"):
        raise StorageError(f"{key[:80]!r} is not a valid storage key.", "Use letters, digits, dot, dash and slash.")
    return key


class Storage:
    """A flat store of files under one root.

    Args:
        url: a local directory, or an fsspec URL such as `s3://bucket/prefix`.
        cache: folder for copies of remote files, where a local path is needed.
    """

    def __init__(self, url: str, cache: Path) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._cache = cache
        protocols = self._fs.protocol if isinstance(self._fs.protocol, tuple | list) else (self._fs.protocol,)
        self.is_local = "file" in protocols

    def _path(self, key: str) -> str:
        return posixpath.join(self._root, safe_key(key))

    # ---- reading

    def exists(self, key: str) -> bool:
        return bool(self._fs.exists(self._path(key)))

    def size(self, key: str) -> int:
        """Bytes of the file behind `key`; StorageError if there is none."""
        try:
            return int(self._fs.size(self._path(key)))
        except OSError as error:
            raise self._missing(key) from error

    def open_read(self, key: str) -> BinaryIO:
        try:
            return cast(BinaryIO, self._fs.open(self._path(key), "rb"))
        except OSError as error:
            raise self._missing(key) from error

    def blocks(self, key: str) -> Iterator[bytes]:
        """A file in blocks of a megabyte. A missing one raises here, not at the first block."""
        return blocks_of(self.open_read(key))

    def read_bytes(self, key: str) -> bytes:
        with self.open_read(key) as stream:
            return stream.read()

    def folders(self, prefix: str) -> list[str]:
        """The names directly below `prefix`, sorted."""
        try:
            names: list[str] = self._fs.ls(self._path(prefix), detail=False)
        except FileNotFoundError:
            return []
        return sorted(posixpath.basename(name.rstrip("/")) for name in names)

    def list(self, prefix: str) -> list[str]:
        """The keys of all files below `prefix`, sorted, without unfinished temporary files."""
        try:
            names: list[str] = self._fs.find(self._path(prefix))
        except FileNotFoundError:
            return []
        keys = (posixpath.relpath(name, self._root) for name in names)
        return sorted(key for key in keys if not posixpath.basename(key).startswith(_TEMPORARY))

    def local_path(self, key: str) -> Path:
        """A path on this machine that holds the file: the file itself in a local store, else a cached copy."""
        path = self._path(key)
        if self.is_local:
            if not os.path.isfile(path):
                raise self._missing(key)
            return Path(path)
        target = self._cache / key
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f"{_TEMPORARY}{secrets.token_hex(6)}")
            try:
                self._fs.get_file(path, str(part))
            except OSError as error:
                raise self._missing(key) from error
            part.rename(target)
        return target

    def local_dir(self, prefix: str) -> Path:
        """A directory on this machine that holds every file below `prefix`."""
        if self.is_local:
            return Path(self._path(prefix))
        for key in self.list(prefix):
            self.local_path(key)
        return self._cache / safe_key(prefix)

    # ---- writing

    @contextmanager
    def open_write(self, key: str) -> Iterator[IO[bytes]]:
        """A file to write to; it appears under `key`, complete and on disk, when the block ends without an error."""
        path = self._path(key)
        folder, name = posixpath.split(path)
        part = posixpath.join(folder, f"{_TEMPORARY}{secrets.token_hex(6)}-{name}")
        if not self.is_local:
            # Object stores publish an object when it is closed; a failed upload must not be closed into place.
            self._fs.makedirs(folder, exist_ok=True)
            try:
                with self._fs.open(part, "wb") as stream:
                    yield stream
                self._fs.mv(part, path)
            except BaseException:
                if self._fs.exists(part):
                    self._fs.rm(part)
                raise
            self._forget(key)
            return
        os.makedirs(folder, exist_ok=True)
        try:
            with open(part, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(part, path)
            _sync_directory(folder)
        except OSError as error:
            if disk.is_full(error):
                raise disk.full() from error
            remedy = "Check that the data directory exists and is writable."
            raise StorageError(f"{key!r} could not be written: {error.strerror}.", remedy) from error
        finally:
            if os.path.exists(part):
                os.unlink(part)

    def write_bytes(self, key: str, content: bytes) -> None:
        with self.open_write(key) as stream:
            stream.write(content)

    def put_dir(self, local: Path, prefix: str, *, gives: bool = False) -> None:
        """Copy every file of a local directory below `prefix`; a manifest.json at its top is copied last.

        Args:
            gives: the files are not written again, so that a local store may take them as they are.
        """
        files = sorted(path for path in local.rglob("*") if path.is_file())
        try:
            for path in sorted(files, key=lambda item: item == local / MANIFEST):
                target_key = f"{prefix}/{path.relative_to(local).as_posix()}"
                if gives and self.is_local and self._linked(path, target_key):
                    continue
                with path.open("rb") as source, self.open_write(target_key) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        except StorageError:
            self.delete(prefix)  # half a directory is of no use, and takes the space
            raise

    def _linked(self, path: Path, key: str) -> bool:
        """Whether a file could be made the file behind a key without copying it: it is on the same file system."""
        target = self._path(key)
        folder, name = posixpath.split(target)
        part = posixpath.join(folder, f"{_TEMPORARY}{secrets.token_hex(6)}-{name}")
        os.makedirs(folder, exist_ok=True)
        try:
            os.link(path, part)
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            os.replace(part, target)
            _sync_directory(folder)
        except OSError:
            return False
        finally:
            if os.path.exists(part):  # also where both are the same file: then a rename does nothing
                os.unlink(part)
        return True

    def delete(self, prefix: str) -> None:
        """Delete a file, or everything below a prefix, if it exists."""
        path = self._path(prefix)
        if self.is_local:
            self._delete_local(path)
            return
        if self._fs.exists(path):
            self._fs.rm(path, recursive=True)
        self._forget(prefix)

    def _delete_local(self, path: str) -> None:
        """Rename first, so that it disappears at once and a concurrent writer cannot keep the folder alive."""
        doomed = posixpath.join(posixpath.dirname(path), f"{_TEMPORARY}{secrets.token_hex(6)}-deleted")
        try:
            os.replace(path, doomed)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(
                f"{path!r} could not be deleted: {error.strerror}.", "Check that the data directory is writable."
            ) from error
        if os.path.isdir(doomed):
            shutil.rmtree(doomed, ignore_errors=True)
        else:
            os.unlink(doomed)

    def _forget(self, key: str) -> None:
        """Drop the cached copy of a remote file or prefix."""
        cached = self._cache / key
        if cached.is_dir():
            shutil.rmtree(cached)
        else:
            cached.unlink(missing_ok=True)

    def _missing(self, key: str) -> StorageError:
        return StorageError(
            f"The file {key!r} is not in the store.", "It was deleted, or STORAGE_URL names another store."
        )


def _sync_directory(folder: str) -> None:
    """Make a rename durable: the directory entry has to reach the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def get_storage() -> Storage:
    """The store of the current settings: `STORAGE_URL`, or `files/` in the data directory."""
    settings = get_settings()
    return _storage(settings.storage_url or str(settings.data_dir / "files"), settings.data_dir / "cache")


@lru_cache(maxsize=8)
def _storage(url: str, cache: Path) -> Storage:
    return Storage(url, cache)


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of a file in blocks of a megabyte; closes it."""
    with stream:
        while block := stream.read(1 << 20):
            yield block
