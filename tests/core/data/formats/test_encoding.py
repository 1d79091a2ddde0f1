"""Encodings: marks decide, then UTF-8, then inference, which is shown and can be changed."""

from __future__ import annotations

import codecs
from contextlib import suppress
from pathlib import Path

import pytest

from core.data.formats.parsing.encoding import checked_codec, detect_encoding
from core.errors import DataError
from tests.core.data.formats.support import detect, put, read, rejected, rows

WESTERN = "name,ort\nJosé,München\nZoë,Besançon\nd’Artagnan,Tarbes\nBjörk,Reykjavík\n"
RUSSIAN = "вопрос,ответ\n" + "Где находится мой заказ?,Он уже в пути и скоро будет у вас.\n" * 20
JAPANESE = "質問,回答\n" + "注文はどこですか,現在配送中です。明日には届く予定です。\n" * 20


@pytest.mark.parametrize(
    ("mark", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
     (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")],
)  # fmt: skip
def test_a_byte_order_mark_decides_and_is_not_text(tmp_path: Path, mark: bytes, codec: str) -> None:
    path = put(tmp_path, "a.csv", mark + "näme,b\n🏡,2\n".encode(codec))
    assert rows(read(path)) == [(2, {"näme": "🏡", "b": "2"})]
    assert any("mark" in note for note in detect(path).notes)


def test_wide_text_without_a_mark(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "name,b\nx,2\nyy,3\n".encode("utf-16-le"))
    assert detect(path).encoding == "utf-16-le"
    assert rows(read(path)) == [(2, {"name": "x", "b": "2"}), (3, {"name": "yy", "b": "3"})]


@pytest.mark.parametrize(("text", "codec"), [(WESTERN, "cp1252"), (RUSSIAN, "cp1251"), (JAPANESE, "shift_jis")])
def test_other_encodings_are_inferred_and_reported(tmp_path: Path, text: str, codec: str) -> None:
    path = put(tmp_path, "a.csv", text.encode(codec))
    found = detect(path)
    assert [item.code for item in found.findings] == ["encoding_guessed"]
    assert [list(fields.values()) for _, fields in rows(read(path))] == [
        line.split(",") for line in text.strip().split("\n")[1:]
    ]


def test_the_person_has_the_last_word(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "name,b\nJos\xe9,\xa4\n".encode("latin-1"))
    assert rows(read(path, encoding="iso8859-15")) == [(2, {"name": "José", "b": "€"})]
    with pytest.raises(DataError, match="unknown"):
        detect(path, encoding="no-such-thing")
    with pytest.raises(DataError, match="unknown"):
        checked_codec("base64")


def test_a_late_accent_is_found_beyond_the_beginning(tmp_path: Path) -> None:
    plain = "name,b\n" + "plain,text\n" * 150_000
    path = put(tmp_path, "a.csv", plain.encode() + "José,café\nZoë,naïve\n".encode("cp1252"))
    assert detect(path).encoding == "cp1252"
    assert rows(read(path))[-1][1] == {"name": "Zoë", "b": "naïve"}


@pytest.mark.parametrize("bad", [b"\xff", b"\xfe\xff", b"\x80", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80", b"\xc0\xaf"])
def test_damage_is_not_an_encoding(bad: bytes) -> None:
    assert detect_encoding(b"id,text\n1,hello\n2,bad " + bad + b" byte\n3,ok\n").codec == "utf-8"


def test_a_truncated_wide_file_loses_only_its_end(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", codecs.BOM_UTF16_LE + "name,b\nx,2\nyy,3\n".encode("utf-16-le")[:-1])
    items = read(path)
    assert rows(items)[0] == (2, {"name": "x", "b": "2"})
    assert rejected(items) == [("encoding", 3)]


@pytest.mark.parametrize("chosen", ["utf-16", "utf-32", "UTF16"])
def test_utf_16_can_be_chosen_for_a_file_without_a_mark(tmp_path: Path, chosen: str) -> None:
    text = "q,a\n" + "".join(f"one {n}?,two {n}\n" for n in range(12))
    plain = put(tmp_path, "a.csv", text)
    with suppress(DataError):  # the wrong choice shows as unreadable text on the screen
        assert read(plain, encoding=chosen)
    for order in ("le", "be"):
        codec = f"{'utf-32' if '32' in chosen else 'utf-16'}-{order}"
        wide = put(tmp_path, f"{order}.csv", text.encode(codec))
        found = detect(wide, encoding=chosen)
        assert found.encoding == codec
        assert len(rows(read(wide, encoding=chosen))) == 12
    marked = put(tmp_path, "marked.csv", text.encode("utf-32" if "32" in chosen else "utf-16"))
    assert len(rows(read(marked, encoding=chosen))) == 12


@pytest.mark.parametrize("chosen", ["idna", "rot13", "undefined", "base64", "nonsense"])
def test_codecs_that_are_not_for_text_are_refused(tmp_path: Path, chosen: str) -> None:
    path = put(tmp_path, "a.csv", "q,a\n1x,2x\n3x,4x\n")
    with pytest.raises(DataError, match="encoding"):
        detect(path, encoding=chosen)
