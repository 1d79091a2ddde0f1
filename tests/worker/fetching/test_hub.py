"""Bringing a base model here: the files, how far it is, a cancel, and each way in which the Hub refuses."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from core.errors import SettingsError, StorageError
from core.models import base_models
from core.models.base_models import hub_cache
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training import downloads
from tests.support.hub_server import COMMIT, hub
from tests.support.random_model import make_model
from worker.fetching.hub import explain, files_to_download
from worker.run import execute


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = make_model(tmp_path_factory.mktemp("hub") / "tiny")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling.py").write_text("evil")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def empty_cache(studio_env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))


def work(model_id: str = "someone/tiny") -> TaskRecord:
    ended = execute(downloads.start(model_id).id, "test:1")
    assert ended is not None
    return ended


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch):
    """Says where the Hub is, and that it may be asked (training, in the same process here, turns that off)."""
    import huggingface_hub.constants

    def at(address: str) -> None:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)

    return at


def test_a_model_is_downloaded_and_can_be_trained(files, online) -> None:
    with hub(files) as address:
        online(address)
        ended = work()
        assert (ended.state, ended.result["revision"]) == ("succeeded", COMMIT)
        again = downloads.start("someone/tiny")
    assert again.id != ended.id
    base = base_models.resolve("someone/tiny")
    assert (base.ready, base.revision) == (True, COMMIT)
    here = {path.name for path in base.path.iterdir()}
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= here
    assert not {"pytorch_model.bin", "modeling.py"} & here


def test_a_truncated_file_is_downloaded_again(files, online) -> None:
    with hub(files) as address:
        online(address)
        work()
        weights = base_models.resolve("someone/tiny").path / "model.safetensors"
        blob = weights.resolve()
        blob.write_bytes(blob.read_bytes()[:-100])
        broken = base_models.resolve("someone/tiny")
        assert not broken.ready
        assert "cut off" in broken.reason
        assert work().state == "succeeded"
    assert base_models.resolve("someone/tiny").ready


def test_one_download_at_a_time_and_a_cancel_leaves_no_incomplete_model(files, online) -> None:
    asked, gate = threading.Event(), threading.Event()
    with hub(files, slow=(asked, gate)) as address:
        online(address)
        first = downloads.start("someone/tiny")
        assert downloads.start("someone/tiny").id == first.id
        ended: list[TaskRecord | None] = []
        working = threading.Thread(target=lambda: ended.append(execute(first.id, "test:1")))
        working.start()
        assert asked.wait(120)
        tasks.request(first.id, "cancel")
        working.join(240)
        assert ended[0] is not None
        assert ended[0].state == "cancelled"
        assert hub_cache.main("someone/tiny") == ""
        gate.set()


@pytest.mark.parametrize(
    ("refuse", "says", "remedy"),
    [
        ((403, "GatedRepo"), "gated", "hf auth login"),
        ((401, "GatedRepo"), "gated", "Accept the license at huggingface.co/someone/tiny"),
        ((404, "RepoNotFound"), "has no model someone/tiny", "Check the name"),
        ((401, "RepoNotFound"), "has no model", "hf auth login"),
        ((403, ""), r"denied this account access to someone/tiny \(403\)", "hf auth login"),
        ((500, ""), "returned 500", "Retry"),
    ],
)
def test_an_error_of_the_hub_has_a_remedy(files, online, refuse, says: str, remedy: str) -> None:
    import re

    with hub(files, refuse=refuse) as address:
        online(address)
        ended = work()
    assert ended.state == "failed"
    assert re.search(says, ended.error["message"])
    assert remedy in ended.error["remedy"]


def test_no_network_and_an_unknown_revision(files, online) -> None:
    online("http://127.0.0.1:9")
    ended = work()
    assert "cannot be reached" in ended.error["message"]
    assert ended.error["message"].endswith(".")
    assert not ended.error["message"].endswith("..")
    assert "copy the model's directory" in ended.error["remedy"]
    with hub(files) as address:
        online(address)
        assert "has no revision 'beef'" in work("someone/tiny@beef").error["message"]


def test_a_full_disk_is_named() -> None:
    error = explain(OSError(errno.ENOSPC, "No space left on device"), "someone/tiny", "main")
    assert isinstance(error, StorageError)
    assert "disk is full" in error.message


def test_only_files_for_training_are_downloaded() -> None:
    sizes = dict.fromkeys(
        ("config.json", "model-00001-of-00002.safetensors", "consolidated.safetensors", "original/params.json", "a.py"),
        1,
    )
    assert set(files_to_download(sizes)) == {"config.json", "model-00001-of-00002.safetensors"}


def test_an_invalid_model_id_is_refused() -> None:
    with pytest.raises(SettingsError, match="org/name"):
        downloads.start("../../etc/passwd")
