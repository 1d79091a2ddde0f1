"""A cell that a spreadsheet runs as a formula when an exported table is opened (CSV injection)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.services.data import datasets, exports
from core.text import spreadsheet_cell
from tests.support.versions import pair

ROOT = Path(__file__).parents[2]
TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CALL = '=cmd|" /C calc"!A1'
SPLIT = "a;=1+1"  # a spreadsheet that splits at ; would see a formula in the second cell


def table(version_id: str, **options: bool) -> str:
    return b"".join(exports.export(version_id, "csv", **options)).decode("utf-8")


def rows(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content, newline="")))


@pytest.fixture
def version_id(studio_env: Path) -> str:
    return datasets.create_dataset(
        "Formulas", [*(pair(start + "1+1", CALL) for start in TRIGGERS), pair(SPLIT, "b")]
    ).version.id


def test_no_cell_of_a_table_is_a_formula(version_id: str) -> None:
    content = table(version_id)
    cells = [cell for row in rows(content) for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(TRIGGERS)]
    assert [row["input"] for row in rows(content)] == [f"'{start}1+1" for start in TRIGGERS] + [SPLIT]
    assert f'"{SPLIT}"' in content
    assert json.loads(rows(content)[0]["messages"])[0]["content"] == "=1+1"
    assert {loss.code: loss.count for loss in exports.losses(version_id, "csv")} == {"formula": len(TRIGGERS)}


def test_formulas_are_kept_on_purpose_only_and_that_is_said(version_id: str) -> None:
    assert rows(table(version_id, keep_formulas=True))[0]["output"] == CALL
    (loss,) = exports.losses(version_id, "csv", keep_formulas=True)
    assert loss.text.endswith("a spreadsheet that opens the file runs it.")


def test_the_command_line_has_the_same_option_in_words(
    version_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.csv"
    command = ["export", "Formulas", "--format", "csv", "--out", str(out)]
    assert main(command) == 0
    assert rows(out.read_bytes().decode())[0]["output"] == f"'{CALL}"
    assert main([*command, "--keep-formulas"]) == 0
    assert rows(out.read_bytes().decode())[0]["output"] == CALL
    assert "a spreadsheet that opens the file runs it" in capsys.readouterr().err


def test_the_screen_has_the_same_option_in_words(version_id: str) -> None:
    def dialog(**state: object) -> AppTest:
        screen = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180).run()
        screen.switch_page("pages/data/datasets.py")
        screen.query_params["id"], screen.query_params["view"] = datasets.get_dataset("Formulas").id, "Versions"
        screen.run()
        for key, value in state.items():
            screen.session_state[key] = value
        return screen.button(key=f"export_{version_id}").click().run()

    assert not [box for box in dialog().checkbox if box.key == "export_formulas"]  # JSONL has no such cells
    safe = dialog(export_format="csv")
    assert not safe.checkbox(key="export_formulas").value
    assert any("an apostrophe is put before it" in caption.value for caption in safe.caption)
    kept = dialog(export_format="csv", export_formulas=True)
    assert any("a spreadsheet that opens the file runs it" in caption.value for caption in kept.caption)


def test_numbers_stay_numbers() -> None:
    assert [spreadsheet_cell(value) for value in (-5, -0.25, 1e-9, None, "", "a-b")] == [
        -5,
        -0.25,
        1e-9,
        None,
        "",
        "a-b",
    ]


def test_the_browsers_own_download_of_a_table_is_not_offered() -> None:
    """Streamlit's tables write CSV in the browser, with formulas as they are."""
    sheet = (ROOT / "pages" / "ui" / "studio.css").read_text()
    assert '[data-testid="stElementToolbar"] button[aria-label^="Download as CSV"] { display: none; }' in sheet
