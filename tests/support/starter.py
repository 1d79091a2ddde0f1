"""The real starter for tests: built once on this machine, then taken from a cache.

`SFT_TEST_STARTER` names the folder of the cache; without it, it is that of the user, which all clones share. After a
change of the recipe, of the code that builds it or of a library's version it is built anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from filelock import FileLock

from core.models.base_models.starter import recipe_hash, starter_dir

REPOSITORY = Path(__file__).parents[2]
USERS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
# Read when pytest starts: each test's environment is cleared of the studio's variables.
CACHE = Path(os.environ.get("SFT_TEST_STARTER") or USERS / "sft-studio" / "test-starter")
MADE_BY = ("worker/training/*.py", "core/models/base_models/starter.py", "core/models/render*.py", "constraints.txt")
KEPT = 3  # of the builds of different code


def built_starter() -> Path:
    """The directory of the starter of the present recipe and code, built now if no earlier run did."""
    from worker.training.starter import build

    directory = cache() / f"starter-{recipe_hash()}"
    with FileLock(CACHE / ".building"):  # of two test processes one builds, the other waits for it
        build(directory, lambda percent, text: None)
    return directory


def cache() -> Path:
    """The folder for models that the present code builds; those of the code before the last two are deleted."""
    files = [path for pattern in MADE_BY for path in sorted(REPOSITORY.glob(pattern))]
    folder = CACHE / hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    with FileLock(CACHE / ".deleting"):
        for old in sorted(CACHE.glob("*/"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old)
    return folder


def install(built: Path) -> Path:
    """Put the built starter where the present studio looks for it."""
    target = starter_dir()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(built, target)
    return target
