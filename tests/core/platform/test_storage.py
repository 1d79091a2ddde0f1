"""Storage: keys stay inside, files appear whole or not at all, manifests go last; local and remote alike."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from core.errors import StorageError
from core.platform.storage import Storage, get_storage, safe_key


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    url = str(tmp_path / "files") if request.param == "local" else f"memory://{tmp_path.name}"
    return Storage(url, tmp_path / "cache")


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a\\b", "~/x", ".hidden", "a/.hidden", "a\nb", "a\0b",
     "%2e%2e/x", "a/", "x" * 2000, "a b", "naïve"],
)  # fmt: skip
def test_keys_that_could_lead_outside_are_refused(key: str, storage: Storage) -> None:
    with pytest.raises(StorageError):
        safe_key(key)
    for action in (storage.exists, storage.read_bytes, storage.delete, storage.list, storage.local_path):
        with pytest.raises(StorageError):
            action(key)


def test_write_read_list_delete(storage: Storage) -> None:
    storage.write_bytes("a/b/one.bin", b"1")
    storage.write_bytes("a/two.bin", b"22")
    assert storage.list("a") == ["a/b/one.bin", "a/two.bin"]
    assert storage.folders("a") == ["b", "two.bin"]
    assert (storage.exists("a/two.bin"), storage.size("a/two.bin"), storage.read_bytes("a/two.bin")) == (True, 2, b"22")
    assert storage.local_path("a/two.bin").read_bytes() == b"22"
    storage.write_bytes("a/two.bin", b"333")
    assert storage.local_path("a/two.bin").read_bytes() == b"333"
    assert (storage.local_dir("a") / "b" / "one.bin").read_bytes() == b"1"
    storage.delete("a")
    storage.delete("a")
    assert storage.list("a") == storage.folders("a") == []


def test_a_missing_file_is_a_clear_error(storage: Storage) -> None:
    for action in (storage.read_bytes, storage.size, storage.local_path):
        with pytest.raises(StorageError, match=r"none\.bin"):
            action("none.bin")


def test_an_interrupted_write_leaves_the_old_content_and_nothing_else(storage: Storage) -> None:
    storage.write_bytes("a/one.bin", b"old")

    class StopWriting(Exception):
        pass

    def write_half() -> None:
        with storage.open_write("a/one.bin") as stream:
            stream.write(b"half")
            raise StopWriting

    with pytest.raises(StopWriting):
        write_half()
    assert storage.read_bytes("a/one.bin") == b"old"
    assert storage.list("a") == storage.list("a") == ["a/one.bin"]


def test_unfinished_files_do_not_exist_for_others(storage: Storage) -> None:
    with storage.open_write("a/one.bin") as stream:
        stream.write(b"half")
        assert not storage.exists("a/one.bin")
        assert storage.list("a") == []
    assert storage.exists("a/one.bin")


@pytest.mark.parametrize("gives", [False, True])
def test_a_directory_is_put_with_its_manifest_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gives: bool
) -> None:
    local = tmp_path / "local"
    (local / "sub").mkdir(parents=True)
    for name in ("manifest.json", "z.bin", "sub/manifest.json", "a.bin"):
        (local / name).write_bytes(name.encode())
    storage = Storage(str(tmp_path / "files"), tmp_path / "cache")
    order: list[str] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append(Path(new).name), replace(old, new)))
    storage.put_dir(local, "ds", gives=gives)
    assert order[-1] == "manifest.json"
    assert len(order) == 4
    assert storage.read_bytes("ds/sub/manifest.json") == b"sub/manifest.json"


def test_given_files_are_taken_without_copying_and_twice_as_well(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    (local / "a.bin").write_bytes(b"a")
    storage = Storage(str(tmp_path / "files"), tmp_path / "cache")
    for _ in range(2):  # the second time as after a crash in between
        storage.put_dir(local, "ds", gives=True)
        assert (tmp_path / "files" / "ds" / "a.bin").samefile(local / "a.bin")
    assert [path.name for path in (tmp_path / "files" / "ds").iterdir()] == ["a.bin"]
    (local / "a.bin").unlink()
    assert storage.read_bytes("ds/a.bin") == b"a"


def test_given_files_of_another_file_system_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "a.bin").write_bytes(b"a")
    storage = Storage(str(tmp_path / "files"), tmp_path / "cache")
    storage.put_dir(tmp_path / "local", "ds", gives=True)
    assert storage.read_bytes("ds/a.bin") == b"a"


def test_the_store_follows_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "one"))
    get_storage().write_bytes("a.bin", b"x")
    assert (tmp_path / "one" / "files" / "a.bin").exists()
    monkeypatch.setenv("STORAGE_URL", str(tmp_path / "two"))
    assert not get_storage().exists("a.bin")
