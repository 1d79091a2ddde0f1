"""A path that leads out of its folder on reading, writing or deleting, also encoded twice or in a file's name."""

from __future__ import annotations

import contextlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from core.data.chat_logs import Bundle
from core.errors import StorageError, StudioError
from core.platform.logs import log_path
from core.platform.storage import Storage
from core.services.data import datasets, exports, sources
from core.services.platform import connections
from pages.ui.downloads import disposition
from tests.support import tiny

KEYS = [
    "../secret", "a/../../secret", "/etc/passwd", "..", "a/..", "..\\secret", "%2e%2e/secret", "..%2fsecret",
    "%252e%252e%252fsecret", "..%c0%afsecret", "....//secret", "\u2024\u2024/secret", "\uff0e\uff0e/secret",
    "a\0/../secret", "file:///etc/passwd", "~root/x", "a/./../../secret", "C:\\secret", "\\\\host\\share", "./secret",
]  # fmt: skip
NAMES = [
    "../../evil.csv", "/etc/passwd.csv", "..\\..\\evil.csv", "%2e%2e%2fevil.csv", "CON.csv", "nul", "a" * 300 + ".csv",
    "evil\u202evsc.exe", "a\nb.csv", "a\0b.csv", "..", ".", "", "-rf.csv", "$(touch evil).csv", ".htaccess",
    "a/b/c.csv", "evil.csv/..", "\ud800.csv", "<b>.csv", '"; filename="evil.exe',
]  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def inside(tmp_path: Path) -> Storage:
    (tmp_path / "secret").write_bytes(b"secret")
    store = Storage(str(tmp_path / "files"), tmp_path / "cache")
    store.write_bytes("a/mine.bin", b"mine")
    return store


def _write(store: Storage, key: str) -> None:
    with store.open_write(key) as stream:
        stream.write(b"evil")


ACTIONS: dict[str, Callable[[Storage, str], object]] = {
    "read": lambda store, key: store.read_bytes(key),
    "size": lambda store, key: store.size(key),
    "exists": lambda store, key: store.exists(key),
    "list": lambda store, key: store.list(key),
    "folders": lambda store, key: store.folders(key),
    "path": lambda store, key: store.local_path(key),
    "directory": lambda store, key: store.local_dir(key),
    "write": _write,
    "delete": lambda store, key: store.delete(key),
    "copy": lambda store, key: store.put_dir(store.local_dir("a"), key),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("action", ACTIONS)
def test_no_key_of_the_store_leads_outside(action: str, key: str, inside: Storage, tmp_path: Path) -> None:
    before = tree(tmp_path)
    with pytest.raises(StorageError):
        ACTIONS[action](inside, key)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_an_upload_is_only_a_name(name: str, studio_env: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*")) - set(studio_env.rglob("*"))
    saved = sources.ingest(io.BytesIO(b"question,answer\nWhat?,That.\n"), name)
    assert "/" not in saved.filename
    assert "\\" not in saved.filename
    assert saved.filename.isprintable()
    assert len(saved.filename) <= 255
    assert set(tmp_path.rglob("*")) - set(studio_env.rglob("*")) == before
    stored = [path for path in (studio_env / "files").rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert "evil" not in stored[0].name
    assert sources.get(saved.id).filename == saved.filename


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_download_stays_in_its_header(name: str) -> None:
    shown = disposition(name)
    assert "\n" not in shown
    assert "\0" not in shown
    plain = shown.split('filename="')[1].split('"')[0]
    assert not set(plain) & set('/\\%"\r\n')
    assert shown.count(";") - plain.count(";") == 2


@pytest.mark.parametrize("name", [name for name in NAMES if name.strip() and "\ud800" not in name and "\0" not in name])
def test_the_name_of_a_dataset_names_no_file(name: str, studio_env: Path, tmp_path: Path) -> None:
    """A name is refused, or it is shown and used in no path."""
    outside = set(tmp_path.rglob("*")) - set(studio_env.rglob("*"))
    try:
        made = datasets.create_dataset(name, tiny.examples(0))
    except StudioError:
        return
    blocks = b"".join(exports.export(made.version.id, "jsonl"))
    assert blocks.count(b"\n") == len(tiny.PAIRS)
    datasets.delete(made.id, made.name)
    assert set(tmp_path.rglob("*")) - set(studio_env.rglob("*")) == outside
    assert not [path for path in studio_env.rglob("*") if "evil" in path.name]


def test_members_of_an_archive_are_never_unpacked_under_their_names(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("../../evil.json", "/abs/evil.json", "..\\evil.json", "a/../../evil.json"):
            made.writestr(name, json.dumps([{"mapping": {}}]))
        link = zipfile.ZipInfo("link.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    before = set(tmp_path.rglob("*"))
    bundle = Bundle(archive, "x.zip")
    for name in bundle.names:
        bundle.first_rows(name)
    assert "link.json" not in bundle.names
    assert set(tmp_path.rglob("*")) == before
    assert not list(tmp_path.parent.glob("evil.json"))


@pytest.mark.parametrize("key", [key for key in KEYS if "\0" not in key])
def test_a_stored_name_of_a_key_or_a_log_leads_nowhere(key: str, studio_env: Path) -> None:
    from core.services.platform.connections import keys

    (studio_env.parent / "secret").write_text("secret")
    with contextlib.suppress(StudioError):
        assert keys.read(key) != "secret"
    with contextlib.suppress(IsADirectoryError):
        keys.remove(key)
    assert (studio_env.parent / "secret").read_text() == "secret"
    assert connections.list_connections()
    try:
        path = log_path(key).resolve()
    except (StudioError, ValueError):
        return
    assert path.is_relative_to(studio_env / "logs")


def test_the_web_process_serves_no_other_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Static files, media, components and downloads, with every spelling of `..`."""
    from tests.support.web import ask, web_process

    ups = ["..", "%2e%2e", "%252e%252e", "..%2f", "%2e%2e%2f", "..%252f", "..%5c", "%c0%ae%c0%ae", "....", ".%00."]
    with web_process(tmp_path_factory.mktemp("web")) as studio:
        for root in ("/static", "/media", "/component/x", "/downloads", "/app/static", ""):
            for up in ups:
                for target in ("etc/passwd", "core/settings.py", "pyproject.toml"):
                    answer = ask(studio.url, f"{root}/" + f"{up}/" * 8 + target)
                    assert "root:" not in answer.text, (root, up)
                    assert "[project]" not in answer.text, (root, up)
                    assert "SFT_" not in answer.text, (root, up)
            answer = ask(studio.url, f"{root}/{quote('/etc/passwd', safe='')}")
            assert "root:" not in answer.text
