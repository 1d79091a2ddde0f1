"""A small file that unpacks to gigabytes: Parquet, gzip, zip and nested JSON bombs, each read in bounded memory.

Each is read in a child process whose peak memory and time are measured.
"""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MEMORY_MB = 700  # of the child, with everything that it imports
SECONDS = 60.0
READ = """
import sys
from pathlib import Path
from core.errors import StudioError
from core.data import formats
from core.data.chat_logs import Bundle
path = Path(sys.argv[1])
try:
    if path.suffix == ".zip":
        found = Bundle(path, path.name)
        for name in found.names:
            for _ in found.rows(name): pass
    else:
        for _ in formats.read(path, formats.detect_file(path, path.name, None)): pass
    print("read")
except StudioError as error:
    print("refused", error.message)
# not ru_maxrss: a new program inherits that of the process that started it
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def parquet_dictionary(path: Path) -> None:
    """One long value, used a million times."""
    value = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"question": value, "answer": value}), path, compression="zstd", row_group_size=1_000_000)


def parquet_nulls(path: Path) -> None:
    """Rows that take no space at all."""
    pq.write_table(pa.table({"question": pa.nulls(50_000_000, pa.string())}), path, compression="zstd")


def parquet_columns(path: Path) -> None:
    pq.write_table(pa.table({f"c{n}": pa.array(["x"]) for n in range(20_000)}), path)


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as stream:
        block = b"question,answer\n" + b"a,b\n" * 250_000
        for _ in range(1_500):
            stream.write(block)


def gzip_one_line(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as stream:
        stream.write(b'{"messages": "')
        for _ in range(2_000):
            stream.write(b"x" * 1_000_000)


def gzip_twice(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.compress(b"a,b\n" * 100_000_000)))


def zip_bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("conversations.json", "w", force_zip64=True) as member,
    ):
        for _ in range(3_000):
            member.write(b" " * 1_000_000)


def zip_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):
            archive.writestr(f"{number}.json", b"")


def json_depth(path: Path) -> None:
    path.write_text('[{"question":' * 200_000 + "1" + "}]" * 200_000)


def json_numbers(path: Path) -> None:
    path.write_text(json.dumps([{"question": "x"}])[:-1] + ',{"question":' + "9" * 10_000_000 + "}]")


def jsonl_keys(path: Path) -> None:
    line = json.dumps({f"k{n}": 1 for n in range(100_000)})
    path.write_text("\n".join([line] * 20))


BOMBS = {
    "dictionary.parquet": parquet_dictionary, "nulls.parquet": parquet_nulls, "columns.parquet": parquet_columns,
    "bomb.csv.gz": gzip_bomb, "line.jsonl.gz": gzip_one_line, "twice.csv.gz": gzip_twice, "bomb.zip": zip_bomb,
    "members.zip": zip_members, "depth.json": json_depth, "numbers.json": json_numbers, "keys.jsonl": jsonl_keys,
}  # fmt: skip


# The others may be read, with the bad records among the rejects.
REFUSED = {
    "dictionary.parquet",
    "nulls.parquet",
    "bomb.csv.gz",
    "line.jsonl.gz",
    "twice.csv.gz",
    "bomb.zip",
    "members.zip",
}
LONG = {"bomb.csv.gz", "line.jsonl.gz", "bomb.zip", "keys.jsonl", "members.zip"}  # to make, above all


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in BOMBS])
def test_a_bomb_is_refused_or_read_in_bounded_memory(name: str, tmp_path: Path) -> None:
    bomb = tmp_path / name
    BOMBS[name](bomb)
    assert bomb.stat().st_size < 60_000_000
    began = time.monotonic()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (300, 300))

    done = subprocess.run(
        [sys.executable, "-c", READ, str(bomb)], capture_output=True, text=True, check=False, preexec_fn=limit
    )
    assert done.returncode == 0, done.stderr[-1_500:]
    told, peak_mb = done.stdout.splitlines()
    assert told == "read" or told.startswith("refused"), told
    if name in REFUSED:
        assert told.startswith("refused"), told
    assert int(peak_mb) < MEMORY_MB, (told, peak_mb)
    assert time.monotonic() - began < SECONDS, told
    assert not [path for path in tmp_path.iterdir() if path != bomb]
