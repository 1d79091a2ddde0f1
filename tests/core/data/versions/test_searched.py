"""What a search looks at: the same for the reader's SQL and for Python, also in files of earlier releases."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.examples.parquet import connect
from core.data.versions import files, reader
from core.data.versions.files import EXAMPLES, SEARCHED, relation, searched
from core.data.versions.stored import StoredExamples
from core.data.versions.writer import VersionWriter
from core.messages import Example, Message
from tests.support.quality import pair

TOOL = {"type": "function", "function": {"name": "find_berth", "parameters": {"title": 'a "quoted" name'}}}
CALL = {"id": "1", "type": "function", "function": {"name": "find_berth", "arguments": '{"content": "inside a call"}'}}
CALLS = (Message("user", "Where?"), Message("assistant", "", tool_calls=(CALL,)), Message("tool", "A-1", name="x"))
ODD = 'quotes " and \\ backslashes\nlines\ttabs \x00 \x1f \u2028 é 🏡 {"content": "x"}'
WAYS = {
    "pair": pair("Where is it?", "In dock 4."),
    "odd": pair(ODD, ODD),
    "empty": pair("a", ""),
    "system": Example((Message("system", "Be brief."), *pair("Hello", "Hi").messages)),
    "rejected": Example(pair("q", "good").messages, rejected=(Message("assistant", "worse"),)),
    "tools": Example((*CALLS, Message("assistant", "Dock 4.")), tools=(TOOL,)),
}


@pytest.fixture
def version(tmp_path: Path) -> Path:
    with VersionWriter(tmp_path / "v", hold_out=0.0) as out:
        for example in WAYS.values():
            out.add(example)
        out.finish()
    return tmp_path / "v" / EXAMPLES


def test_sql_and_python_look_at_the_same_text(version: Path) -> None:
    with connect() as connection:
        found = connection.execute(
            f"SELECT {SEARCHED} FROM {relation(version)} ORDER BY position", [str(version)]
        ).fetchall()
    assert [text for (text,) in found] == [searched(example) for example in WAYS.values()]


def test_a_file_with_the_text_of_earlier_releases_is_read_and_edited(version: Path, tmp_path: Path) -> None:
    table = pq.read_table(version)
    text = pa.array([searched(example) for example in WAYS.values()])
    earlier = table.add_column(2, "text", text).drop_columns(["tools", "rejected"])
    pq.write_table(earlier, tmp_path / "earlier.parquet")
    assert reader.page(tmp_path / "earlier.parquet", 0, 10, "dock 4").total == 2
    stored = StoredExamples(tmp_path / "earlier.parquet")
    assert stored.current
    assert stored.take([0, 3]).schema.equals(files.EXAMPLE_SCHEMA)
    assert stored.take([0, 3]).column("messages").to_pylist() == [table["messages"][at].as_py() for at in (0, 3)]
