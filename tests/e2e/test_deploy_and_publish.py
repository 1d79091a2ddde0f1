"""A model from its page to programs: deployed, used from code, and published to llama.cpp with its smoke test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services.platform import api_keys
from core.services.serving import publishing
from core.services.training import jobs, models
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.support.jobs import make_dataset
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

TRAIN_S, WORK_MS = 300, 600_000


@pytest.fixture(scope="module")
def model(studio: Studio, starter: Path) -> Iterator[models.ModelRecord]:
    """A model that a worker of the running studio trained for a few steps; the services read the same data."""
    home = studio.data_dir / "models" / starter.name
    if not home.exists():
        shutil.copytree(starter, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFT_DATA_DIR", str(studio.data_dir))
        dataset = make_dataset("Published items", count=12, validation=5)
        job = jobs.create(
            dataset_id=dataset.id,
            base_model="starter",
            name="Published items",
            method="lora",
            draft_key=None,
            training={"num_epochs": 1},
        )
        wait_until(lambda: jobs.get_job(job.id).is_terminal, TRAIN_S, "the training")
        (trained,) = [one for one in models.list_models() if one.job_id == job.id]
        yield trained


@pytest.fixture
def inside(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services read the running studio's data."""
    monkeypatch.setenv("SFT_DATA_DIR", str(studio.data_dir))


def press(page, key: str) -> None:
    """Press the button with this key and wait for the page."""
    page.locator(f".st-key-{key} button:enabled").first.click()
    settle(page)


def copied(page, tab: str, example: str) -> str:
    """What the copy button of an example puts on the clipboard."""
    page.get_by_role("tab", name=tab, exact=True).click()
    page.get_by_role("button", name=f"Copy the {example} example").click()
    page.get_by_role("button", name=f"Copy the {example} example").get_by_text("Copied").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_archived_model_is_deployed_and_used_from_code(
    studio: Studio, model: models.ModelRecord, inside: None, open_page
) -> None:
    models.archive([model.id])
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=studio.url)
    visit(page, f"{studio.url}/models?id={model.id}")
    assert page.locator(".st-key-use_from_code").count() == 0
    press(page, f"deploy_{model.id}")
    page.locator(".st-key-use_from_code").wait_for()
    settle(page)
    assert models.get_model(model.id).state == "active"
    assert beyond_edge(page) == []

    curl, python = copied(page, "curl", "curl"), copied(page, "Python", "Python")
    made = api_keys.create(name="Program", scopes=["serve"], days=1)
    try:
        environment = {**os.environ, "SFT_KEY": made.key, "NO_PROXY": "127.0.0.1"}
        said = json.loads(run(["bash", "-c", curl], environment))["choices"][0]["message"]["content"]
        assert said
        assert run([sys.executable, "-c", python], environment) == f"{said}\n"
    finally:
        api_keys.revoke(made.record.id)


def test_it_is_published_to_llama_cpp_and_its_smoke_test_is_shown(
    studio: Studio, model: models.ModelRecord, inside: None, open_page
) -> None:
    page = open_page()
    visit(page, f"{studio.url}/models?id={model.id}")
    press(page, f"publish_{model.id}")
    page.locator(".st-key-target_llama_cpp").wait_for()
    page.locator(".st-key-start_llama_cpp button").click()
    page.locator("[class*=st-key-deployment_dp_]").wait_for(timeout=WORK_MS)
    settle(page)
    (found,) = publishing.published(model.id)
    assert len(found.smoke.answers) == 5
    press(page, f"smoke_{found.id}")
    shown = page.get_by_role("dialog")
    for number, answer in enumerate(found.smoke.answers):
        assert answer.question in shown.locator(f".st-key-smoke_answer_{number}").inner_text()
    assert beyond_edge(page) == []
    page.set_viewport_size({"width": 420, "height": 1000})
    assert beyond_edge(page) == []

    page.keyboard.press("Escape")
    shown.wait_for(state="detached")
    page.locator(f".st-key-engine_{model.id} label").filter(has_text="llama.cpp").click()
    wait_until(lambda: publishing.engine_choice(model).engine == "llama_cpp", 60, "the choice of the engine")
    settle(page)
    press(page, f"retire_{found.id}")
    page.locator(".st-key-retire_confirm button").click()
    page.locator("[class*=st-key-deployment_dp_]").wait_for(state="detached")
    assert publishing.published(model.id) == []
