"""Many answers at once: `python -m bench.serving [--model DIRECTORY] [--json]`. The last line is one JSON object.

A base of the starter's size with random weights (or the model in DIRECTORY) and three LoRA adapters beside it, in this
process, without HTTP:

- throughput: 1, 4 and 16 answers of 64 tokens over the three adapters, by the engine's batches, and four by
  `transformers.generate`, one after another, the adapter switched before each: its tokens per second are the same for
  any number of answers. By turns, the best of three.
- llama.cpp (with --llama-cpp): the same by its server, from an f16 file and one file for each adapter, as the studio
  exports them.
- switching: how much longer the first token of a one-token answer takes than with the same adapter again, 200 times.
- cold: from the files of an adapter (and of the base) to the first token.
- time to first token while 16 answers arrive at once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TOKENS, AT_ONCE, ONE_BY_ONE = 64, (1, 4, 16), 4
SMALLER = {"tokens": 32, "turns": 2}  # with --model: a larger model would take a quarter of an hour
PROMPT_TOKENS = 48
ADAPTERS = ("m_1", "m_2", "m_3")


def make_base(directory: Path) -> Path:
    """A model of the starter's shape whose weights are random: how fast it answers does not depend on them."""
    from transformers import AutoConfig, LlamaForCausalLM

    from core.models.base_models.starter import STARTER_RECIPE
    from tests.support.random_model import make_model

    make_model(directory)  # its tokenizer; then weights of another shape
    config = AutoConfig.from_pretrained(directory)
    for name, value in STARTER_RECIPE["model"].items():
        if name != "rope_theta":
            setattr(config, name, value)
    LlamaForCausalLM(config).save_pretrained(directory)
    return directory


def make_adapters(base: Path, folder: Path) -> dict[str, Path]:
    """Three LoRA adapters of rank 16 on every linear layer, with random weights."""
    import torch

    from core.models.methods import build
    from worker.training import tuners
    from worker.training.model_files import load_model

    found = {}
    for seed, name in enumerate(ADAPTERS):
        torch.manual_seed(seed)
        tuned = tuners.attach(load_model(base), build("lora"))
        for weight in tuners.trainable(tuned).values():
            torch.nn.init.normal_(weight, std=0.05)
        found[name] = folder / name
        tuned.save_pretrained(found[name])
    return found


class Bench:
    """A base in memory with its adapters, and the engine on it."""

    def __init__(self, base: Path, adapters: dict[str, Path]) -> None:
        import torch

        from worker.inference.engine import InferenceEngine
        from worker.inference.weights import Loaded, threads_for
        from worker.training.generate import keep_contiguous
        from worker.training.model_files import load_model, load_tokenizer

        model = load_model(base).eval()
        keep_contiguous(model)
        torch.set_num_threads(threads_for([model.num_parameters()]))  # as the inference process does
        self.loaded = loaded = Loaded(model, load_tokenizer(base))
        for name, directory in adapters.items():
            loaded.adapters.load(name, directory)

        class Engine(InferenceEngine):
            def _begin(self, request: Any) -> Any:
                from worker.inference.decoding import Generation

                generation = Generation(request, loaded, request.question.served.id)
                generation._ends.clear()  # every answer has the same number of tokens
                return generation

        self.engine = Engine()

    def together(self, count: int, tokens: int) -> tuple[float, list[float]]:
        """Seconds until `count` answers have ended, and until each one's first text."""
        waiting = [_Asked(self.engine, prompt(number), ADAPTERS[number % 3], tokens) for number in range(count)]
        begun = time.perf_counter()
        for asked in waiting:
            asked.ask()
        for asked in waiting:
            asked.ended.wait()
        return time.perf_counter() - begun, [asked.first - begun for asked in waiting]

    def one_by_one(self, count: int, tokens: int) -> float:
        """Seconds of `transformers.generate`."""
        import torch

        begun = time.perf_counter()
        for number in range(count):
            model = self.loaded.adapters.use(ADAPTERS[number % 3])
            model.generate(
                input_ids=torch.tensor([prompt(number)]),
                attention_mask=torch.ones(1, PROMPT_TOKENS, dtype=torch.long),
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=0,
            )
        return time.perf_counter() - begun


class _Asked:
    """One question to the engine."""

    def __init__(self, engine: Any, ids: list[int], adapter: str, tokens: int) -> None:
        from core.serving.targets.base import ChatOptions
        from worker.inference.prompts import Question
        from worker.inference.requests import GenerationRequest

        self.engine, self.first, self.ended = engine, 0.0, threading.Event()
        served: Any = SimpleNamespace(id=adapter, gguf=None)
        question = Question(served, ids)
        self.request = GenerationRequest(question, ChatOptions(max_tokens=tokens), self._emit, threading.Event())

    def ask(self) -> None:
        self.engine.reserve()
        self.engine.submit(self.request)

    def _emit(self, piece: Any) -> None:
        if isinstance(piece, Exception):
            raise piece
        self.first = self.first or time.perf_counter()
        if piece.finish_reason:
            self.ended.set()


def prompt(number: int) -> list[int]:
    """The ids of a question; no two are equal."""
    return [7 + (31 * number + 13 * place) % 200 for place in range(PROMPT_TOKENS)]


