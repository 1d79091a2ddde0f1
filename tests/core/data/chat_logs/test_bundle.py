"""Untrusted archives: zip bombs, links, encryption, damage; nothing is ever written under a member's name."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from core.data.chat_logs import Bundle, recognize
from core.data.chat_logs.parsing import bundle
from core.errors import DataError


def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../../etc/conversations.json", json.dumps([{"mapping": {}}]))
        archive.writestr("/abs/other.txt", "x")
        link = zipfile.ZipInfo("link.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = Bundle(path, "x.zip")
    assert "link.json" not in found.names
    assert recognize(found).id == "chatgpt"
    assert list(found.rows("../../../etc/conversations.json"))
    assert [item.name for item in tmp_path.iterdir()] == ["x.zip"]


def test_a_zip_bomb_is_stopped_by_its_unpacked_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_UNPACKED", 1_000_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b" " * 30_000_000)
    with pytest.raises(DataError, match="too large"):
        list(Bundle(path, "bomb.zip").rows("conversations.json"))
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 0)
    with pytest.raises(DataError, match="1 files"):
        Bundle(path, "bomb.zip")


def test_damage_and_encryption_are_named(tmp_path: Path) -> None:
    path = tmp_path / "ok.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([{"mapping": {}, "n": "x" * 5_000}] * 50))
    raw = bytearray(path.read_bytes())
    for at in range(60, 160):
        raw[at] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(DataError):
        list(Bundle(path, "ok.zip").rows("conversations.json"))
    raw = bytearray(raw)
    central = raw.index(b"PK\x01\x02")
    raw[central + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="encrypted"):
        Bundle(path, "ok.zip")


def test_a_member_without_a_name_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        nameless = zipfile.ZipInfo("a")
        nameless.filename = ""
        archive.writestr(nameless, "{}")
        archive.writestr("conversations.json", '[{"mapping": {}}]')
    assert Bundle(path, "x.zip").names == ("conversations.json",)
