"""How good the forecast before launch is: memory by arithmetic and time after a calibration, beside a real run.

For each fine-tuning method: a random-weight Llama of about 150M parameters (or the base named by `--base`) and chats of
varied length are forecast as on the job screen, calibrated in a process of its own, and trained in another one. Memory
counts from the process's own baseline (libraries loaded, no model yet) to the highest resident set that the kernel saw.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from bench._real_data import real_data

SIZES = {  # (hidden, MLP, layers, heads, key heads, vocabulary): 151M and 24M parameters
    False: (768, 2048, 20, 12, 4, 32_768),
    True: (384, 1024, 8, 6, 2, 32_768),
}
LONGEST_CHARS = 900  # of a question and its answer: a step of a longer one takes half a minute on two cores
EXAMPLES, VALIDATION = 24, 6
TRAINING = {"num_epochs": 1, "per_device_batch_size": 2, "gradient_accumulation_steps": 1, "save_every_steps": 3}
PIECE = ["-m", "bench.forecast", "--piece"]


# ---- what is trained


def build_model(directory: Path, texts: list[str], size: tuple[int, ...]) -> Path:
    """A random-weight Llama with a tokenizer made from the texts and the starter's chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
    from tokenizers.models import BPE
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from core.models.base_models.starter import CHAT_TEMPLATE, STARTER_RECIPE

    hidden, inner, layers, heads, key_heads, vocabulary = size
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary // 2,
        special_tokens=STARTER_RECIPE["tokenizer"]["special_tokens"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(directory)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    return directory


def chats() -> tuple[list[Any], list[str]]:
    """The first short enough chats of the demo set, the last ones for validation; and all its texts."""
    from core.messages import Example, Message

    rows = json.loads((real_data() / "instruct" / "alpaca_en_demo.json").read_text())
    pairs = [(f"{row['instruction']}\n{row['input']}".strip(), row["output"]) for row in rows]
    short = [pair for pair in pairs if len("".join(pair)) <= LONGEST_CHARS][: EXAMPLES + VALIDATION]
    examples = [Example((Message("user", question), Message("assistant", answer))) for question, answer in short]
    return examples, ["\n".join(pair) for pair in pairs]


# ---- pieces that run in a process of their own


def calibrate(spec: Any, key: str, folder: Path) -> dict[str, Any]:
    """The studio's calibration; its row is stored for the forecast."""
    from core.platform.db.uow import UnitOfWork
    from worker.training.calibrate import measure

    row = measure(key, spec, folder)
    found = {"tokens_per_s": row.tokens_per_s, "details": row.details}
    with UnitOfWork() as uow:
        uow.session.merge(row)
        uow.commit()
    return found


def run(spec: Any, key: str, folder: Path) -> dict[str, Any]:
    """The training of a job, without its task; its peak and seconds."""
    from core.models import base_models, methods
    from core.services.data import datasets
    from worker.training.engines import Watching
    from worker.training.run import train

    examples = list(datasets.iter_examples(spec.dataset_version_id))
    base = base_models.resolve(spec.base_model)
    began = time.perf_counter()
    method = methods.build(spec.method, spec.method_config)
    assert base.path is not None
    loaded: list[float] = []
    watching = Watching(
        on_loaded=lambda data, step: loaded.append(time.perf_counter() - began),
        on_samples=lambda step, samples: None,  # they are answered where somebody listens
    )
    result = train(
        base.path,
        examples,
        method,
        spec.training,
        folder,
        engine=spec.engine,
        watching=watching,
        revision=base.revision,
    )
    return {
        "seconds": time.perf_counter() - began,
        "loading_seconds": loaded[0],
        "step_seconds": result.train_seconds,
        "tokens": result.tokens,
        "above_baseline": result.peak_memory_bytes - result.baseline_memory_bytes,
        "baseline": result.baseline_memory_bytes,
        "precision": result.precision.precision,
        "validation_loss": result.validation_loss,
    }


def _piece(name: str, spec: Any, key: str) -> dict[str, Any]:
    """Run `calibrate` or `run` in a fresh process and return what it found."""
    command = [sys.executable, *PIECE, name]
    asked = json.dumps({"spec": spec.model_dump(mode="json"), "key": key})
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def _run_piece(name: str) -> None:
    from core.training.jobs.spec import JobSpec

    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        found = {"calibrate": calibrate, "run": run}[name](
            JobSpec.model_validate(asked["spec"]), asked["key"], Path(folder) / "run"
        )
    print(json.dumps(found))


# ---- all of it


def method_row(
    method: str, dataset_id: str, base_model: str, training: dict[str, Any], *, with_time: bool
) -> dict[str, Any]:
    """Forecast and measured of one method; without its time, the run is not calibrated."""
    from core.services.training import jobs
    from core.training.jobs.spec import JobSpec

    asked = (dataset_id, base_model, method, None, training)
    outlook = jobs.forecast(*asked)
    spec = JobSpec.model_validate(jobs.calibrate(*asked).payload["spec"])
    row: dict[str, Any] = {"memory_forecast": outlook.memory.above_baseline, "parts": dict(outlook.memory.parts)}
    if with_time:
        _piece("calibrate", spec, outlook.calibration_key)
        time_parts = dict(jobs.forecast(*asked).time.parts)
        time_parts.pop("first answer")  # is asked for by the job around the training
        row |= {"time_forecast": sum(time_parts.values()), "time_parts": time_parts}
    found = _piece("run", spec, outlook.calibration_key)
    row |= {
        "memory_measured": found["above_baseline"],
        "baseline": found["baseline"],
        "time_measured": found["seconds"],
        "precision": found["precision"],
        "validation_loss": found["validation_loss"],
        "time_parts_measured": {"loading": found["loading_seconds"], "steps": found["step_seconds"]},
    }
    row["memory_error"] = row["memory_forecast"] / row["memory_measured"] - 1
    if with_time:
        row["time_error"] = row["time_forecast"] / row["time_measured"] - 1
    return row


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print only the last line")
    parser.add_argument("--quick", action="store_true", help="a model of 24M parameters")
    parser.add_argument("--memory", action="store_true", help="memory alone, without calibrations")
    parser.add_argument("--method", action="append", help="only this method; may be given again")
    parser.add_argument("--base", default="", help="smollm2, a directory, or another base model of this machine")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="for the training; two to a step")
    parser.add_argument("--piece", choices=("calibrate", "run"), help=argparse.SUPPRESS)
    chosen = parser.parse_args([] if arguments is None else arguments)
    if chosen.piece:
        _run_piece(chosen.piece)
        return
    began = time.perf_counter()
    directory = _directory(chosen.base) if chosen.base else None
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"SFT_DATA_DIR": name, "DATABASE_URL": "", "STORAGE_URL": ""}
        rows = _measure(Path(name), chosen, directory)
    if not chosen.json:
        print("\n".join(_table(rows)))
    worst = {
        f"{kind}_worst_error": round(max(abs(row[f"{kind}_error"]) for row in rows.values()), 3)
        for kind in (("memory",) if chosen.memory else ("memory", "time"))
    }
    about = {
        "date": date.today().isoformat(),
        "base": chosen.base or "random weights",
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
        "seconds": round(time.perf_counter() - began),
    }
    print(json.dumps({**about, **worst, "methods": rows}))


