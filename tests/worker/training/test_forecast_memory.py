"""The forecast of memory, compared with the peak of a real run in a separate process. No time is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.models.methods import METHODS


@pytest.mark.slow
def test_memory_is_forecast_within_15_percent(real_data: Path) -> None:
    """All methods on 24M parameters: `python -m bench.forecast` does the same on 150M.

    In fp32: before the first run in *auto* it is not known whether this machine is faster in bf16.
    """
    command = [sys.executable, "-m", "bench.forecast", "--json", "--quick", "--memory", "--precision", "fp32"]
    environment = {**os.environ, "SFT_TEST_DATA": str(real_data)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])["methods"]
    assert set(rows) == set(METHODS.ids())
    errors = {method: round(row["memory_error"], 3) for method, row in rows.items()}
    assert max(map(abs, errors.values())) <= 0.15, errors
