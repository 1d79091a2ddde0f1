"""The environment as one settings object: wrong values are refused by the name of their variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli import main
from core.errors import SettingsError
from core.settings import get_settings


@pytest.mark.parametrize("below", ["", "below/it"])
def test_a_data_directory_that_is_a_file_is_refused(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a directory")
    monkeypatch.setenv("SFT_DATA_DIR", str(file / below))
    with pytest.raises(SettingsError, match=r"SFT_DATA_DIR = .*notes\.txt is a file, not a directory") as refused:
        get_settings()
    assert refused.value.remedy == "Correct or unset SFT_DATA_DIR."
    assert main(["datasets"]) == 1
    error = capsys.readouterr().err
    assert "is a file, not a directory" in error
    assert "unexpected" not in error


def test_a_data_directory_that_does_not_exist_yet_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "new" / "data"))
    assert get_settings().data_dir == tmp_path / "new" / "data"