def throughput(bench: Bench, tokens: int, turns: int) -> dict[str, float]:
    """Tokens per second of both ways."""
    ours, theirs = dict.fromkeys(AT_ONCE, 0.0), 0.0
    for _ in range(turns):
        for count in AT_ONCE:
            ours[count] = max(ours[count], count * tokens / bench.together(count, tokens)[0])
        theirs = max(theirs, ONE_BY_ONE * tokens / bench.one_by_one(ONE_BY_ONE, tokens))
    figures = {"generate_tokens_per_s": theirs}
    for count, best in ours.items():
        figures |= {f"engine_{count}_tokens_per_s": best, f"ratio_{count}": best / theirs}
    return figures


def by_llama_cpp(base: Path, adapters: dict[str, Path], folder: Path, tokens: int, turns: int) -> dict[str, float]:
    """Tokens per second of llama.cpp's server on the exported files, asked over HTTP."""
    from tests.support import llama_cpp
    from worker.serving import gguf_write

    gguf_write.write_model(base, folder / "base.gguf", "f16", lambda _: None)
    files = [folder / f"{name}.gguf" for name in ADAPTERS]
    for name, file in zip(ADAPTERS, files, strict=True):
        gguf_write.write_adapter(adapters[name], base, file)
    figures: dict[str, float] = {}
    with llama_cpp.serving(folder / "base.gguf", files, threads=0, context=8_192) as client:
        for count in AT_ONCE:
            best = float("inf")
            for _ in range(turns):
                begun = time.perf_counter()
                with ThreadPoolExecutor(count) as pool:
                    asked = [pool.submit(llama_cpp.greedy, client, prompt(n), tokens, n % 3) for n in range(count)]
                    written = sum(len(each.result()) for each in asked)
                best = min(best, (time.perf_counter() - begun) / written)
            figures[f"llama_cpp_{count}_tokens_per_s"] = 1 / best
    return figures


def switching(bench: Bench, times_each: int) -> dict[str, float]:
    """Milliseconds that a first token takes longer where the adapter is another one than before."""
    same, other = [], []
    for number in range(times_each):
        for times, adapter in ((other, ADAPTERS[number % 2]), (same, ADAPTERS[number % 2])):
            asked = _Asked(bench.engine, prompt(number), adapter, 1)
            begun = time.perf_counter()
            asked.ask()
            asked.ended.wait()
            times.append(time.perf_counter() - begun)
    longer = sorted(1000 * (first - statistics.median(same)) for first in other)
    return {"switch_p50_ms": longer[len(longer) // 2], "switch_p95_ms": longer[int(0.95 * len(longer))]}


def cold(base: Path, adapters: dict[str, Path]) -> dict[str, float]:
    """Seconds from the files to the first token: with the base in memory, and with nothing."""
    begun = time.perf_counter()
    bench = Bench(base, {})
    bench.loaded.adapters.load(ADAPTERS[0], adapters[ADAPTERS[0]])
    bench.together(1, 1)
    everything = time.perf_counter() - begun
    begun = time.perf_counter()
    bench.loaded.adapters.load(ADAPTERS[1], adapters[ADAPTERS[1]])
    asked = _Asked(bench.engine, prompt(1), ADAPTERS[1], 1)
    asked.ask()
    asked.ended.wait()
    return {"cold_adapter_s": time.perf_counter() - begun, "cold_base_and_adapter_s": everything}


def first_tokens(bench: Bench, turns: int) -> dict[str, float]:
    times = sorted(first for _ in range(turns) for first in bench.together(16, 8)[1])
    return {"first_token_p50_s": times[len(times) // 2], "first_token_p95_s": times[int(0.95 * len(times))]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a base model; without it one with random weights is made")
    parser.add_argument("--llama-cpp", action="store_true", help="compare with llama.cpp too; needs --model")
    parser.add_argument("--turns", type=int, help="times that each figure is measured: 3, with --model 2")
    parser.add_argument("--tokens", type=int, help="of each answer: 64, with --model 32")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    chosen = parser.parse_args([] if arguments is None else arguments)
    usual = SMALLER if chosen.model else {"tokens": TOKENS, "turns": 3}
    tokens, turns = chosen.tokens or usual["tokens"], chosen.turns or usual["turns"]
    import worker.training  # noqa: F401  it sets the number of threads before torch is imported

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = chosen.model or make_base(folder / "base")
        adapters = make_adapters(base, folder)
        bench = Bench(base, adapters)
        bench.together(3, 4)  # nothing is measured for the first time
        bench.one_by_one(1, 4)
        steps: list[Callable[[], dict[str, float]]] = [lambda: throughput(bench, tokens, turns)]
        if chosen.llama_cpp:
            steps.append(lambda: by_llama_cpp(base, adapters, folder, tokens, turns))
        steps.append(lambda: switching(bench, (20 if chosen.model else 66) * turns))
        steps += [lambda: first_tokens(bench, turns), lambda: cold(base, adapters)]
        figures: dict[str, float] = {}
        for step in steps:
            measured = step()
            print({key: round(value, 3) for key, value in measured.items()}, file=sys.stderr, flush=True)
            figures |= measured
    figures |= {"load": os.getloadavg()[0]}
    if not chosen.json:
        for key, value in figures.items():
            print(f"{key:32} {value:,.3f}")
    print(json.dumps({key: round(value, 4) for key, value in figures.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
