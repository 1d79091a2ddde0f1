"""The real-world data sets that the benchmarks run on."""

from __future__ import annotations

import os
from pathlib import Path


def real_data() -> Path:
    """The folder that SFT_TEST_DATA names, else `shared/data` beside the repository. Exits where it is missing."""
    found = Path(os.environ.get("SFT_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not found.is_dir():
        raise SystemExit(f"There is no folder {found}. Set SFT_TEST_DATA to the folder of real-world data.")
    return found
