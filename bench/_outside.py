"""How much of a default job is not in its steps: `python -m bench.training --outside 200 [--base smollm2]`.

A job with every setting automatic, executed as a worker does it, on so many short instructions of which a tenth is held
out. `outside_steps` is its wall time over its time in steps, loading aside (the base before the first step, and again
for the first answer of the finished model).
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

SHORT_CHARS = 240  # of an instruction with its answer: a step of long ones takes long on two cores


def measure(count: int, base: str, *, epochs: int | None = None) -> dict[str, Any]:
    """One default job; `base`: a directory, or the starter; `epochs`: fewer than by default, to fit into a minute."""
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"SFT_DATA_DIR": f"{name}/data", "SFT_DEVICE": "cpu"}
        from core.platform.db import migrate

        Path(os.environ["SFT_DATA_DIR"]).mkdir(parents=True)
        migrate.upgrade()
        return _job(count, base, epochs)


def examples(count: int) -> list[Any]:
    """Short instructions, repeated where there are fewer, every tenth held out."""
    from bench.training import conversations

    short = [item for item in conversations() if sum(len(m.content) for m in item.messages) <= SHORT_CHARS]
    repeated = (short * (-(-count // len(short))))[:count]
    return [replace(item, split="validation" if number % 10 == 9 else "train") for number, item in enumerate(repeated)]


def _job(count: int, base: str, epochs: int | None) -> dict[str, Any]:
    from core.services.data import datasets
    from core.services.training import jobs
    from worker.run import execute

    items = examples(count)
    train = [item for item in items if item.split == "train"]
    held_out = [item for item in items if item.split == "validation"]
    dataset = datasets.create_dataset("Instructions", train, held_out)
    training = {} if epochs is None else {"num_epochs": epochs}
    job = jobs.create(
        name="Outside", dataset_id=dataset.id, base_model=base, method="lora", draft_key=None, training=training
    )
    _build_what_it_needs(job.task_id)
    processor, began = time.process_time(), time.perf_counter()
    ended = execute(job.task_id, "bench:1")
    wall = time.perf_counter() - began
    if ended is None or ended.state != "succeeded":
        raise SystemExit(f"The job ended as {ended and ended.state}: {ended and ended.error}")
    done = jobs.get_job(job.id)
    found = done.measured
    loading = found["load_seconds"] + found["reload_seconds"]
    return {
        "outside_steps": round((wall - loading) / found["train_seconds"], 3),
        "wall_s": round(wall, 1),
        "loading_s": round(loading, 1),
        "steps_s": round(found["train_seconds"], 1),
        "between_s": round(found["between_seconds"], 1),
        "processor_s": round(time.process_time() - processor, 1),
        "steps": done.total_steps,
        "examples": count,
        "validation_examples": [found["validation_examples"], found["validation_of"]],
        "losses_by_example": found["example_losses"],
        "tokens_per_s": found["tokens_per_s"],
        "examples_at_once": found.get("examples_at_once"),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _build_what_it_needs(task_id: str) -> None:
    """The starter is built first, and not measured."""
    from core.services.platform import tasks
    from worker.run import execute

    needed = tasks.get_task(task_id).after_task_id
    if needed and not tasks.get_task(needed).is_terminal:
        execute(needed, "bench:0")
