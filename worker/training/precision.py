"""Settle a run's precision on this machine, by measuring where the rule of `core.training.precision` asks for it.

On a CPU in bf16 the frozen base's weights are bf16, and everything that is trained (adapters, and all weights in full
fine-tuning), the optimizer and checkpoints are fp32. Full fine-tuning computes with autocast: each product rounds its
fp32 weights to bf16. A separate bf16 copy would round once per step instead of once per micro-batch, but a checkpoint,
a resume, the best step and the saved model would have to know of two sets of weights. Rounding 106 million weights took
0.10 s of one core's time, their products with 512 tokens in a step 7.4 s in fp32 (AVX2): there is little to save.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import torch

from core.training import precision as rule
from core.training.precision import PrecisionChoice, PrecisionGain, Work
from worker.training import attention, fused, runtime
from worker.training.batches import Forward, Packer
from worker.training.data import Prepared, Tokenized

RESUMED: Final = "the run began in it"
STEPS: Final = 4  # of each precision at most; the first one is a warm-up
ENOUGH_S: Final = 8.0  # of steps in one precision
STEP_FLOP: Final = 1e12  # of one step: seconds at the speed of a slow processor
LEAST_PARAMS: Final = 1_000_000  # below it what would be measured is how busy the machine is
LEAST_TOKENS, MOST_TOKENS = 64, 512
ANSWER_TOKENS: Final = 16
_ROOM: Final = 1.3  # memory for a base in fp32 and the steps, relative to its weights
_SIDE: Final = 512  # of the matrices of the first measurement


@dataclass(frozen=True, slots=True)
class Trial:
    """How a base model is tried in each precision: its parameters, what loads it, and what prepares its steps."""

    params: int
    load: Callable[[str], Any]  # precision -> model
    prepare: Callable[[Any, str], Callable[[], object]]  # model, precision -> one step


def settle(
    asked: str,
    revision: str,
    work: Work,
    trial: Callable[[], Trial],
    *,
    sign_of_life: Callable[[], object] = lambda: None,
) -> PrecisionChoice:
    """The precision of a run on this machine's device; what is not known yet is measured and stored.

    One matrix product decides if bf16 is slower in that already. Otherwise the base is loaded in each precision for up
    to STEPS steps or ENOUGH_S seconds.

    Args:
        asked: auto, fp32 or bf16.
        revision: of the base model's files; "" stores nothing.
        trial: called if steps have to be measured.
        sign_of_life: called between two steps; it may raise to end the measurement.
    """
    device = runtime.device().type
    if device != "cpu":
        return _on_gpu(asked)
    choice = rule.choose(asked, device, revision, work)
    if choice.warning and rule.recall(revision, work) is None:  # name the factor, not only that there is one
        product()
        return rule.choose(asked, device, revision, work)
    if choice.settled:
        return choice
    found = product()
    if found.gain >= rule.GAIN:
        tried = trial()
        if tried.params < LEAST_PARAMS:
            return PrecisionChoice("fp32", asked, "a model this small spends its time between the matrix products")
        if _has_room(tried.params):
            found = by_steps(tried, sign_of_life)
    if revision:
        rule.keep(revision, work, found)
    return rule.by_measurement(found)


def _on_gpu(asked: str) -> PrecisionChoice:
    supported = torch.cuda.is_bf16_supported()
    if asked == "auto":
        reason = "the GPU computes in bf16" if supported else "this GPU does not support bf16"
        return PrecisionChoice("bf16" if supported else "fp32", asked, reason)
    return PrecisionChoice(asked, asked, "chosen by you")


def product() -> PrecisionGain:
    """How much faster bf16 is in one matrix product; measured once and stored."""
    if known := rule.recall("", "product"):
        return known
    took = {precision: _product_s(runtime.dtype(torch.device("cpu"), precision)) for precision in rule.WIDTHS}
    found = PrecisionGain(took["fp32"] / took["bf16"], "product")
    rule.keep("", "product", found)
    return found


def _product_s(dtype: torch.dtype) -> float:
    """Seconds of the fastest of three products of square matrices."""
    a, b = (torch.ones(_SIDE, _SIDE, dtype=dtype) for _ in range(2))
    return min(_seconds(lambda: torch.nn.functional.linear(a, b)) for _ in range(3))


def by_steps(trial: Trial, sign_of_life: Callable[[], object]) -> PrecisionGain:
    """How much faster the model's steps are in bf16; the memory that this takes is not counted as the run's peak."""
    took = {}
    for precision in ("bf16", "fp32"):
        model = trial.load(precision)
        step = trial.prepare(model, precision)
        took[precision] = _fastest(step, sign_of_life)
        del model, step
        runtime.release_memory()
    with contextlib.suppress(OSError):  # Linux: forget the highest resident set so far
        Path("/proc/self/clear_refs").write_text("5")
    return PrecisionGain(took["fp32"] / took["bf16"], "steps")


def _fastest(step: Callable[[], object], sign_of_life: Callable[[], object]) -> float:
    began, best = time.perf_counter(), float("inf")
    for number in range(STEPS):
        took = _seconds(step)
        sign_of_life()
        slow = time.perf_counter() - began + took > ENOUGH_S
        if number or slow:
            best = min(best, took)
        if slow:
            break
    return best


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return max(time.perf_counter() - began, 1e-9)


def _has_room(params: int) -> bool:
    return psutil.virtual_memory().available > params * rule.WIDTHS["fp32"] * _ROOM


def tokens(params: int) -> int:
    """How many tokens a measured step has: enough for large matrix products, few enough for seconds."""
    return max(LEAST_TOKENS, min(MOST_TOKENS, int(STEP_FLOP / (6 * max(params, 1)))))


def training_step(data: Prepared, params: int, work: Work) -> Callable[[Any, str], Callable[[], object]]:
    """A forward and backward pass over as many of the run's examples as a measured step has room for."""
    room, items = tokens(params), list[Tokenized]()
    for item in data.train:
        if items and sum(len(one.input_ids) for one in items) + len(item.input_ids) > room:
            break
        items.append(item)

    def prepare(model: Any, precision: str) -> Callable[[], object]:
        packer = Packer(attention.choose(model), room, batch_size=len(items))
        forward = Forward.of(model, trls_chunks=False)

        def step() -> None:
            for batch in packer.micro_batches(items):
                with fused.layers(model), computing(precision, work):
                    loss, _ = forward.loss(model, batch, max(1, len(batch.targets)))
                torch.autograd.backward(loss)
            model.zero_grad(set_to_none=True)

        return step

    return prepare


