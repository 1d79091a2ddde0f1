"""What processes log: JSON lines with the ids of the work, limited in size, whatever library writes them."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from core.platform import logs

log = logging.getLogger("a.module")


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(folder: Path, process: str = "web") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "logs" / f"{process}.jsonl").read_text().splitlines()]


def test_a_line_is_json_with_time_level_logger_and_facts(studio_env: Path) -> None:
    logs.configure("web", on_stderr=False)
    log.info("Answered %d questions.", 3, extra={"seconds": 0.5})
    (line,) = lines(studio_env)
    assert (line["message"], line["level"], line["logger"]) == ("Answered 3 questions.", "info", "a.module")
    assert line["seconds"] == 0.5
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_one_line_with_its_traceback(studio_env: Path) -> None:
    logs.configure("web", on_stderr=False)
    try:
        raise ValueError("a bug")
    except ValueError:
        log.exception("It failed.")
    (line,) = lines(studio_env)
    assert "ValueError: a bug" in line["exception"]


def test_bound_facts_are_in_every_line_of_the_block_and_of_its_threads(studio_env: Path) -> None:
    logs.configure("web", on_stderr=False)
    with logs.bound(task_id="task_1"):
        log.info("inside")
        thread = threading.Thread(target=copy_context().run, args=(log.info, "in a thread"))
        thread.start()
        thread.join()
    log.info("outside")
    assert [line.get("task_id") for line in lines(studio_env)] == ["task_1", "task_1", None]


def test_configuring_again_replaces_the_first_time(studio_env: Path) -> None:
    logs.configure("web", on_stderr=False)
    logs.configure("inference", on_stderr=False)
    log.info("once")
    assert not (studio_env / "logs" / "web.jsonl").exists()
    assert len(lines(studio_env, "inference")) == 1


def test_files_are_limited_in_size_and_number(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST_BYTES", 1_000)
    logs.configure("web", on_stderr=False)
    for number in range(100):
        log.info("line %d %s", number, "x" * 200)
    files = sorted(path.name for path in (studio_env / "logs").iterdir())
    assert files == ["web.jsonl", "web.jsonl.1", "web.jsonl.2", "web.jsonl.3"] or files == [
        "web.jsonl.1",
        "web.jsonl.2",
        "web.jsonl.3",
    ]
    assert all(path.stat().st_size < 2_000 for path in (studio_env / "logs").iterdir())
    newest = (studio_env / "logs" / "web.jsonl.1").read_text().splitlines()[-1]
    assert json.loads(newest)["message"].startswith("line 9")


def test_people_read_plain_lines_on_stderr(studio_env: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("cli", level=logging.WARNING, on_stderr=True)
    log.info("too quiet")
    log.warning("The disk is nearly full.")
    assert "WARNING a.module: The disk is nearly full." in capsys.readouterr().err
    assert [line["message"] for line in lines(studio_env, "cli")] == ["The disk is nearly full."]


def test_a_file_on_stderr_gets_no_second_copy(studio_env: Path, tmp_path: Path, monkeypatch) -> None:
    with (tmp_path / "web.log").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        logs.configure("web")
        log.info("for the JSON lines alone")
    assert (tmp_path / "web.log").read_text() == ""
    assert len(lines(studio_env)) == 1


def test_a_library_with_its_own_handlers_goes_through_ours(studio_env: Path) -> None:
    library = logging.getLogger("somelib.part")
    library.addHandler(logging.NullHandler())
    library.propagate = False
    logs.configure("web", on_stderr=False)
    logs.adopt("somelib")
    library.warning("from the library")
    assert [line["logger"] for line in lines(studio_env)] == ["somelib.part"]


def test_a_deleted_log_directory_stops_no_work(studio_env: Path) -> None:
    logs.configure("web", on_stderr=False)
    (studio_env / "logs").rmdir()
    log.info("nowhere to go")
