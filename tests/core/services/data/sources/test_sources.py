"""Uploads are stored unchanged; any file can be inspected, and the report counts every row."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from core.errors import DataError, NotFound
from core.messages import Row
from core.platform.storage import get_storage
from core.services.data import sources

PAIRS = "question,answer\n" + "".join(f"What is {n}?,Number {n}.\n" for n in range(60))


def upload(content: str | bytes, name: str = "a.csv") -> sources.SourceRecord:
    data = content.encode("utf-8") if isinstance(content, str) else content
    return sources.ingest(io.BytesIO(data), name)


@pytest.mark.usefixtures("studio_env")
class TestUploads:
    def test_an_upload_is_stored_byte_for_byte(self) -> None:
        content = "\ufeffid;name\n00123;José\n"
        record = sources.get(upload(content).id)
        assert sources.local_path(record.id).read_bytes() == content.encode("utf-8")
        assert (record.format, record.encoding, record.size_bytes) == ("csv", "utf-8-sig", len(content.encode()))
        assert record.detection.delimiter == ";"
        assert sources.rows(record.id) == [Row(2, {"id": "00123", "name": "José"})]
        assert sources.rows(record.id, offset=1) == []

    def test_the_size_limit_to_the_byte(self) -> None:
        content = b"a,b\n" + b"1,2\n" * 10
        assert sources.ingest(io.BytesIO(content), "a.csv", size_limit=len(content)).size_bytes == len(content)
        with pytest.raises(DataError) as caught:
            sources.ingest(io.BytesIO(content), "a.csv", size_limit=len(content) - 1)
        assert caught.value.code == "file_too_large"

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04xx", b"PAR1xxxxPAR1", b"a,b\n"])
    def test_an_unreadable_upload_leaves_nothing_behind(self, content: bytes) -> None:
        with pytest.raises(DataError):
            upload(content, "a.csv")
        assert get_storage().list("sources") == []

    @pytest.mark.parametrize(
        ("name", "shown"),
        [("../../etc/passwd.csv", "passwd.csv"), ("C:\\data\\CON.csv", "CON.csv"), ("a\u202egnp.csv", "agnp.csv"),
         ("x" * 300 + ".csv", "x" * 116 + ".csv"), ("", "upload"), ("a\nb.csv", "ab.csv"), ("<b>.csv", "<b>.csv")],
    )  # fmt: skip
    def test_names_are_for_showing_only(self, name: str, shown: str) -> None:
        record = upload(PAIRS, name)
        assert record.filename == shown
        assert get_storage().list("sources") == [f"sources/{record.id}/upload"]

    def test_another_way_of_reading(self) -> None:
        record = upload("a|b\nJos\xe9|1\n".encode("latin-1"))
        assert record.encoding == "cp1252"
        changed = sources.set_detection(record.id, {"delimiter": ",", "header": False, "encoding": "latin-1"})
        assert sources.detection(record.id) == changed.detection
        assert sources.rows(record.id)[1] == Row(2, {"column_1": "José|1"})
        with pytest.raises(DataError):
            sources.set_detection(record.id, {"encoding": "nonsense"})
        assert sources.detection(record.id) == changed.detection

    def test_the_analysis_is_stored_for_each_way_of_reading(self) -> None:
        record = upload(PAIRS)
        found = sources.analyze(record.id)
        assert (found.total_rows, found.shape) == (60, "question_answer")
        assert sources.analyze(record.id) == found
        assert len(get_storage().list(f"sources/{record.id}")) == 2
        sources.set_detection(record.id, {"header": False})
        assert sources.analyze(record.id).total_rows == 61
        assert sources.analyze(record.id).shape is None

    def test_an_unknown_upload(self) -> None:
        with pytest.raises(NotFound):
            sources.get("src_none")


# ---- the report


def report(folder: Path, name: str, content: str | bytes) -> sources.FileReport:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    found = sources.inspect(path)
    assert found.read == found.accepted + found.rejected
    json.dumps(found.to_dict())
    return found


def codes(found: sources.FileReport) -> set[str]:
    return {item.code for item in found.findings}


def chats(count: int, **changes: object) -> str:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    lines = [{"messages": [{**messages[0], "content": f"q {n}"}, messages[1]]} for n in range(count)]
    return "".join(json.dumps({**line, **changes}) + "\n" for line in lines)


def test_a_good_file(tmp_path: Path) -> None:
    found = report(tmp_path, "a.jsonl", chats(60))
    assert (found.exit_code, found.read, found.accepted, found.findings) == (0, 60, 60, ())
    assert list(found.to_dict()) == ["file", "format", "encoding", "read", "accepted", "rejected", "findings"]


def test_the_json_of_a_finding(tmp_path: Path) -> None:
    found = report(tmp_path, "a.jsonl", chats(9) + '{"messages": [{"role": "bot", "content": "x"}]}\n').to_dict()
    assert [list(item) for item in found["findings"]] == [
        ["line", "field", "code", "severity", "message", "remedy"]
    ] * len(found["findings"])
    assert (found["findings"][0]["code"], found["findings"][0]["line"]) == ("role_unknown", 10)


@pytest.mark.parametrize(
    ("name", "content", "code", "line", "exit_code"),
    [
        ("a.csv", "", "empty_file", None, 2),
        ("a.csv", "question,answer\n", "no_rows", None, 1),
        ("a.csv", "question,answer\nx,y\nx,y,z\n", "csv_ragged", 3, 1),
        ("a.csv", b"question,answer\nx,y\n\xff,z\n", "encoding", 3, 1),
        ("a.csv", b"\x1f\x8b" + b"x" * 50, "gzip_damaged", None, 2),
        ("a.csv", b"7z\xbc\xaf\x27\x1c" + b"x" * 50, "container", None, 2),
        ("a.parquet", "this is no Parquet file\n", "parquet_unreadable", None, 2),
        ("a.json", "[" * 100_000, "json_depth", 1, 2),
        ("a.jsonl", chats(12) + "[" * 100_000, "json_depth", 13, 1),
        ("a.json", '{"a": tru', "json_syntax", 1, 2),
        ("a.jsonl", chats(12) + '{"a": 1, "a": 2}\n', "json_duplicate_key", 13, 1),
        ("a.json", "[]", "json_no_rows", 1, 1),
        ("a.json", "42", "json_no_rows", 1, 1),
        ("a.jsonl", chats(9), "too_few_examples", None, 1),
        ("a.jsonl", chats(12) + '{"messages": [{"role": "user", "content": "x"}]}', "assistant_missing", 13, 1),
        ("a.csv", "name,price\n" + "a,1\n" * 20, "shape_unknown", None, 1),
    ],
)  # fmt: skip
def test_bad_input_gets_its_code_line_and_exit(
    tmp_path: Path, name: str, content: str | bytes, code: str, line: int | None, exit_code: int
) -> None:
    found = report(tmp_path, name, content)
    assert code in codes(found)
    first = next(item for item in found.findings if item.code == code)
    assert first.line == line
    assert first.remedy
    assert found.exit_code == exit_code


def test_a_missing_file(tmp_path: Path) -> None:
    found = sources.inspect(tmp_path / "none.csv")
    assert (found.exit_code, codes(found), found.read) == (2, {"file_missing"}, 0)


def test_few_examples_are_a_warning_that_does_not_block(tmp_path: Path) -> None:
    found = report(tmp_path, "a.jsonl", chats(12))
    assert (found.exit_code, [item.severity for item in found.findings]) == (0, ["warning"])


def test_an_unmapped_table_is_rejected_with_the_command_that_converts_it(tmp_path: Path) -> None:
    content = "customer text,intent\n" + "".join(f"Where is parcel {n} of mine?,{'ab'[n % 2]}\n" for n in range(40))
    found = report(tmp_path, "my table.csv", content)
    assert (found.read, found.accepted, found.rejected) == (40, 0, 40)
    remedy = found.findings[0].remedy
    assert remedy.startswith("Convert it: sft convert ")
    assert "my table.csv' --template classification --input 'customer text' --target intent" in remedy


def test_real_files(real_data: Path) -> None:
    expected = {
        "chat/sharegpt_dummy_conversation.json": (500, 500, 0),
        "chat/toy_chat_fine_tuning.jsonl": (5, 4, 1),
        "instruct/alpaca_en_demo.json": (999, 999, 0),
        "instruct/identity.json": (91, 91, 0),
        "tables/banking77_train.csv": (10_003, 0, 1),
    }
    for name, (read, accepted, exit_code) in expected.items():
        found = sources.inspect(real_data / name)
        assert (found.read, found.accepted, found.exit_code) == (read, accepted, exit_code), name
    toy = codes(sources.inspect(real_data / "chat/toy_chat_fine_tuning.jsonl"))
    assert toy == {"user_missing", "over_length", "too_few_examples"}
    alpaca = sources.inspect(real_data / "instruct/alpaca_en_demo.json")
    assert [item.message.split()[0] for item in alpaca.findings] == ["14"]


def test_naughty_strings_are_unchanged(real_data: Path, tmp_path: Path) -> None:
    naughty = [
        text for text in json.loads((real_data / "naughty" / "blns.json").read_text("utf-8")) if "\0" not in text
    ]
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in naughty)
    path = tmp_path / "a.jsonl"
    path.write_text(lines, encoding="utf-8", newline="")
    found = list(sources.rows_of_file(path))
    assert [row.fields["text"] for row in found if isinstance(row, Row)] == naughty
    assert sources.inspect(path).exit_code == 1


def test_an_upload_without_a_usable_row_has_a_reason(studio_env: Path) -> None:
    source = upload("question,answer\nx,y,z\n")
    assert [finding.code for finding in sources.why_unusable(source.id)] == ["csv_ragged"]
