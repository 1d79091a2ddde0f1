"""A path or an address that is read as a file of the server: imports, archives, workbooks, searches, redirects."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core.data import formats
from core.data.formats import Detection
from core.errors import StudioError
from core.services.data import datasets
from core.services.data.sources import importing
from tests.support import tiny
from tests.support.workbook import write_sheets

SECRET = "root-of-all-secrets"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside every folder that files may be imported from."""
    file = tmp_path / "secret.csv"
    file.write_text(f"question,answer\nwhat?,{SECRET}\n")
    return file


@pytest.mark.parametrize(
    "spelling",
    [
        "{path}",
        "./{path}",
        "file://{path}",
        "FILE:{path}",
        "local://{path}",
        "/proc/self/root{path}",
        "{root}/../{name}",
        "{root}/link",
        "{root}/folder-link/{name}",
        "{root}//../{name}",
        "~/../../..{path}",
        "{path}\0.csv",
        "simplecache::file://{path}",
        "zip://secret.csv::{path}",
        "http://127.0.0.1/{path}",
        "s3://bucket/x",
        "/dev/stdin",
        "/proc/self/environ",
        "/proc/self/fd/0",
    ],
)
def test_a_path_outside_the_roots_is_not_read(
    spelling: str, secret: Path, studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "allowed"
    root.mkdir()
    (root / "link").symlink_to(secret)
    (root / "folder-link").symlink_to(secret.parent)
    text = spelling.format(path=secret, name=secret.name, root=root)
    for roots in ("", str(root)):
        monkeypatch.setenv("SFT_IMPORT_ROOTS", roots)
        with pytest.raises(StudioError) as caught:
            importing.from_path(text)
        assert SECRET not in str(caught.value)
    for hosts in ("", "files.example.org"):
        monkeypatch.setenv("SFT_IMPORT_HOSTS", hosts)
        with pytest.raises(StudioError):
            importing.from_url(text)
    assert not list((studio_env / "files").rglob("*.csv"))


def test_the_refusal_does_not_tell_whether_a_file_exists(
    secret: Path, studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "allowed").mkdir()
    monkeypatch.setenv("SFT_IMPORT_ROOTS", str(tmp_path / "allowed"))
    told = set()
    for path in (secret, secret.with_name("missing.csv")):
        with pytest.raises(StudioError) as caught:
            importing.from_path(path)
        told.add(str(caught.value).replace(str(path), "PATH"))
    assert len(told) == 1


@pytest.mark.parametrize(
    "content",
    [
        "'{path}'",
        "SELECT * FROM '{path}'",
        '[{{"$ref": "file://{path}"}}]',
        'a,b\n=IMPORTDATA("{path}"),x\n',
        "!include {path}\n",
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file://{path}'>]><x>&e;</x>",
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl"])
def test_a_file_that_names_another_brings_only_the_name(content: str, name: str, secret: Path, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(content.format(path=secret))
    try:
        read = list(formats.read(file, formats.detect_file(file, name, None)))
    except StudioError as error:
        read = [error.message]
    assert SECRET not in repr(read)


def test_an_external_entity_of_a_workbook_is_not_resolved(secret: Path, tmp_path: Path) -> None:
    plain, evil = tmp_path / "plain.xlsx", tmp_path / "evil.xlsx"
    write_sheets(plain, {"one": [["question", "answer"], ["what?", "ENTITY"]]})
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(evil, "w") as target:
        for member in source.namelist():
            text = source.read(member).decode()
            if "sheet1" in member:
                text = text.replace("?>", f"?>{entity}", 1).replace("ENTITY", "&e;")
            target.writestr(member, text)
    try:
        found: Detection | str = formats.detect_file(evil, evil.name, None)
        read = list(formats.read(evil, found))  # type: ignore[arg-type]
    except StudioError as error:
        read = [error.message]  # type: ignore[list-item]
    assert SECRET not in repr(read)


@pytest.mark.parametrize(
    "text",
    [
        "' OR '1'='1",
        "'; COPY (SELECT 1) TO '{out}'; --",
        "' UNION SELECT content FROM read_text('{path}') --",
        "%",
        "_",
        "\\",
        "x' || (SELECT content FROM read_text('{path}')) || '",
        '"; DROP TABLE examples; --',
        "$$",
        "?",
        ":x",
        "\0",
    ],
)
def test_a_search_is_text_and_never_sql(text: str, secret: Path, studio_env: Path, tmp_path: Path) -> None:
    """The examples of a version are searched with DuckDB, which could read and write files."""
    made = datasets.create_dataset("Gate", tiny.examples(0))
    out = tmp_path / "written"
    words = text.format(path=secret, out=out)
    found = datasets.examples(made.version.id, search=words)
    assert SECRET not in repr(found)
    assert [row for row in found.items if words not in repr(row)] == []
    assert not out.exists()
    assert len(datasets.examples(made.version.id, search="").items) == len(tiny.PAIRS)
