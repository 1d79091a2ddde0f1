"""One wheel from the package index that pip is configured for, by `pip download` in a separate process.

pip reads the user's own configuration: index, mirrors, certificates, credentials. Only a wheel is accepted and without
what it depends on, so that no code of a package runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.errors import DataError, ProviderUnavailable, StorageError, StudioError
from core.platform.processes import die_with_parent

log = logging.getLogger(__name__)

POLL_S: Final = 0.25
# pip repeats each request; five times with its default timeouts, a blocked index takes minutes
_OPTIONS: Final = (
    "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--no-color", "--progress-bar=off",
    "--disable-pip-version-check", "--retries=2",
)  # fmt: skip
_OFFLINE = re.compile(
    r"connection broken by|Failed to establish a new connection|Name or service not known|Temporary failure in name|"
    r"Max retries exceeded|ConnectTimeout|ReadTimeout|ProxyError|SSLError|HTTP error 5\d\d|Network is unreachable"
)
_REASON = re.compile(r"(Errno [^'\")]*|timed out|ProxyError[^'\"]*|CERTIFICATE_VERIFY_FAILED|HTTP error 5\d\d[^:]*)")
_SECRET = re.compile(r"//[^/@\s]+@")  # a name and password in an address
_REMEDY = "See `pip config list` for the index that is used"


def wheel(package: str, version: str, folder: Path, waiting: Callable[[int], None]) -> Path:
    """Download a wheel into a new folder; pip and its children are ended when `waiting` raises.

    Args:
        folder: is created; everything that pip writes is in it.
        waiting: called several times a second with the bytes on the disk so far.

    Raises:
        ProviderUnavailable: pip is missing, or the index cannot be reached. DataError: the index does not have it.
        StorageError: the disk is full.
    """
    target, temporary = folder / "wheels", folder / "temporary"
    for path in (target, temporary):
        path.mkdir(parents=True)
    output = folder / "pip.txt"
    # -P: a folder `pip` in the working directory is not taken for pip
    command = [sys.executable, "-P", "-m", "pip", "download", *_OPTIONS, "--dest", str(target), f"{package}=={version}"]
    code = _run(command, temporary, output, lambda: waiting(_bytes(folder)))
    found = sorted(target.glob("*.whl"))
    if code == 0 and len(found) == 1:
        return found[0]
    text = _SECRET.sub("//", output.read_text(encoding="utf-8", errors="replace"))
    log.warning("pip download ended with %d:\n%s", code, text[-4_000:])
    raise explain(text, package, version)


def _run(command: list[str], temporary: Path, output: Path, waiting: Callable[[], None]) -> int:
    parent = os.getpid()
    with output.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=temporary,
            env=os.environ | {"TMPDIR": str(temporary)},  # where pip's partial file grows
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # a separate group, which is ended with everything in it
            preexec_fn=lambda: die_with_parent(parent),
        )
    try:
        while process.poll() is None:
            waiting()
            time.sleep(POLL_S)
        return process.returncode
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _bytes(folder: Path) -> int:
    """The size of the largest file: pip writes the wheel to a temporary file, then copies it."""
    sizes = [0]
    for place, _, names in os.walk(folder):  # a folder that pip removes at this moment is left out
        for name in (name for name in names if ".whl" in name):
            with contextlib.suppress(OSError):  # it was moved
                sizes.append(os.stat(os.path.join(place, name)).st_size)
    return max(sizes)


def explain(output: str, package: str, version: str) -> StudioError:
    """The error for what pip printed."""
    if "No module named pip" in output:
        return ProviderUnavailable(
            "pip is not installed beside the studio, so nothing can be downloaded from your package index.",
            f"Install it ({sys.executable} -m ensurepip), or choose another source.",
        )
    if "No space left" in output:
        return StorageError("The disk is full.", "Free some space and retry.")
    if _OFFLINE.search(output):
        reasons = _REASON.findall(output)
        reason = f": {reasons[-1].strip().rstrip('.')}" if reasons else ""
        return ProviderUnavailable(f"Your package index cannot be reached{reason}.", f"Check the network. {_REMEDY}.")
    if "No matching distribution found" in output:
        return DataError(f"Your package index does not have {package} {version}.", f"{_REMEDY}.", code="base_model")
    errors = [line.partition("ERROR: ")[2] for line in output.splitlines() if line.startswith("ERROR: ")]
    last = (errors or output.strip().splitlines() or ["no output"])[-1]
    return ProviderUnavailable(f"pip could not download {package} {version}: {last[:300].rstrip('.')}.", f"{_REMEDY}.")
