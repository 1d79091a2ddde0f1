"""Documents that are not files with rows: each is named for what it is, with what to do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from core.errors import DataError
from tests.core.data.formats.support import detect, put, read, rows

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
_TABLE = b"<table border=1>\n<tr><th>question</th><th>answer</th></tr>\n<tr><td>a?</td><td>b</td></tr></table>"


def _zip(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what", "remedy"),
    [
        ("a.xls", b"<html><head><meta charset='utf-8'></head><body>" + _TABLE, "HTML", ".xlsx"),
        ("b.xls", b"\xef\xbb\xbf\r\n<!DOCTYPE html>\n<html>" + _TABLE, "HTML", ".xlsx"),
        ("c.csv", _TABLE, "HTML", ".xlsx"),
        ("d.xls", b"<?xml version='1.0'?>\n<!-- x -->\n<HTML xmlns:x='urn:x'>" + _TABLE, "HTML", ".xlsx"),
        ("e.xls", b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook xmlns="urn:schemas-'
         b'microsoft-com:office:spreadsheet">', "XML of 2003", ".xlsx"),
        ("f.json", b'<?xml version="1.0" encoding="UTF-8"?><rows><row/></rows>', "an XML document", "CSV or JSON"),
        ("g.xls", _OLE + "Workbook".encode("utf-16-le"), "an old Excel workbook (.xls)", ".xlsx"),
        ("h.doc", _OLE + "WordDocument".encode("utf-16-le"), "an old Word document", ".txt"),
        ("i.ods", _zip(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument sp", ".xlsx"),
        ("j.docx", _zip(**{"[Content_Types].xml": "x", "word/document.xml": "x"}), "a Word document", ".txt"),
        ("k.xlsb", _zip(**{"[Content_Types].xml": "x", "xl/workbook.bin": "x"}), "a binary Excel workbook", ".xlsx"),
        ("l.pptx", _zip(**{"[Content_Types].xml": "x", "ppt/presentation.xml": "x"}), "a PowerPoint", ".txt"),
        ("m.rtf", b"{\\rtf1\\ansi Hello}", "an RTF document", ".txt"),
    ],
)  # fmt: skip
def test_a_document_is_named_with_what_to_do(tmp_path: Path, name: str, content: bytes, what: str, remedy: str) -> None:
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, name, content))
    assert caught.value.code == "container"
    assert what in caught.value.message
    assert remedy in caught.value.remedy


def test_a_workbook_with_a_password_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        detect(put(tmp_path, "a.xlsx", _OLE + "EncryptedPackage".encode("utf-16-le")))
    assert caught.value.code == "xlsx_encrypted"


def test_a_table_whose_cells_have_tags_is_a_table(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "<name>,<text>\n<b>x</b>,y\n<i>z</i>,w\n")
    assert len(rows(read(path))) == 2


def test_the_shared_web_page(real_data: Path) -> None:
    with pytest.raises(DataError, match="This is HTML") as caught:
        detect(real_data / "cases" / "html_named.xls")
    assert "save it as an Excel workbook" in caught.value.remedy.replace("Save", "save")
