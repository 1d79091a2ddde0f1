"""Training speed, in non-pad tokens per second: `python -m bench.training [--json] [--quick] [--gpu] [--base FOLDER]`.

The same model (3.3M parameters, made from a config), data (instructions of varied length), seed and dtype (fp32 on a
CPU) go through four contenders, by turns, RUNS times; the median of each counts, for LoRA and for full fine-tuning:

- `ours`: a job of the studio, executed as a worker does it: lease, points in the database, events, checkpoints;
- `trl`: TRL's SFTTrainer as it comes (its defaults, but fp32): recomputing activations, 8 padded to the longest;
- `trl_tuned`: TRL at the best settings that one can give it here, see `TUNED`; the fastest of them in a trial counts;
- `bare_loop`: forward, backward, clip, fused AdamW on the very batches of `ours`; what `ours` loses to it is overhead.

Eight examples make a step everywhere. The first step warms up and is not counted. `largest_loss_difference` is that
between an example's loss in a packed row and alone. `outside_steps` is the wall time of a default job over its time
in steps (see `bench/_outside.py`; `--outside 200` measures only that). `--gpu` measures one NVIDIA GPU instead (see
`bench/_gpu.py`).

`--base smollm2`, or the directory of a base model, measures LoRA on that base with short runs (`--runs`, `--steps`).
There TRL may also use bf16 autocast if the processor multiplies bf16 in hardware (elsewhere that is many times slower),
and the studio's own bf16 is compared with its fp32 (`bench/_precision.py`).
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench import _precision
from bench._real_data import real_data

RUNS = 5
STEPS = 17  # one to warm up, 16 that count with a checkpoint among them, as in a default run over this whole file
BATCH = 8
RATE = 2e-4
# What can be given to SFTTrainer on this data: no recomputation, fused AdamW, fp32, rarely a log line, its loss over
# answer tokens only (chunked_nll), and either its own packing (as many tokens a row as 8 examples have on average) or
# batches of neighbours in length (what `group_by_length` comes to with a window as large as the data).
TUNED: dict[str, dict[str, Any]] = {
    "grouped by length": {"train_sampling_strategy": "sequential"},
    "grouped by length, chunked_nll": {"train_sampling_strategy": "sequential", "loss_type": "chunked_nll"},
    "packed (bfd)": {"packing": True, "packing_strategy": "bfd"},
}
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
LONGEST_CHARS = 900  # of an instruction and its answer for `--base`: longer ones take half a minute a step on two cores


@dataclass
class Bench:
    """What all contenders share: the base's directory, the examples as messages and as tokens."""

    folder: Path
    base: Path
    examples: list[Any]
    items: list[Any]
    threads: int
    given: bool = False  # the base is a real one

    @property
    def tokens(self) -> int:
        return sum(len(item.input_ids) for item in self.items)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.training", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print only the last line")
    parser.add_argument("--quick", action="store_true", help="one run of a few steps each, for a look")
    parser.add_argument("--gpu", action="store_true", help="one NVIDIA GPU: 0.5B, 3B and 7B, LoRA and QLoRA")
    parser.add_argument("--base", default="", help="smollm2, or the directory of a base model: LoRA on it")
    parser.add_argument("--runs", type=int, default=0, help="runs of each contender")
    parser.add_argument("--steps", type=int, default=0, help="steps of a run, the first of which warms up")
    parser.add_argument("--precisions", action="store_true", help="only bf16 beside fp32; needs --base")
    parser.add_argument("--outside", type=int, default=0, help="only a default job on so many examples: outside_steps")
    parser.add_argument("--epochs", type=int, help="of that job, instead of the default")
    chosen = parser.parse_args([] if arguments is None else arguments)
    if chosen.gpu:
        from bench import _gpu

        return _gpu.main(quick=chosen.quick)
    _quiet()
    base = find_base(chosen.base)
    if chosen.outside:
        print(json.dumps(_about() | outside(chosen.outside, base, chosen.epochs)))
        return 0
    if chosen.precisions and not base:
        parser.error("--precisions compares them on a real base: name it with --base.")
    steps, runs = (5, 1) if chosen.quick else (5, 2) if base else (STEPS, RUNS)
    steps, runs = chosen.steps or steps, chosen.runs or runs
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"SFT_DATA_DIR": f"{name}/data", "SFT_DEVICE": "cpu"}
        bench = prepare(Path(name), steps=steps, base=base)
        if base and chosen.precisions:
            print(json.dumps(_about() | _precision.measure(bench, runs)))
            return 0
        results = {method: measure(bench, method, runs) for method in (("lora",) if base else ("lora", "full"))}
        difference = None if base else largest_loss_difference(bench)
        precisions = _precision.measure(bench, runs) if base and has_bf16() else {}
    if not chosen.json:
        print("\n".join(_lines(results, difference)))
        print(precisions or "bf16 is not compared with fp32: only with --base, on a processor that multiplies it.")
    rest = {} if chosen.quick or base else {"outside_steps": _outside_steps()}
    ratios = {name: min(part[name] for part in results.values()) for name in _RATIOS}  # the worse of the two methods
    about = _about() | {
        "base": str(bench.base.name) if base else "3.3M parameters",
        "threads": bench.threads,
        "steps": steps,
        "tokens_per_run": bench.tokens,
        "largest_loss_difference": difference,
    }
    print(json.dumps(ratios | rest | precisions | about | results))
    return 0


