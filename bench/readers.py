"""Which engine reads real dirty CSV best? `python -m bench.readers [--rows 1000000] [--memory-only]`

Two questions, asked of each engine with the settings that are kindest to dirty files:

- speed: rows of two text columns into Python's own strings (conversion writes JSON from them), in seconds;
- truth: on a table with known faults, how many good rows arrive unchanged, how many rows are wrong (shifted, merged or
  made up), and how many faults are told with their physical line and their text.

And memory: how much the process grows while 100 MB pass through the studio's readers, in MB.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.data import formats
from core.messages import Reject

ENGINES: dict[str, Callable[[Path], tuple[list[tuple[int | None, list[str | None]]], list[tuple[int, str]]]]] = {}


def engine(name: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        ENGINES[name] = function
        return function

    return add


@engine("studio")
def _studio(path: Path) -> Any:
    rows, rejects = [], []
    for item in formats.read(path, formats.detect_file(path)):
        if isinstance(item, Reject):
            rejects.append((item.line, item.raw))
        else:
            rows.append((item.line, list(item.fields.values())))
    return rows, rejects


@engine("python csv")
def _python(path: Path) -> Any:
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        return [(None, cells) for cells in list(csv.reader(stream))[1:]], []


@engine("duckdb")
def _duckdb(path: Path) -> Any:
    import duckdb

    connection = duckdb.connect()
    rows = connection.execute(
        "select * from read_csv(?, all_varchar=true, header=true, store_rejects=true, strict_mode=true)", [str(path)]
    ).fetchall()
    rejects = connection.execute("select line, csv_line from reject_errors").fetchall()
    return [(None, list(cells)) for cells in rows], [(line, text or "") for line, text in rejects]


@engine("polars")
def _polars(path: Path) -> Any:
    import polars

    table = polars.read_csv(
        path, infer_schema=False, ignore_errors=True, truncate_ragged_lines=True, encoding="utf8-lossy",
    )  # fmt: skip
    return [(None, list(cells)) for cells in table.rows()], []


@engine("pyarrow")
def _pyarrow(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    rejects: list[tuple[int, str]] = []

    def invalid(row: Any) -> str:
        rejects.append((row.number or 0, row.text))
        return "skip"

    names = path.open(encoding="utf-8").readline().strip().split(",")
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(use_threads=False),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=invalid),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False, check_utf8=False
        ),
    )
    columns = [[cell.decode("utf-8", "replace") for cell in column.to_pylist()] for column in table.columns]
    return [(None, list(cells)) for cells in zip(*columns, strict=True)], rejects


def clean_table(path: Path, rows: int) -> None:
    text = "I am still waiting on my card, and the app says nothing about it."
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "category"))
        writer.writerows((f"{text} {n}" if n % 9 else f"{text}\n{n}", "card_arrival") for n in range(rows))


def dirty_table(path: Path, rows: int = 2_000) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Rows of three cells with a fault now and then; gives the good rows and the faults by physical line."""
    good: dict[int, list[str]] = {}
    bad: dict[int, str] = {}
    faults = ["{n},short", "{n},too,many,cells", '{n},"never closed,x', '{n},"closed"early,x', "{n},by\xfete,x"]
    line, out = 2, ["id,text,label\n"]
    for n in range(rows):
        if n % 100 == 50:
            text = faults[n // 100 % len(faults)].format(n=n)
            bad[line] = text.replace("\xfe", "\udcfe")
        else:
            cells = [f"{n:05}", f'say "{n}",\nor not' if n % 7 == 0 else f"text {n}", "NA" if n % 3 else ""]
            buffer = io.StringIO(newline="")
            csv.writer(buffer, lineterminator="").writerow(cells)
            text, good[line] = buffer.getvalue(), cells
        out.append(text + "\n")
        line += 1 + text.count("\n")
    path.write_bytes("".join(out).encode("utf-8").replace("\xfe".encode(), b"\xfe"))
    return good, bad


def truth(name: str, folder: Path) -> dict[str, Any]:
    path = folder / "dirty.csv"
    good, bad = dirty_table(path)
    try:
        rows, rejects = ENGINES[name](path)
    except Exception as error:
        return {"error": str(error).splitlines()[0][:120]}
    expected = {tuple(cells) for cells in good.values()}
    unchanged = sum(tuple("" if c is None else c for c in cells) in expected for _, cells in rows)
    told = sum(line in bad for line, _ in rejects)
    verbatim = sum(bad.get(line, "\0").startswith(text.strip()[:7]) for line, text in rejects if text.strip())
    return {
        "good_rows": len(good),
        "unchanged": unchanged,
        "wrong_rows": len(rows) - unchanged,
        "faults": len(bad),
        "faults_with_their_line": told,
        "faults_with_their_text": verbatim,
        "rows_with_their_line": sum(good.get(line or 0) == list(cells) for line, cells in rows),
    }


def batches(path: Path) -> int:
    return sum(len(batch) for batch in formats.read_batches(path, formats.detect_file(path)))


def growth(kind: str, folder: Path) -> dict[str, float]:
    """MB by which a fresh process grows while it reads 100 MB of one kind."""
    path = folder / f"big.{kind}"
    if not path.exists():
        _big(kind, path)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom core.data import formats\n"
        "import pyarrow.parquet\n"
        # VmHWM, not ru_maxrss: the latter begins with the peak of the process that started this one.
        "status = lambda: Path('/proc/self/status').read_text()\n"
        "peak = lambda: int(status().partition('VmHWM:')[2].split()[0]) / 1024\n"
        "path = Path(sys.argv[1]); before = peak(); start = time.perf_counter()\n"
        "rows = sum(1 for _ in formats.read(path, formats.detect_file(path)))\n"
        "print(peak() - before, time.perf_counter() - start, rows)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    extra, seconds, rows = map(float, done.stdout.split())
    return {"file_MB": round(path.stat().st_size / 1e6), "extra_MB": round(extra), "s": round(seconds, 1), "rows": rows}


def _big(kind: str, path: Path, size: int = 100_000_000) -> None:
    def texts() -> Iterator[str]:
        done = n = 0
        while done < size:
            text = f"row {n}: é some words that are not all the same, {n * 7919 % 1_000_003}"
            yield text
            done += len(text) + 25
            n += 1

    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        values = [text + f"{hash(text):x}" * 4 for text in texts()]
        pq.write_table(pa.table({"text": values, "label": ["x"] * len(values)}), path, compression="none")
    elif kind == "csv.gz":
        import gzip

        with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as stream:
            csv.writer(stream).writerows([("text", "label"), *((text, "x" * 20) for text in texts())])
    elif kind == "one-line.csv":
        path.write_text("q,a\n" + "x" * size + ",y\nz,w\n")
    elif kind == "unclosed.csv":
        path.write_text('q,a\n1,"open\n' + "".join(f"{text.replace(',', '')},x\n" for text in texts()))
    elif kind == "json":
        with path.open("w", encoding="utf-8") as out:
            out.write("[" + ",\n".join(json.dumps({"text": text, "label": "x"}) for text in texts()) + "]")
    elif kind == "jsonl":
        with path.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps({"text": text, "label": "x"}) + "\n" for text in texts())
    else:
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows((text, "x" * 20) for text in ["text", *texts()])


KINDS = ("csv", "csv.gz", "jsonl", "json", "parquet", "one-line.csv", "unclosed.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory-only", action="store_true")
    chosen, _ = parser.parse_known_args()
    result: dict[str, Any] = {"speed": {}, "truth": {}, "memory": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clean = folder / "clean.csv"
        clean_table(clean, chosen.rows)
        for kind in () if chosen.memory_only else ENGINES:
            result["truth"][kind] = truth(kind, folder)
            if "No module named" in str(result["truth"][kind].get("error")):  # polars is no part of the studio
                continue
            start = time.perf_counter()
            count = batches(clean) if kind == "studio" else len(ENGINES[kind](clean)[0])
            result["speed"][kind] = {"s": round(time.perf_counter() - start, 2), "rows": count}
        clean.unlink()
        for kind in KINDS:
            result["memory"][kind] = growth(kind, folder)
            (folder / f"big.{kind}").unlink()
    for part, table in result.items():
        print(part)
        for kind, values in table.items() if isinstance(table, dict) else ():
            print(f"  {kind:14} {values}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