def _directory(base: str) -> Path:
    """The directory of a base model of this machine, before the benchmark gets a data directory of its own."""
    from core.models import base_models

    if Path(base).is_dir():
        return Path(base).resolve()
    found = base_models.resolve(base)
    if found.path is None:
        raise SystemExit(f"{found.reason} {found.command}".strip())
    return found.path


def _measure(folder: Path, chosen: argparse.Namespace, directory: Path | None) -> dict[str, dict[str, Any]]:
    from core.models.methods import METHODS
    from core.platform.db import migrate
    from core.services.data import datasets

    logging.disable(logging.WARNING)  # no worker is told of the calibrations: they run here
    migrate.upgrade()
    examples, texts = chats()
    base = f"local:{directory or build_model(folder / 'model', texts, SIZES[chosen.quick])}"
    dataset = datasets.create_dataset("Bench", examples[: chosen.examples], examples[EXAMPLES:])
    training = {**TRAINING, "precision": chosen.precision}
    wanted = chosen.method or METHODS.ids()
    return {method: method_row(method, dataset.id, base, training, with_time=not chosen.memory) for method in wanted}


def _table(rows: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        f"{'method':<20}{'memory MB':>22}{'error':>8}{'time s':>20}{'error':>8}",
        f"{'':<20}{'forecast | measured':>22}",
    ]
    for method, row in rows.items():
        memory = f"{row['memory_forecast'] / 2**20:,.0f} | {row['memory_measured'] / 2**20:,.0f}"
        line = f"{method:<20}{memory:>22}{row['memory_error']:>+8.1%}"
        if "time_error" in row:
            seconds = f"{row['time_forecast']:.1f} | {row['time_measured']:.1f}"
            line += f"{seconds:>20}{row['time_error']:>+8.1%}"
        lines.append(line)
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