def _about() -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, bf16 in hardware: {'yes' if has_bf16() else 'no'}",
        "load_average": round(os.getloadavg()[0], 1),
    }


def has_bf16() -> bool:
    """Whether this processor multiplies bf16 matrices in hardware; elsewhere they are many times slower than fp32."""
    flags = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def find_base(named: str) -> Path | None:
    """The directory of `--base`; None for the base that is made here.

    Raises:
        SystemExit: it is not on this machine.
    """
    if not named:
        return None
    if (Path(named).expanduser() / "config.json").is_file():
        return Path(named).expanduser().resolve()
    from core.models import base_models

    found = base_models.resolve(SMOLLM2 if named == "smollm2" else named)
    if found.path is None:
        raise SystemExit(f"{found.title} is not on this machine. Run: {found.command}, or name its directory.")
    return found.path


def outside(count: int, base: Path | None, epochs: int | None) -> dict[str, Any]:
    """A default job on the base, or on the starter."""
    from bench import _outside

    return _outside.measure(count, f"local:{base}" if base else "starter", epochs=epochs)


def _outside_steps() -> float:
    """`outside_steps` of the starter with 200 examples, in a separate process with its own data."""
    command = [sys.executable, "-m", "bench.training", "--outside", "200"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["outside_steps"])


_RATIOS = {"ours_over_trl": "trl", "ours_over_trl_tuned": "trl_tuned", "ours_over_bare_loop": "bare_loop"}


def measure(bench: Bench, method: str, runs: int) -> dict[str, Any]:
    """Tokens per second of each contender, and ours over theirs."""
    tuned = contenders(bench)
    trial = {name: trl(bench, method, steps=3, **settings).processor for name, settings in tuned.items()}
    best = max(trial, key=lambda name: trial[name])
    ways: dict[str, Callable[[int], Speed]] = {
        "ours": lambda run: ours(bench, method, run),
        "bare_loop": lambda run: bare_loop(bench, method),
        "trl_tuned": lambda run: trl(bench, method, **tuned[best]),
        "trl": lambda run: trl(bench, method, tuned=False),
    }
    found: dict[str, list[Speed]] = {name: [] for name in ways}
    for run in range(runs):
        for name, way in ways.items():
            found[name].append(way(run))
    wall = {name: statistics.median(speed.wall for speed in speeds) for name, speeds in found.items()}
    processor = {name: statistics.median(speed.processor for speed in speeds) for name, speeds in found.items()}
    return {
        **{ratio: round(wall["ours"] / wall[name], 3) for ratio, name in _RATIOS.items()},
        "tokens_per_s": {name: round(rate) for name, rate in wall.items()},
        "runs": {name: [round(speed.wall) for speed in speeds] for name, speeds in found.items()},
        "by_processor_time": {
            **{ratio: round(processor["ours"] / processor[name], 3) for ratio, name in _RATIOS.items()},
            "tokens_per_s": {name: round(rate) for name, rate in processor.items()},
        },
        "trl_tuned_by": best,
        "trial_by_processor_time": {name: round(rate) for name, rate in trial.items()},
    }


def contenders(bench: Bench) -> dict[str, dict[str, Any]]:
    """TRL's best settings to try; on a real base also with bf16 autocast, if the processor has it."""
    if not (bench.given and has_bf16()):
        return TUNED
    return TUNED | {f"{name}, bf16 autocast": settings | {"bf16": True} for name, settings in TUNED.items()}


# ---- what all share


