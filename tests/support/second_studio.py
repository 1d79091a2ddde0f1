"""A second studio, with its own data directory and ports: the real provider of hosted training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.models.llm.base import Endpoint
from tests.e2e.harness import Studio, start, stop
from tests.support.servers import free_port, wait_until
from tests.support.starter import install


@dataclass(frozen=True)
class SecondStudio:
    """A running studio. `url` is the address of its OpenAI-shaped API, `key` one with every right there."""

    studio: Studio
    url: str
    key: str

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.url, self.key, 150.0)

    def api(self, method: str, path: str, **options: object) -> httpx.Response:
        """A request to it, beside the code under test."""
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.url.removesuffix('/v1')}{path}"
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=300, **options)  # type: ignore[arg-type]


@contextmanager
def second_studio(data_dir: Path, starter: Path) -> Iterator[SecondStudio]:
    """Start one with the starter in its place, and stop it with everything that it started."""
    web, inference, port = (str(free_port()) for _ in range(3))
    env = {"SFT_DATA_DIR": str(data_dir), "SFT_WEB_PORT": web, "SFT_INFERENCE_PORT": inference, "SFT_API_PORT": port}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        install(starter)
        studio = start([sys.executable, "-m", "core.cli", "up"], f"http://127.0.0.1:{web}", data_dir, env)
        try:
            made = [sys.executable, "-m", "core.cli", "keys", "create", "--name", "Other studio", "--scope", "admin"]
            key = subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()
        except BaseException:
            stop(studio)
            raise
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(f"{url}/health"), 120, "the API")
        yield SecondStudio(studio, f"{url}/v1", key)
    finally:
        stop(studio)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