def answering_step(model: Any, precision: str) -> Callable[[], object]:
    """What an answer consists of: a prompt of LEAST_TOKENS tokens, then ANSWER_TOKENS tokens one by one."""
    ids = torch.arange(LEAST_TOKENS)[None] % int(model.config.get_text_config().vocab_size)

    @torch.no_grad()
    def step() -> None:
        out = model(input_ids=ids, use_cache=True)
        for _ in range(ANSWER_TOKENS):
            out = model(input_ids=ids[:, :1], past_key_values=out.past_key_values, use_cache=True)

    return step


# ---- what a precision means for a model


def dtype_of(precision: str, work: Work) -> torch.dtype:
    """The dtype that a base's weights are loaded in. Weights that are trained on a CPU are fp32."""
    device = runtime.device()
    trained = work == "trained" and device.type == "cpu"
    return torch.float32 if trained else runtime.dtype(device, precision)


def computing(precision: str, work: Work) -> AbstractContextManager[Any]:
    """The context of every forward pass: autocast where fp32 weights compute in bf16, else nothing."""
    if (precision, work) == ("bf16", "trained") and runtime.device().type == "cpu":
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


# ---- a run keeps what it began with


def begun_with(checkpoint: Path) -> PrecisionChoice:
    """The precision of a run that resumes. Runs of earlier releases computed in the device's usual one."""
    usual = "bf16" if runtime.dtype(runtime.device()) == torch.bfloat16 else "fp32"
    totals = json.loads((checkpoint / "totals.json").read_text())
    return PrecisionChoice(str(totals.get("precision") or usual), "auto", RESUMED)
