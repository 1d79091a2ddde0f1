"""Training speed on one NVIDIA GPU: `python -m bench.training --gpu [--quick]`.

Qwen2.5-shaped models of 0.5B, 3B and 7B, made from a config with random weights; LoRA and QLoRA in bf16; sequences of
4,096 tokens, and of 64 to 4,096 (varied); every engine that this installation has, and TRL's SFTTrainer as it comes.
Each measurement is a process of its own. Printed: non-pad tokens/s, TFLOP/s at 4 x parameters per token (frozen base),
the share of the device's dense 16-bit peak (table in worker/training/hardware.py), and peak memory. What cannot
run here (no such engine, too little memory) is listed with the reason. Without a GPU: exit code 2, nothing estimated.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any, Final

SHAPES: Final[dict[str, dict[str, Any]]] = {  # Source: config.json of Qwen2.5-0.5B, -3B and -7B
    "0.5B": {"hidden_size": 896, "intermediate_size": 4_864, "num_hidden_layers": 24, "num_attention_heads": 14,
             "num_key_value_heads": 2, "vocab_size": 151_936, "tie_word_embeddings": True},
    "3B": {"hidden_size": 2_048, "intermediate_size": 11_008, "num_hidden_layers": 36, "num_attention_heads": 16,
           "num_key_value_heads": 2, "vocab_size": 151_936, "tie_word_embeddings": True},
    "7B": {"hidden_size": 3_584, "intermediate_size": 18_944, "num_hidden_layers": 28, "num_attention_heads": 28,
           "num_key_value_heads": 4, "vocab_size": 152_064, "tie_word_embeddings": False},
}  # fmt: skip
LENGTH: Final = 4_096
BATCH, ACCUMULATION = 2, 4
STEPS, WARM_UP = 12, 3


def main(*, quick: bool = False) -> int:
    """Measure every combination; the last line is one JSON object."""
    import torch

    if not torch.cuda.is_available():
        print("No NVIDIA GPU can be used here (torch sees none): nothing was measured.", file=sys.stderr)
        return 2
    from core.models.methods import METHODS
    from core.training.engines import ENGINES

    methods = [name for name in ("lora", "qlora") if name in METHODS]
    results = []
    for shape in ["0.5B"] if quick else SHAPES:
        for method in methods:
            for lengths in ("full", "varied"):
                for engine in [*ENGINES.ids(), "trl as it comes"]:
                    case = {"shape": shape, "method": method, "lengths": lengths, "engine": engine}
                    results.append(_in_a_process(case))
                    print(_line(results[-1]), flush=True)
    about = {"date": date.today().isoformat(), "device": torch.cuda.get_device_name(), "torch": torch.__version__}
    print(json.dumps(about | {"results": results}))
    return 0


def _in_a_process(case: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench._gpu", json.dumps(case)], capture_output=True, text=True, check=False
    )
    try:
        return case | json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return case | {"failed": said[-1][:300] if said else f"exit code {done.returncode}"}


def _line(result: dict[str, Any]) -> str:
    name = " ".join(str(result[key]) for key in ("shape", "method", "lengths", "engine"))
    if "failed" in result:
        return f"{name}: not measured: {result['failed']}"
    share = "peak of this device unknown" if result["mfu"] is None else f"MFU {result['mfu']:.1%}"
    return (
        f"{name}: {result['tokens_per_s']:,.0f} tokens/s, {result['tflops']:.0f} TFLOP/s, {share}, "
        f"peak {result['peak_memory_bytes'] / 2**30:.1f} GB"
    )


def measure(case: dict[str, Any]) -> dict[str, Any]:
    """One combination, in this process."""
    engine = case["engine"]
    if engine == "unsloth":
        import unsloth  # noqa: F401  # before torch and transformers, as it asks for
    import torch

    from bench.training import _quiet
    from worker.training import hardware

    _quiet()
    with tempfile.TemporaryDirectory() as name:
        base = make_base(Path(name) / "base", SHAPES[case["shape"]])
        examples = texts(case["lengths"], STEPS * BATCH * ACCUMULATION)
        params = json.loads((base / "params.json").read_text())
        torch.cuda.reset_peak_memory_stats()
        way = _as_it_comes if engine == "trl as it comes" else _ours
        rate = way(base, examples, case, Path(name))
    flop = 4.0 * params * rate
    peak = hardware.peak_flops(torch.cuda.get_device_name())
    return {
        "tokens_per_s": round(rate, 1),
        "tflops": round(flop / 1e12, 1),
        "mfu": round(flop / peak, 4) if peak else None,
        "peak_memory_bytes": torch.cuda.max_memory_allocated(),
        "params": params,
    }


def make_base(directory: Path, shape: dict[str, Any]) -> Path:
    """A directory with random bf16 weights; the tokens are a small tokenizer's, the vocabulary the shape's."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from bench.training import conversations, make_tokenizer

    tokenizer = make_tokenizer(conversations(), 3_584)
    config = Qwen2Config(
        **shape, max_position_embeddings=32_768, pad_token_id=0, bos_token_id=None, eos_token_id=1, dtype="bfloat16"
    )
    with torch.device("cuda"):
        torch.manual_seed(0)
        torch.set_default_dtype(torch.bfloat16)
        model = Qwen2ForCausalLM(config)
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    (directory / "params.json").write_text(str(sum(weight.numel() for weight in model.parameters())))
    del model
    torch.cuda.empty_cache()
    return directory


