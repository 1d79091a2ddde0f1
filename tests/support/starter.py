"""The real starter for tests: built once on this machine, then taken from a cache.

`SFT_TEST_STARTER` names the folder of the cache; without it, it is `build/test-starter` in the repository.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import FileLock

from core.models.base_models.starter import recipe_hash, starter_dir

REPOSITORY = Path(__file__).parents[2]
# Read when pytest starts: each test's environment is cleared of the studio's variables.
CACHE = Path(os.environ.get("SFT_TEST_STARTER") or REPOSITORY / "build" / "test-starter")


def built_starter() -> Path:
    """The directory of the starter of the present recipe, built now if no earlier run did."""
    from worker.training.starter import build

    directory = CACHE / f"starter-{recipe_hash()}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / ".building"):  # of two test processes one builds, the other waits for it
        build(directory, lambda percent, text: None)
    return directory


def install(built: Path) -> Path:
    """Put the built starter where the present studio looks for it."""
    target = starter_dir()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(built, target)
    return target
