"""Files that contain other files, or no data at all: refused with a remedy."""

from __future__ import annotations

import re

from core.data.formats.base import FORMATS, labels
from core.data.issues import data_error

# By their first bytes, with the remedy; "" means another file is needed.
_CONTAINERS = (
    (b"\x1f\x8b", "a gzip archive inside another", "Unpack it first (gunzip)."),
    (b"BZh", "a bzip2 archive", "Unpack it first (bunzip2)."),
    (b"\xfd7zXZ\0", "an xz archive", "Unpack it first (unxz)."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first (unzstd)."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it first."),
    (b"%PDF-", "a PDF document", "Export the data as CSV or JSON, or its text as .txt."),
    (b"{\\rtf", "an RTF document", "Save it as plain text (.txt)."),
    (b"SQLite format 3\0", "an SQLite database", "Export the table as CSV."),
    (b"\x89PNG\r\n", "a picture", ""),
    (b"\xff\xd8\xff", "a picture", ""),
    (b"\x7fELF", "a program", ""),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or JSONL."),
    (b"ORC", "an ORC file", "Write it as Parquet."),
)


_AS_TABLE = "Save it as an Excel workbook (.xlsx) or as CSV (UTF-8)."
_AS_TEXT = "Save it as plain text (.txt)."
# Office documents in a zip archive: by a name or a type inside, with the remedy.
_OFFICE = (
    (b"xl/workbook.bin", "a binary Excel workbook (.xlsb)", _AS_TABLE),
    (b"word/document", "a Word document", _AS_TEXT),
    (b"ppt/presentation", "a PowerPoint presentation", _AS_TEXT),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (.ods)", _AS_TABLE),
    (b"opendocument.text", "an OpenDocument text (.odt)", _AS_TEXT),
    (b"application/epub+zip", "an e-book (EPUB)", _AS_TEXT),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Documents from before 2007, in one kind of container: by the UTF-16 name of their main stream.
_OLD_OFFICE = (
    ("WordDocument", "an old Word document (.doc)", _AS_TEXT),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)", _AS_TEXT),
    ("", "an old Excel workbook (.xls)", _AS_TABLE),
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE)
_XML = re.compile(rb"<\?xml[\s>?]", re.IGNORECASE)
_MARKS = b"\xef\xbb\xbf \t\r\n"
_NO_CONTROLS = bytes({*range(256)} - {*range(1, 32)} | {*b"\t\n\r"})
_NOISE_FROM = 256  # bytes
_NOISE_KINDS, _NOISE_SHARE = 16, 0.04  # of control characters; random bytes have 28 kinds and a share of 0.11
_TEXT_SHARE = 0.9  # of the bytes that are valid UTF-8; 0.57 of random ones are


def refuse_containers(head: bytes) -> None:
    """Refuse a file that begins like an archive, a document, a web page, a database or a picture.

    Raises:
        DataError: container, or xlsx_encrypted; says what the file is and what to do with it.
    """
    if head.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in head:
        raise data_error("xlsx_encrypted", "The workbook is password-protected.")
    if any(entry.has_magic(head) for entry in FORMATS):
        return
    what, remedy = _container(head)
    if what:
        raise data_error("container", f"This is {what}, not a file with rows.", remedy or f"Choose a {labels()} file.")


def refuse_noise(head: bytes, codec: str) -> None:
    """Refuse a file whose bytes cannot be text in any encoding: many control characters of many kinds, and no UTF-8.

    A delimiter such as \\x01 is one kind, however often it occurs; in UTF-16 and UTF-32 every byte may occur.

    Raises:
        DataError: container.
    """
    if len(head) < _NOISE_FROM or codec.startswith(("utf-16", "utf-32")):
        return
    controls = head.translate(None, _NO_CONTROLS)
    if len(set(controls)) < _NOISE_KINDS or len(controls) <= _NOISE_SHARE * len(head):
        return
    if len(head.decode("utf-8", "ignore").encode()) < _TEXT_SHARE * len(head):
        remedy = f"Choose a {labels()} file, or the encoding of the text (--encoding on the command line)."
        raise data_error("container", "This is not text: it has bytes that no text has.", remedy)


def office_document(names: bytes) -> tuple[str, str]:
    """What an office document is by the names inside it, and the remedy; ("", "") where they do not say."""
    return next(((what, remedy) for name, what, remedy in _OFFICE if name in names), ("", ""))


def _container(head: bytes) -> tuple[str, str]:
    """What a file is that begins like this, and the remedy; "" if it is not a container."""
    if head.startswith(b"PK") and head[2:4] in (b"\x03\x04", b"\x05\x06"):
        what, remedy = office_document(head)
        if what:
            return what, remedy
        if b"[Content_Types].xml" in head or b"_rels/" in head:
            return "an office document", "Save its table as CSV (UTF-8) or as an Excel workbook."
        return "a zip archive", "Unpack it first."
    if head.startswith(_OLE):
        return next((what, remedy) for name, what, remedy in _OLD_OFFICE if name.encode("utf-16-le") in head)
    if head[257:262] == b"ustar":
        return "a tar archive", "Unpack it first (tar x)."
    text = head[:4096].lstrip(_MARKS)
    if text[:1] == b"<":
        return _markup(text)
    return next(((what, remedy) for magic, what, remedy in _CONTAINERS if head.startswith(magic)), ("", ""))


def _after_preface(text: bytes) -> bytes:
    """The text after the comments and the XML declaration that it begins with."""
    while True:
        text = text.lstrip()
        if not text.startswith((b"<!--", b"<?xml")):
            return text
        _, ended, text = text.partition(b"-->" if text.startswith(b"<!--") else b">")
        if not ended:
            return b""


def _markup(text: bytes) -> tuple[str, str]:
    """A web page or another document of tags; ("", "") where it is only text that begins with an angle bracket."""
    if b"urn:schemas-microsoft-com:office:spreadsheet" in text:
        return "an Excel workbook in the XML of 2003", f"Open it in Excel or LibreOffice. {_AS_TABLE}"
    if _HTML.match(_after_preface(text)):
        return "HTML, a web page", f"Open it in Excel or LibreOffice. {_AS_TABLE}"
    if _XML.match(text):
        return "an XML document", "Export its data as CSV or JSON."
    return "", ""
