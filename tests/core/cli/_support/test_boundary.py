"""Errors become exit codes and messages on stderr, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from core.cli import main
from core.cli._support.boundary import run_guarded
from core.errors import DataError


def raising(error: BaseException):  # type: ignore[no-untyped-def]
    def action() -> None:
        raise error

    return action


def test_an_expected_error_is_its_message_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(raising(DataError("The cell is empty.", "Fill it in."))) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "The cell is empty.\nFill it in.\n")


def test_an_unexpected_error_is_a_short_id_and_its_traceback_is_in_the_log(
    studio_env: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_guarded(raising(ZeroDivisionError("deep inside"))) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "deep inside" not in said
    error_id = said.split("(error ")[1].split(")")[0]
    log = (studio_env / "logs" / "cli.log").read_text()
    assert error_id in log
    assert "deep inside" in log


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interruption_is_130(error: BaseException) -> None:
    assert run_guarded(raising(error)) == 130


@pytest.mark.parametrize("words", [["nonsense"], ["rows"], ["train"], ["chat", "--nope"], []])
def test_a_wrong_command_line_is_2_with_its_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: sft" in captured.err


def test_help_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "convert" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("url", ["mysql://user:secret@host/x", "secret", "postgresql://user:secret@host:port/x"])
def test_a_wrong_url_is_named_without_its_password(
    studio_env: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    assert main(["jobs"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{name}: ")
    assert "secret" not in said


def test_a_directory_that_is_not_writable_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", "/dev/null/studio")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main(["jobs"]) == 1
    said = capsys.readouterr().err
    assert "/dev/null/studio" in said
    assert "unexpected" not in said


@pytest.mark.parametrize(("redirection", "code"), [("| head -1", 0), (">&-", 0), ("> /dev/full", 1)])
def test_a_closed_or_full_output_is_an_expected_error(tmp_path: Path, redirection: str, code: int) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("question,answer\n" + "a,b\n" * 50_000)
    command = f"set -o pipefail; {sys.executable} -m core.cli rows {rows} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ | {
        "SFT_DATA_DIR": str(tmp_path)})  # fmt: skip
    assert done.returncode == code
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr
    assert ("the file that the output is sent to" in done.stderr) is (code == 1)


def test_a_name_that_is_too_long_is_an_expected_error(capsys: pytest.CaptureFixture[str], studio_env: Path) -> None:
    assert main(["convert", "x" * 300, "--name", "x"]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str], studio_env: Path) -> None:
    assert main(["convert", "/no/such.csv", "--name", "x"]) == 1
    assert "/no/such.csv does not exist" in capsys.readouterr().err