def prepare(folder: Path, *, steps: int, base: Path | None = None) -> Bench:
    """The examples of one run, and the base: a given one, or random weights with a tokenizer of the data's own."""
    from core.platform.db import migrate
    from worker.training import data, runtime
    from worker.training.model_files import load_tokenizer

    Path(os.environ["SFT_DATA_DIR"]).mkdir(parents=True)
    migrate.upgrade()
    everything, given = conversations(), base is not None
    if base is None:
        base = make_base(folder / "base", everything)
    else:
        everything = short_conversations()
    examples = random.Random(1).sample(everything, steps * BATCH)
    items = data.prepare(examples, load_tokenizer(base), max_seq_length=1024).train
    return Bench(folder, base, examples, items, runtime.use_cores(), given)


def conversations() -> list[Any]:
    """Instructions and answers, as examples of the studio."""
    from core.messages import Example, Message

    found = []
    for item in json.loads((real_data() / "instruct/alpaca_en_demo.json").read_text("utf-8")):
        asked = "\n".join(part for part in (item["instruction"], item["input"]) if part)
        found.append(Example((Message("user", asked), Message("assistant", item["output"]))))
    return [example for example in found if all(message.content.strip() for message in example.messages)]


def short_conversations() -> list[Any]:
    """Those that a real base is measured on."""
    return [item for item in conversations() if sum(len(m.content) for m in item.messages) <= LONGEST_CHARS]


