"""Code that arrives with weights: modules of a model folder (trust_remote_code) and pickles (.bin, .pt, rng_state.pth).

Each trap would create a file when it runs. The last test follows the same rule through the source: no call that could
run what it reads.
"""

from __future__ import annotations

import ast
import contextlib
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import DataError, StudioError
from core.models import base_models
from core.services.platform import tasks
from core.services.training import jobs
from tests.support.random_model import make_adapter, make_model
from tests.worker.training import conftest as training

tiny_base = training.tiny_base  # the fixture: a tiny model, built once on this machine
ROOT = Path(__file__).parents[2]


class Trap:
    """A pickle that touches a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.file,))


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """The file that exists once a trap has run."""
    return tmp_path / "sprung"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "model")


def change(file: Path, **values: object) -> None:
    found = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**found, **values}))


def module(folder: Path, sprung: Path) -> None:
    for name in ("modeling.py", "configuration.py", "tokenization.py", "custom.py", "__init__.py"):
        (folder / name).write_text(f"import pathlib\npathlib.Path({str(sprung)!r}).touch()\n")


AUTO = {
    "AutoModelForCausalLM": "modeling.Evil",
    "AutoConfig": "configuration.Evil",
    "AutoTokenizer": ["tokenization.Evil"] * 2,
}


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_a_module_in_a_model_folder_never_runs(file: str, model: Path, sprung: Path) -> None:
    from worker.training.model_files import load_model, load_tokenizer

    module(model, sprung)
    change(model / file, auto_map=AUTO, trust_remote_code=True, custom_generate="custom", tokenizer_class="Evil")
    for act in (
        lambda: base_models.resolve(f"local:{model}"),
        lambda: load_tokenizer(model),
        lambda: load_model(model),
    ):
        with contextlib.suppress(StudioError):
            act()
    assert not sprung.exists()
    if file == "config.json":
        with pytest.raises(DataError, match="its own code"):
            base_models.resolve(f"local:{model}")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.safetensors"])
def test_pickled_weights_are_never_opened(name: str, model: Path, sprung: Path) -> None:
    from worker.training.model_files import load_model

    (model / "model.safetensors").unlink()
    (model / name).write_bytes(pickle.dumps(Trap(sprung)))
    change(model / "pytorch_model.bin.index.json", weight_map={"model.embed_tokens.weight": name})
    with pytest.raises(DataError):
        base_models.resolve(f"local:{model}")
    with pytest.raises(StudioError):
        load_model(model)
    assert not sprung.exists()


def test_a_pickle_beside_good_weights_is_ignored(model: Path, sprung: Path) -> None:
    from worker.training.model_files import load_model, load_tokenizer

    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "rng_state.pth", "vocab.pkl"):
        (model / name).write_bytes(pickle.dumps(Trap(sprung)))
    load_model(model)
    load_tokenizer(model)
    assert not sprung.exists()


def test_an_adapter_brings_no_code(model: Path, tmp_path: Path, sprung: Path) -> None:
    """Pickled adapter weights, and a mapping that names a module to import."""
    from worker.training.model_files import load_tuned

    adapter = make_adapter(model, tmp_path / "adapter")
    module(tmp_path, sprung)
    mapping = {"base_model_class": "Evil", "parent_library": "custom"}
    change(adapter / "adapter_config.json", auto_mapping=mapping, auto_map=AUTO)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        with contextlib.suppress(StudioError):
            load_tuned(model, adapter)
        assert not sprung.exists()
        (adapter / "adapter_model.safetensors").unlink()
        (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Trap(sprung)))
        with pytest.raises(Exception, match=r".+"):  # whatever it says, nothing was unpickled
            load_tuned(model, adapter)
    assert not sprung.exists()


def test_a_run_resumes_without_unpickling(studio_env: Path, tiny_base: Path, sprung: Path) -> None:
    """Pickles with the names that trainers resume from are put into a checkpoint, and its manifest is made to agree."""
    from tests.worker.training.test_job import launch, seen_steps, work
    from worker.training import checkpoints

    job = launch(f"local:{tiny_base}", num_epochs=40)
    paused = work(job, when=seen_steps(job, 5), then=lambda: jobs.request(job.id, "pause"))
    assert paused.state == "paused"
    found = [path.parent for path in studio_env.rglob(checkpoints.MANIFEST)]
    assert found
    names = ("rng_state.pth", "optimizer.pt", "scheduler.pt", "scaler.pt", "training_args.bin", "pytorch_model.bin",
             "optimizer.bin", "random_states_0.pkl")  # fmt: skip
    for folder in found:
        for name in names:
            (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
        hashes = checkpoints.file_hashes(folder)
        hashes.pop(checkpoints.MANIFEST)
        change(folder / checkpoints.MANIFEST, files=hashes)
        assert checkpoints.verify(folder)
    jobs.request(job.id, "resume")
    assert work(job).state == "succeeded"
    assert "recovery" in {event.kind for event in tasks.events(job.task_id)}
    assert not sprung.exists()


RUNS_WHAT_IT_READS = {
    "pickle": ("load", "loads", "Unpickler"), "cPickle": ("load", "loads"), "dill": ("load", "loads"),
    "joblib": ("load",), "torch": ("load",), "marshal": ("load", "loads"), "shelve": ("open",),
    "yaml": ("load", "full_load", "unsafe_load"), "os": ("system", "popen"), "runpy": ("run_path", "run_module"),
    "numpy": ("load",), "np": ("load",), "pd": ("read_pickle",), "pandas": ("read_pickle",),
    "subprocess": ("getoutput", "getstatusoutput"), "cloudpickle": ("load", "loads"),
}  # fmt: skip
SAFE = {"trust_remote_code": False, "allow_pickle": False, "shell": False, "weights_only": True}


def calls() -> list[tuple[str, ast.Call]]:
    files = [ROOT / "Home.py", *(file for room in ("core", "pages", "worker") for file in (ROOT / room).rglob("*.py"))]
    return [
        (f"{file.relative_to(ROOT)}:{node.lineno}", node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


# An anonymous pipe from a fork of the same process: nobody else can write to it.
FROM_OURSELVES = {
    "core/platform/forking.py: pickle.loads",
    # A metric that a user writes, in a process without rights (tests/core/serving/evaluation/test_custom.py).
    "core/serving/evaluation/sandbox.py: compile",
    "core/serving/evaluation/sandbox.py: exec",
}


def test_nothing_in_the_source_runs_what_it_reads() -> None:
    found = []
    for place, call in calls():
        name = call.func
        if isinstance(name, ast.Name) and name.id in ("eval", "exec", "compile", "__import__"):
            found.append(f"{place}: {name.id}")
        owner = name.value.id if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) else ""
        if isinstance(name, ast.Attribute) and name.attr in RUNS_WHAT_IT_READS.get(owner, ()):
            found.append(f"{place}: {owner}.{name.attr}")
        for word in call.keywords:
            if word.arg in SAFE and getattr(word.value, "value", None) is not SAFE[word.arg]:
                found.append(f"{place}: {word.arg}")
    without_lines = {item: re.sub(r":\d+:", ":", item) for item in found}
    assert [item for item in found if without_lines[item] not in FROM_OURSELVES] == []
    assert FROM_OURSELVES.issubset(without_lines.values())
