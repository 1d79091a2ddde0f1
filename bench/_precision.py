"""The studio's bf16 beside its fp32: the same LoRA job by turns; and the validation loss of one each."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.training import Bench, Speed

HELD_OUT = 16  # examples of the validation


def measure(bench: Bench, runs: int) -> dict[str, Any]:
    """`bf16_over_fp32` in tokens per second, and both losses of the same held-out examples and seed."""
    from bench.training import run_job, short_conversations
    from core.services.data import datasets

    held_out = [item for item in short_conversations() if item not in bench.examples][:HELD_OUT]
    plain = datasets.create_dataset("Instructions in both precisions", bench.examples)
    validated = datasets.create_dataset("Instructions and some held out", bench.examples, held_out)
    speeds: dict[str, list[Speed]] = {"bf16": [], "fp32": []}
    for run in range(runs):
        for precision, found in speeds.items():
            found.append(run_job(bench, "lora", plain.id, f"{precision} {run}", precision=precision)[0])
    losses = {}
    for precision in speeds:
        more = {"precision": precision, "eval_every_steps": 1_000}  # the last step has its validation all the same
        losses[precision] = run_job(bench, "lora", validated.id, f"{precision}, validated", **more)[1].validation_loss
    wall = {name: statistics.median(speed.wall for speed in found) for name, found in speeds.items()}
    processor = {name: statistics.median(speed.processor for speed in found) for name, found in speeds.items()}
    return {
        "bf16_over_fp32": round(wall["bf16"] / wall["fp32"], 2),
        "bf16_over_fp32_by_processor_time": round(processor["bf16"] / processor["fp32"], 2),
        "precision_runs": {name: [round(speed.wall) for speed in found] for name, found in speeds.items()},
        "validation_loss": losses,
    }