def make_base(directory: Path, examples: list[Any]) -> Path:
    """A Llama of 3.3M parameters: 4 layers of 256, MLP 512, 4 heads over 2, a vocabulary of 3,584 tied to the head."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer(examples, 3_584)
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def make_tokenizer(examples: list[Any], size: int) -> Any:
    """A byte-level BPE of the examples' texts with the starter's chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from core.models.base_models.starter import STARTER_RECIPE

    spec = STARTER_RECIPE["tokenizer"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=spec["special_tokens"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([message.content for e in examples for message in e.messages], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=spec["pad_token"], eos_token=spec["eos_token"], model_max_length=2048
    )
    fast.chat_template = spec["chat_template"]
    return fast


@dataclass(frozen=True)
class Speed:
    """Tokens per second of the clock on the wall, and per second of processor time (all threads of this process), which
    other work on the machine disturbs less."""

    wall: float
    processor: float


class Clock:
    """Speed from the end of the first step to the end of the last."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, int]] = []  # when each ended, tokens so far
        self.used: list[float] = []  # processor time when each ended

    def step(self, tokens: int) -> None:
        self.steps.append((time.perf_counter(), tokens))
        self.used.append(time.process_time())

    @property
    def speed(self) -> Speed:
        (began, before), (ended, tokens) = self.steps[0], self.steps[-1]
        return Speed((tokens - before) / (ended - began), (tokens - before) / (self.used[-1] - self.used[0]))


# ---- the contenders


def ours(bench: Bench, method: str, run: int) -> Speed:
    """A job from its launch to its model, timed from step to step, with what a worker does in between."""
    from core.services.data import datasets

    known = {dataset.name: dataset for dataset in datasets.list_datasets()}
    dataset = known.get("Instructions") or datasets.create_dataset("Instructions", bench.examples)
    return run_job(bench, method, dataset.id, f"{method} {run} {time.time()}")[0]


def run_job(bench: Bench, method: str, dataset_id: str, name: str, **more: Any) -> tuple[Speed, Any]:
    """A job and its speed; `more` are further settings of the training."""
    from core.models.methods import build
    from core.services.training import jobs
    from worker.run import execute
    from worker.training import job as module

    clock = Clock()

    class Timed(module.Reporter):
        def on_point(self, point: Any) -> None:
            super().on_point(point)
            clock.step(point.tokens)

    settings = {
        "num_epochs": 1,
        "per_device_batch_size": BATCH,
        "gradient_accumulation_steps": 1,
        "learning_rate": RATE,
        "max_seq_length": 1024,
        "save_every_steps": len(bench.items) // BATCH - 1,
        **more,
    }
    job = jobs.create(
        name=name,
        dataset_id=dataset_id,
        base_model=f"local:{bench.base}",
        method=method,
        draft_key=None,
        method_config=build(method).model_dump(mode="json"),  # as the other contenders have it
        training=settings,
    )
    plain, module.Reporter = module.Reporter, Timed  # type: ignore[misc]
    try:
        ended = execute(job.task_id, "bench:1")
    finally:
        module.Reporter = plain  # type: ignore[misc]
    if ended is None or ended.state != "succeeded":
        raise SystemExit(f"The job ended as {ended and ended.state}: {ended and ended.error}")
    return clock.speed, jobs.get_job(job.id)


def bare_loop(bench: Bench, method: str) -> Speed:
    """The same batches, without anything around them."""
    import torch

    from core.models.methods import build
    from core.training.forecast.batches import token_budget
    from worker.training import attention, fused, runtime, tuners
    from worker.training.batches import Forward, Packer, SeededBatches
    from worker.training.model_files import load_model

    runtime.seed_all(42)
    model = tuners.attach(load_model(bench.base), build(method)).train()
    longest = max(len(item.input_ids) for item in bench.items)
    packer = Packer(attention.choose(model), token_budget(BATCH, longest, "cpu"), BATCH)
    forward = Forward.of(model, trls_chunks=False)
    weights = list(tuners.trainable(model).values())
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.0, fused=True)
    clock, tokens = Clock(), 0
    with fused.layers(model):
        for numbers in SeededBatches(len(bench.items), BATCH, 42):
            step = packer.step([bench.items[number] for number in numbers])
            for batch in step.micro_batches:
                forward.loss(model, batch, step.answer_tokens)[0].backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            tokens += step.tokens
            clock.step(tokens)
    return clock.speed


def trl(bench: Bench, method: str, *, tuned: bool = True, steps: int = -1, **settings: Any) -> Speed:
    """TRL's SFTTrainer on the same tokens and labels."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import PrinterCallback, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from core.models.methods import build
    from worker.training.model_files import load_model

    clock = Clock()
    seen = [0]

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            clock.step(seen[0])

    class Counting(SFTTrainer):  # type: ignore[misc]
        def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            mask = inputs.get("attention_mask")  # packed rows have none: they are not padded
            seen[0] += int(mask.sum()) if mask is not None else inputs["input_ids"].numel()
            return super().training_step(model, inputs, *args, **kwargs)

    items = bench.items
    if settings.get("train_sampling_strategy") == "sequential":  # neighbours in length, the batches in random order
        by_length = sorted(items, key=lambda item: len(item.input_ids))
        groups = [by_length[start : start + BATCH] for start in range(0, len(items), BATCH)]
        random.Random(3).shuffle(groups)
        items = [item for group in groups for item in group]
    if settings.get("packing"):
        settings = settings | {"max_length": -(-bench.tokens * BATCH // len(items)) + 64}
    settings = {"bf16": False} | settings
    faster = {"gradient_checkpointing": False, "optim": "adamw_torch_fused", "logging_steps": 1_000} if tuned else {}
    adapter = build(method).peft_arguments()
    trainer = Counting(
        model=load_model(bench.base),
        args=SFTConfig(
            output_dir=str(bench.folder / "trl"),
            per_device_train_batch_size=1 if settings.get("packing") else BATCH,
            num_train_epochs=1,
            max_steps=steps,
            learning_rate=RATE,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            **faster,
            **settings,
        ),
        train_dataset=Dataset.from_dict(
            {"input_ids": [item.input_ids for item in items], "labels": [item.labels for item in items]}
        ),
        peft_config=LoraConfig(**adapter) if adapter else None,
        callbacks=[Watch()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.speed


def largest_loss_difference(bench: Bench) -> float:
    """The largest difference between an example's loss in a packed row and alone, over all examples of the run."""
    import torch

    from tests.support.losses import by_example
    from worker.training import attention
    from worker.training.batches import Packer
    from worker.training.model_files import load_model

    model = load_model(bench.base).eval()
    with torch.no_grad():  # as drawn, the weights are so small that whatever one token says to another hardly counts
        for weight in model.parameters():
            weight.mul_(8 if weight.ndim > 1 else 1)
    alone = by_example(model, Packer("alone", 0, 1), bench.items)
    packed = by_example(model, Packer(attention.choose(model), bench.tokens // 4, BATCH), bench.items)
    return max(abs(one - other) for one, other in zip(alone, packed, strict=True))


# ---- words


def _quiet() -> None:
    import warnings

    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from datasets import disable_progress_bars

    import worker.training  # noqa: F401  # its environment, before torch is imported

    disable_progress_bars()
    from worker.training.run import quiet

    quiet()


def _lines(results: dict[str, Any], difference: float | None) -> list[str]:
    lines = []
    for method, part in results.items():
        rates = part["tokens_per_s"]
        lines.append(f"{method}: " + ", ".join(f"{name} {rate:,} tokens/s" for name, rate in rates.items()))
        lines.append(
            f"  ours over trl {part['ours_over_trl']:.2f}x, over trl tuned ({part['trl_tuned_by']}) "
            f"{part['ours_over_trl_tuned']:.2f}x, over the bare loop {part['ours_over_bare_loop']:.2f}x"
        )
        used = part["by_processor_time"]
        lines.append("  by processor time: " + ", ".join(f"{name} {used[name]:.2f}x" for name in _RATIOS))
    return (
        lines if difference is None else [*lines, f"largest difference of a loss, packed and alone: {difference:.2g}"]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
