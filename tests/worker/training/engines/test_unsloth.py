"""unsloth on a GPU: it trains, and writes the same files as the other engine. Skipped without a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.models.methods import build
from core.models.render import render
from core.training.engines import ENGINES
from tests.support import tiny

_CODE = """
import json, sys
from pathlib import Path
from core.models.methods import build
from tests.support import tiny
from worker.training.engines import Watching
from worker.training.run import train
base, out, method = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
losses = []
result = train(base, tiny.examples(2), build(method), tiny.training(num_epochs=10), out, engine="unsloth",
               watching=Watching(on_point=lambda point: losses.append((point.split, point.step, point.loss))))
print(json.dumps({"losses": losses, "model": str(result.model_dir), "memory": result.peak_memory_bytes}))
"""


@pytest.mark.gpu
@pytest.mark.parametrize("method_id", ["lora", "qlora", "full"])
def test_it_trains_and_writes_what_every_engine_writes(method_id: str, tiny_base: Path, tmp_path: Path) -> None:
    engine = ENGINES.get("unsloth")
    if problem := engine.supports(build(method_id)) or engine.available(probe=True):
        pytest.skip(f"SKIPPED, NOT TESTED. {problem}")
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(tiny_base), str(tmp_path), method_id], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout.strip().splitlines()[-1])
    train = [loss for split, _, loss in said["losses"] if split == "train"]
    assert train[-1] < train[0] / 2
    assert [split for split, _, _ in said["losses"]].count("validation") > 0

    import torch

    from worker.training.model_files import load_tokenizer, load_tuned

    tuned, tokenizer = load_tuned(tiny_base, Path(said["model"])).eval(), load_tokenizer(tiny_base)
    rendered = render(tiny.examples()[0].messages, tokenizer)
    ids, labels = (torch.tensor([part], device=tuned.device) for part in (rendered.input_ids, rendered.labels))
    with torch.no_grad():
        assert float(tuned(input_ids=ids, labels=labels).loss) < train[0] / 2
