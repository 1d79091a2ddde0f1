"""An evaluation of 1,000 tickets on the starter: `python -m bench.evaluation`. The last line is one JSON object.

As under `sft up`: the inference process runs, a worker's process evaluates. Wall time and the processor time of both,
which other work on the machine lengthens less:

- starting: until the first answer is stored (reading the examples, loading torch and the weights).
- answering: until the last one is stored. ending: until the task has succeeded, with the figures.

`--tuned` asks the starter with a LoRA adapter of rank 16 whose untrained weights change no answer: the same tokens,
with what an adapter costs. `--perplexity` measures the expected outputs too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

EXAMPLES = 1_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starter", type=Path, help="the folder of a starter that was built already")
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--tuned", action="store_true", help="with a LoRA adapter")
    parser.add_argument("--perplexity", action="store_true", help="measure the expected outputs too")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    chosen = parser.parse_args([] if arguments is None else arguments)
    with tempfile.TemporaryDirectory() as name:
        figures = measure(chosen, Path(name))
    if not chosen.json:
        for key, value in figures.items():
            print(f"{key:28} {value:,.2f}")
    print(json.dumps({key: round(value, 2) for key, value in figures.items()}))


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Seconds of each phase, and processor seconds of each process."""
    from tests.support.servers import free_port

    os.environ |= {"SFT_DATA_DIR": str(folder), "SFT_INFERENCE_PORT": str(free_port()), "HF_HUB_OFFLINE": "1"}
    from core.models.base_models.starter import starter_dir
    from core.platform.db import migrate
    from core.services.data import datasets

    migrate.upgrade()
    if chosen.starter:
        shutil.copytree(chosen.starter, starter_dir())
    else:
        from worker.training.starter import build

        build(starter_dir(), lambda percent, text: None)
    asked = tickets(chosen.examples)
    version = datasets.create_dataset("Tickets", asked[:1], test=asked).version.id
    model = _tuned(folder) if chosen.tuned else "starter"
    load = os.getloadavg()[0]
    process = subprocess.Popen([sys.executable, "-m", "worker.inference"])
    try:
        _wait(process)
        return {"load_before": load} | _evaluated(model, version, process, chosen) | {"load_after": os.getloadavg()[0]}
    finally:
        process.terminate()
        process.wait(30)


def tickets(count: int) -> list[Any]:
    """The tickets of the sample and further ones; from the 961st on with a number, so that no two are equal."""
    from dataclasses import replace

    from core.data.samples.tickets import TICKETS, further_tickets

    known = [*TICKETS.test, *TICKETS.train, *further_tickets()]
    found = []
    for number in range(count):
        ticket, round_ = known[number % len(known)], number // len(known)
        first, *others = ticket.messages
        asked = replace(first, content=f"{first.content} Ticket {number}.") if round_ else first
        found.append(replace(ticket, messages=(asked, *others), split="test"))
    return found


def _evaluated(
    model: str, version: str, process: subprocess.Popen[bytes], chosen: argparse.Namespace
) -> dict[str, float]:
    from sqlalchemy import func, select

    from core.platform.db.tables import EVALUATION_ANSWERS
    from core.platform.db.uow import read
    from core.services.serving import evaluating
    from core.serving.evaluation import EVALUATION_METRICS

    metrics = [metric.id for metric in EVALUATION_METRICS if metric.default]
    metrics = sorted({*metrics, "perplexity"}) if chosen.perplexity else [one for one in metrics if one != "perplexity"]
    engine = psutil.Process(process.pid)
    used = _cpu(engine)
    began = time.time()
    started = evaluating.start([model], version, metrics=metrics)
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from worker.run import execute; execute(sys.argv[1], 'bench:1')",
            started.task_id,
        ]
    )
    _, status, usage = os.wait4(worker.pid, 0)
    ended = time.time()
    done = evaluating.get(started.id)
    if status or done.summary is None:
        raise SystemExit(f"The evaluation ended as {done.state}.")
    times = EVALUATION_ANSWERS.c.created_at
    ((first, last, count, tokens),) = read(
        select(func.min(times), func.max(times), func.count(), func.sum(EVALUATION_ANSWERS.c.tokens))
    )
    worker_cpu, engine_cpu = usage.ru_utime + usage.ru_stime, _cpu(engine) - used
    return {
        "answers": count,
        "tokens": tokens,
        "starting_s": first - began,
        "answering_s": last - first,
        "ending_s": ended - last,
        "seconds": ended - began,
        "worker_cpu_s": worker_cpu,
        "inference_cpu_s": engine_cpu,
        "cpu_s": worker_cpu + engine_cpu,
    }


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _tuned(folder: Path) -> str:
    """The id of a tuned model: the starter with an untrained LoRA adapter."""
    from core.models import base_models
    from core.models.methods import build
    from tests.support.jobs import launch, make_dataset, succeed
    from worker.training import tuners
    from worker.training.model_files import load_model

    base = base_models.resolve("starter")
    assert base.path is not None
    tuners.attach(load_model(base.path), build("lora")).save_pretrained(folder / "adapter")
    return succeed(launch(make_dataset(), "starter", name="Tuned"), folder / "adapter").id


def _wait(process: subprocess.Popen[bytes]) -> None:
    from core.serving.targets import TARGETS

    while not TARGETS.get("studio").health().ok:
        if process.poll() is not None:
            raise SystemExit("The inference process ended.")
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1:])
