"""A command and a worker of short tasks work without pandas, and hardly ever look for garbage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=dict(os.environ))


def test_arrow_does_not_import_it() -> None:
    run(
        "import sys\n"
        "from core.platform.short_processes import do_without_pandas\n"
        "do_without_pandas()\n"
        "import pyarrow as pa, numpy as np\n"
        "assert pa.array(['a', None]).to_pylist() == ['a', None]\n"
        "assert pa.array(np.arange(2)).to_pylist() == [0, 1]\n"
        "assert pa.repeat('a', 2).to_pylist() == ['a', 'a']\n"
        "assert 'pandas' not in sys.modules\n"
    )


def test_a_command_that_checks_a_file_loads_no_database_and_no_pandas(studio_env: Path) -> None:
    file = studio_env / "faq.csv"
    file.write_text("question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(60)))
    run(
        "import sys\n"
        "from core.cli import main\n"
        f"sys.argv = ['sft', 'validate', {str(file)!r}]\n"
        "assert main() == 0\n"
        "loaded = {'pandas', 'sqlalchemy', 'duckdb', 'torch', 'redis', 'rq'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )


def test_the_collector_runs_rarely_and_not_at_the_end() -> None:
    run(
        "import atexit, gc, os\n"
        "atexit.register(lambda: gc.get_freeze_count() or os._exit(1))\n"  # runs last
        "from core.platform.short_processes import COLLECT_AFTER, collect_rarely\n"
        "later = gc.get_threshold()[1:]\n"
        "collect_rarely()\n"
        "assert gc.isenabled() and gc.get_threshold() == (COLLECT_AFTER, *later)\n"
        "made = []; made.append(made); del made\n"
        "assert gc.collect() > 0\n"
    )


def test_a_command_that_used_duckdb_ends_without_a_word_about_its_types() -> None:
    script = (
        "from core.platform.short_processes import collect_rarely\n"
        "collect_rarely()\n"
        "from core.data.examples.parquet import connect\n"
        "with connect() as connection:\n"
        "    assert connection.execute('SELECT 1').fetchall() == [(1,)]\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