def texts(lengths: str, count: int) -> list[Any]:
    """Conversations of real words: longer than LENGTH tokens (they are cut there), or of varied length."""
    from bench.training import conversations
    from core.messages import Example, Message

    draw = random.Random(5)
    words = " ".join(message.content for example in conversations() for message in example.messages).split()
    made = []
    for _ in range(count):
        tokens = LENGTH if lengths == "full" else round(math.exp(draw.uniform(math.log(64), math.log(LENGTH))))
        wanted = tokens * 2 if lengths == "full" else round(tokens / 1.4)  # a word is at least a token
        start = draw.randrange(len(words))
        text = " ".join((words[start:] + words)[:wanted])
        made.append(Example((Message("user", "Go on."), Message("assistant", text))))
    return made


def _ours(base: Path, examples: list[Any], case: dict[str, Any], folder: Path) -> float:
    """Tokens per second of a run of the studio's engine."""
    from bench.training import Clock
    from core.models.methods import build
    from core.training.jobs.spec import ResolvedTraining
    from worker.training.engines import Watching
    from worker.training.run import train

    clock = Clock()
    training = ResolvedTraining(
        num_epochs=1, per_device_batch_size=BATCH, gradient_accumulation_steps=ACCUMULATION, learning_rate=1e-4,
        lr_scheduler_type="linear", warmup_ratio=0.0, weight_decay=0.0, max_grad_norm=1.0, max_seq_length=LENGTH,
        eval_every_steps=1_000, save_every_steps=1_000, seed=1, completion_only_loss=True, steps_per_epoch=STEPS,
        total_steps=STEPS,
    )  # fmt: skip
    watching = Watching(on_point=lambda point: clock.step(point.tokens))
    train(
        base,
        examples,
        build(case["method"]),
        training,
        folder / "out",
        engine=case["engine"],
        watching=watching,
        max_steps=STEPS,
    )
    return _rate(clock)


def _as_it_comes(base: Path, examples: list[Any], case: dict[str, Any], folder: Path) -> float:
    """Tokens per second of SFTTrainer with its own defaults, in bf16, at the same effective batch."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from bench.training import Clock
    from core.models.methods import build
    from worker.training import data
    from worker.training.model_files import load_model, load_tokenizer

    clock, seen = Clock(), [0]

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            torch.cuda.synchronize()
            clock.step(seen[0])

    class Counting(SFTTrainer):  # type: ignore[misc]
        def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            seen[0] += int(inputs["attention_mask"].sum())
            return super().training_step(model, inputs, *args, **kwargs)

    method = build(case["method"])
    items = data.prepare(examples, load_tokenizer(base), max_seq_length=LENGTH).train
    trainer = Counting(
        model=load_model(base, method.load_arguments()),
        args=SFTConfig(
            output_dir=str(folder / "trl"), per_device_train_batch_size=BATCH, gradient_accumulation_steps=ACCUMULATION,
            max_length=LENGTH, max_steps=STEPS, save_strategy="no", report_to=[], disable_tqdm=True,
        ),
        train_dataset=Dataset.from_dict(
            {"input_ids": [item.input_ids for item in items], "labels": [item.labels for item in items]}
        ),
        peft_config=LoraConfig(**(method.peft_arguments() or {})),
        callbacks=[Watch()],
    )  # fmt: skip
    trainer.train()
    return _rate(clock)


def _rate(clock: Any) -> float:
    """Of the steps after the warm-up."""
    (began, before), (ended, tokens) = clock.steps[WARM_UP - 1], clock.steps[-1]
    return float((tokens - before) / (ended - began))


if __name__ == "__main__":
    started = time.perf_counter()
    found = measure(json.loads(sys.argv[1]))
    print(json.dumps(found | {"seconds": round(time.perf_counter() - started, 1)}))
