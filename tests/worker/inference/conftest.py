"""A studio with a random base model, two tuned ones beside it and one whole one, served by a real process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.jobs import launch, make_dataset, succeed
from tests.support.random_model import make_adapter, make_model


@dataclass(frozen=True)
class Served:
    """What the process serves: ids for the API."""

    url: str
    base: str
    first: str
    second: str
    whole: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("inference")
    (folder / "studio.db").write_bytes(_migrated_sqlite.read_bytes())
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFT_DATA_DIR", str(folder))
        patch.setenv("SFT_INFERENCE_PORT", str(port))
        patch.setenv("OMP_NUM_THREADS", "1")
        path = make_model(folder / "base_models" / "random")
        base, dataset = f"local:{path}", make_dataset()
        first, second = (
            succeed(launch(dataset, base, name=f"Tuned {n}"), make_adapter(path, folder / f"a{n}", seed=n)).id
            for n in (1, 2)
        )
        whole_dir = make_model(folder / "whole", seed=9)
        whole = succeed(launch(dataset, base, method="full", name="Whole"), whole_dir).id
        with inference_process(port) as url:
            yield Served(url, base, first, second, whole)


@contextmanager
def inference_process(port: int) -> Iterator[str]:
    """The address of an inference process with the settings of the environment."""
    process = subprocess.Popen([sys.executable, "-m", "worker.inference"], env=dict(os.environ))
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def api_process() -> Iterator[str]:
    """The address of an API with the settings of the environment, before the inference process of the same ones."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "api"], env={**os.environ, "SFT_API_PORT": str(port)})
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the process ended"
        try:
            httpx.get(f"{url}/health", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the process did not answer within 30 s")


@pytest.fixture
def at_the_studio(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """This process looks at the same studio (the suite points each test elsewhere)."""
    folder = Path(served.base.removeprefix("local:")).parents[1]
    monkeypatch.setenv("SFT_DATA_DIR", str(folder))
    monkeypatch.setenv("SFT_INFERENCE_PORT", served.url.rpartition(":")[2])
    return served
