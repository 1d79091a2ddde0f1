"""Engines in the worker: each has the functions of the contract, or a reason why it does not work in this process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.errors import NotFound, StudioError
from core.training.engines import ENGINES
from worker.training.engines import import_engine


@pytest.mark.parametrize("engine_id", ENGINES.ids())
def test_an_engine_loads_and_runs_or_gives_a_reason(engine_id: str) -> None:
    try:
        engine = import_engine(engine_id)
    except StudioError as error:
        refused = error
    else:
        assert callable(engine.load)
        assert callable(engine.run)
        return
    assert engine_id in refused.message
    assert refused.remedy


def test_an_unknown_engine_is_named_with_those_that_exist() -> None:
    with pytest.raises(NotFound, match="jax") as unknown:
        import_engine("jax")
    assert "trl" in unknown.value.remedy


def test_unsloth_refuses_if_what_it_changes_was_imported_before() -> None:
    """First everything that a worker has imported before its engine; then transformers before unsloth."""
    code = (
        "import sys, worker.queues, worker.run, worker.training.job, worker.training.calibrate, worker.training.run\n"
        "from core.models import methods\n"
        "[methods.build(name) for name in methods.METHODS.ids()]\n"
        "print({'transformers', 'trl', 'peft'} & set(sys.modules))\n"
        "import transformers\n"
        "from core.errors import TrainingError\n"
        "from worker.training.engines import import_engine\n"
        "try: import_engine('unsloth')\n"
        "except TrainingError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    early, refusal = done.stdout.strip().splitlines()
    assert early == "set()"
    assert "before transformers" in refusal
    assert "fresh process" in refusal
