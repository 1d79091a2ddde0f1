"""A small workbook that unpacks to millions of rows or cells (XLSX bomb)."""

from __future__ import annotations

import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.workbook import write_sheets

ROW = b"<row><c><v>1</v></c></row>"
PREFIXED = ROW.replace(b"<row", b"<x:row").replace(b"</row", b"</x:row")
FAR = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="9000"><c r="XFD9000"><v>1</v></c></row>'
CELL = b'<c t="n"><v>1</v></c>'
MANY = 100_000
CPU_S, MEMORY_BYTES = 20, 1 << 30
READ = """
import sys
from pathlib import Path
from core.services.data import sources
report = sources.inspect(Path(sys.argv[1]))
print(*(f"{item.code}: {item.message}" for item in report.findings))
"""
SHEETS: dict[str, tuple[str, Iterable[bytes]]] = {
    "rows": ("more than 1,048,576 rows", [ROW * MANY] * 150),
    "rows with a prefix": ("more than 1,048,576 rows", [PREFIXED * MANY] * 150),
    "cells": ("more than 10,000,000 cells", [b"<row>" + CELL * MANY + b"</row>"] * 150),
    "a far row": ("more than 1,048,576 rows", [b'<row r="4294967295"><c r="A4294967295"><v>1</v></c></row>']),
    "a far cell": ("spans more than 50,000,000 cells", [FAR]),
}  # fmt: skip


def bomb(path: Path, parts: Iterable[bytes], name: str = "xl/worksheets/sheet1.xml") -> Path:
    """A real workbook, with this in the place of its sheet (or beside it)."""
    good = path.with_name("good.xlsx")
    write_sheets(good, {"Sheet": [["a", "b"], ["1", "2"]]})
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for member in source.namelist():
            if member != name:
                out.writestr(member, source.read(member))
        with out.open(name, "w") as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for part in parts:
                sheet.write(part)
            sheet.write(b"</sheetData></worksheet>")
    return path


def read_under_limits(path: Path) -> str:
    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False, preexec_fn=limits,
        env=environment, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-1_000:]
    return ran.stdout


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_of_millions_is_refused_before_it_is_read(name: str, tmp_path: Path) -> None:
    says, parts = SHEETS[name]
    path = bomb(tmp_path / "bomb.xlsx", parts)
    assert path.stat().st_size < 4_000_000
    said = read_under_limits(path)
    assert said.startswith("xlsx_too_large: ")
    assert says in said


def test_shared_texts_and_other_parts_are_bounded_too(tmp_path: Path) -> None:
    texts = bomb(tmp_path / "texts.xlsx", [b"<si><t/></si>" * MANY] * 120, "xl/sharedStrings.xml")
    assert "more than 10,000,000 cells" in read_under_limits(texts)
    styles = bomb(tmp_path / "styles.xlsx", [b"<xf/>" * 1_000_000] * 20, "xl/styles.xml")
    assert "xl/styles.xml in the workbook has 95.4 MB; the limit is 64.0 MB" in read_under_limits(styles)


def test_an_ordinary_workbook_is_read(tmp_path: Path) -> None:
    wide = [[f"{row}.{column}" for column in range(60)] for row in range(300)]
    path = tmp_path / "good.xlsx"
    write_sheets(path, {"Sheet": wide, "Other": [["a"]]})
    assert "xlsx_too_large" not in read_under_limits(path)
