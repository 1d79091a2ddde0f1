"""Another user of the machine who reads uploads, datasets, keys or the database from the disk."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.platform import private, redis_server
from core.settings import get_settings
from tests.support.servers import free_port, wait_until
from tests.support.studio import family

SFT = [sys.executable, "-m", "core.cli"]
OPEN = 0o077  # the bits of group and others


@pytest.fixture
def careless() -> Iterator[None]:
    """A shell that lets everyone read and write what is made in it."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(folder: Path) -> dict[str, str]:
    """Everything below a folder, itself included, that others may read, write or enter."""
    found = (path for path in (folder, *folder.rglob("*")) if not path.is_symlink())
    return {str(path.relative_to(folder)): oct(mode(path)) for path in found if mode(path) & OPEN}


def test_all_that_a_running_studio_writes_is_closed_to_others(
    careless: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The services of `sft up`, and a conversion from the command line beside them."""
    data, table, out = tmp_path / "data", tmp_path / "faq.csv", tmp_path / "out"
    table.write_text("question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(30)))
    out.mkdir()
    monkeypatch.setenv("SFT_DATA_DIR", str(data))
    monkeypatch.setenv("SFT_WEB_PORT", str(free_port()))
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(free_port()))
    monkeypatch.setenv("SFT_API_PORT", str(free_port()))
    up = subprocess.Popen([*SFT, "up"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert up.stdout is not None
        assert any("is running" in line for line in iter(up.stdout.readline, ""))
        wait_until(lambda: len(family(up.pid)) >= 8, 60, "web, Redis, three workers, reconciler, inference and API")
        wait_until(redis_server.is_up, 60, "Redis")
        make = [*SFT, "convert", str(table), "--template", "qa", "--input", "question", "--target", "answer"]
        subprocess.run([*make, "--name", "faq"], check=True, capture_output=True)
        subprocess.run([*SFT, "export", "faq", "--out", str(out / "faq.jsonl")], check=True, capture_output=True)
        for process in family(up.pid):
            told = Path(f"/proc/{process.pid}/status").read_text()
            assert "Umask:\t0077" in told, process.cmdline()
        written = {path.name for path in data.rglob("*")}
        assert {"studio.db", "files", "logs", "redis", "run", "worker-cpu.jsonl"} <= written
        assert open_to_others(data) == {}
        assert open_to_others(redis_server.runtime_dir()) == {}
        assert mode(out / "faq.jsonl") == 0o600
    finally:
        up.send_signal(signal.SIGTERM)
        for member in family(up.pid):
            member.wait(30)
        shutil.rmtree(redis_server.runtime_dir(), ignore_errors=True)


def test_a_data_directory_that_is_open_is_closed_with_a_note(studio_env: Path) -> None:
    studio_env.chmod(0o755)
    done = subprocess.run([*SFT, "datasets"], capture_output=True, text=True, check=True)
    assert mode(studio_env) == 0o700
    assert f"{studio_env} was open to other users of this machine (mode 755)" in done.stderr
    again = subprocess.run([*SFT, "datasets"], capture_output=True, text=True, check=True)
    assert again.stderr == ""


def test_a_folder_that_is_not_the_studios_alone_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing /tmp or a home directory would lock out more than readers of the studio's files."""
    home = tmp_path / "home"
    (home / "user").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home / "user"))
    for folder, its_mode in ((home, 0o755), (home / "user", 0o750), (tmp_path / "sticky", 0o1777)):
        folder.mkdir(exist_ok=True)
        folder.chmod(its_mode)
        monkeypatch.setenv("SFT_DATA_DIR", str(folder))
        assert f"SFT_DATA_DIR={get_settings().data_dir / 'sft-studio'}" in private.keep_private()
        assert mode(folder) == its_mode
