"""`sft validate`, `rows` and `analyze`: exact shapes, exit codes, and nothing but results on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import main
from core.data.issues import ISSUES

KEYS = ["file", "format", "encoding", "read", "accepted", "rejected", "findings"]
FINDING_KEYS = ["line", "field", "code", "severity", "message", "remedy"]


def chat(role: str = "assistant", content: str = "b") -> str:
    return json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": role, "content": content}]})


def good(count: int = 60) -> str:
    return "".join(chat(content=f"answer {number}") + "\n" for number in range(count))


def reports(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def codes(report: dict[str, object]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}  # type: ignore[index, attr-defined]


@pytest.mark.parametrize(
    ("name", "content", "code", "exit_code"),
    [
        ("good.jsonl", good(), None, 0),
        ("few.jsonl", good(3), "too_few_examples", 1),
        ("role.jsonl", good() + chat(role="robot"), "role_unknown", 1),
        ("no_answer.jsonl", good() + '{"messages": [{"role": "user", "content": "a"}]}', "assistant_missing", 1),
        ("broken.jsonl", good() + '{"messages": [', "json_syntax", 1),
        ("deep.jsonl", good() + "[" * 100_000, "json_depth", 1),
        ("twice.jsonl", good() + '{"prompt": "a", "prompt": "b"}', "json_duplicate_key", 1),
        ("table.csv", "product,price\nrake,3\nspade,4\n", "shape_unknown", 1),
        ("ragged.csv", "question,answer\na,b\nc,d,e\n", "csv_ragged", 1),
        ("empty.csv", "", "empty_file", 2),
        ("header.csv", "question,answer\n", "no_rows", 1),
    ],
)
def test_every_file_gets_one_object_and_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, code: str | None, exit_code: int
) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert main(["validate", "--json", str(file)]) == exit_code
    (report,) = reports(capsys)
    assert list(report) == KEYS
    assert report["read"] == report["accepted"] + report["rejected"]  # type: ignore[operator]
    assert all(list(finding) == FINDING_KEYS for finding in report["findings"])  # type: ignore[attr-defined]
    assert codes(report) <= set(ISSUES.ids())
    assert code is None or code in codes(report)


def test_the_highest_exit_code_of_all_files_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.jsonl").write_text(good())
    (tmp_path / "few.jsonl").write_text(good(2))
    (tmp_path / "bytes.csv").write_bytes(b"PK\x03\x04" + b"\x00" * 60)
    files = [str(tmp_path / name) for name in ("good.jsonl", "few.jsonl", "bytes.csv", "absent.csv")]
    assert main(["validate", "--json", *files[:2]]) == 1
    assert main(["validate", "--json", *files]) == 2
    assert [report["file"] for report in reports(capsys)] == [*files[:2], *files]


def test_a_table_is_told_how_to_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "faq list.csv"
    file.write_text("frage,antwort\n" + "".join(f"Was ist {n}?,Das ist {n}.\n" for n in range(12)))
    main(["validate", "--json", str(file)])
    (report,) = reports(capsys)
    assert report["accepted"] == 0
    assert report["rejected"] == report["read"] == 12
    assert "faq list.csv' --template qa --input frage --target antwort" in report["findings"][0]["remedy"]  # type: ignore[index]


def test_rows_are_printed_exactly_as_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cells.csv"
    file.write_text('id,note\n00123,"two\nlines"\nNA,TRUE\n')
    assert main(["rows", str(file)]) == 0
    assert reports(capsys) == [
        {"line": 2, "fields": {"id": "00123", "note": "two\nlines"}},
        {"line": 4, "fields": {"id": "NA", "note": "TRUE"}},
    ]


def test_what_utf8_cannot_hold_and_line_ends_inside_texts_are_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "odd\udcff.jsonl"  # a name in another encoding, as Linux allows it
    file.write_text('{"\\ud800": 1, "\\ud800": 2}\n{"a\u2028\x85": "b\u2029", "question": 1}\n', encoding="utf-8")
    assert main(["validate", "--json", str(file)]) == 1
    (report,) = reports(capsys)
    assert report["file"] == str(file)
    assert "json_duplicate_key" in codes(report)
    assert main(["rows", str(file)]) == 1
    (row,) = reports(capsys)
    assert row == {"line": 2, "fields": {"a\u2028\x85": "b\u2029", "question": 1}}
    for words in (["validate", str(file)], ["analyze", str(file)], ["analyze", "--json", str(file)]):
        assert main(words) in (0, 1)
        capsys.readouterr().out.encode("utf-8")


def test_rows_that_cannot_be_read_are_named_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ragged.csv"
    file.write_text("a,b\n1,2\n3,4,5\n6,7\n")
    assert main(["rows", str(file)]) == 1
    captured = capsys.readouterr()
    assert [json.loads(line)["line"] for line in captured.out.splitlines()] == [2, 4]
    assert f"{file}:3: csv_ragged" in captured.err


def test_analyze_suggests_a_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text("question,answer,team\n" + "".join(f"How {n}?,So {n}.,A\n" for n in range(20)))
    assert main(["analyze", str(file), "--json"]) == 0
    (report,) = reports(capsys)
    assert report["total_rows"] == 20
    assert [column["name"] for column in report["columns"]] == ["question", "answer", "team"]  # type: ignore[attr-defined]
    assert main(["analyze", str(file)]) == 0
    assert "team" in capsys.readouterr().out


def test_real_tables_are_read_in_a_real_process(real_data: Path) -> None:
    file = real_data / "tables" / "banking77_test.csv"
    command = [sys.executable, "-m", "core.cli", "validate", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (line,) = done.stdout.splitlines()
    report = json.loads(line)
    assert (report["read"], report["accepted"], done.returncode) == (3080, 0, 1)
    assert codes(report) == {"shape_unknown"}
