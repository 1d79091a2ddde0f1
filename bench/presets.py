"""What a method's preset reaches on the support tickets: `python -m bench.presets --base smollm2 --method lora`.

The run is the one that the app starts without any setting changed, by the library (`worker.training.train`). Then the
tuned model answers test tickets that it was not trained on, greedily; the app's own figures are printed. `--train`,
`--seen` and `--unseen` shorten it, and `--set` changes a setting of the method or of the training; the result names all
of them. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

METHODS = ("lora", "qlora", "prefix_tuning", "bottleneck_adapter", "full")
ANSWER_TOKENS = 48  # the longest answer has 23


def main(arguments: list[str] | None = None) -> int:
    """Train and measure each method that was named; all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m bench.presets", description=__doc__)
    parser.add_argument("--base", default="starter", help="an id of a base model, or a directory")
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--train", type=int, default=0, help="train on the first N tickets only")
    parser.add_argument("--seen", type=int, help="tickets in wordings that training saw: 60, with --choose all 480")
    parser.add_argument(
        "--unseen", type=int, default=60, help="tickets in wordings that it never saw; none with --choose"
    )
    parser.add_argument("--choose", action="store_true", help="answer further tickets instead, to choose settings by")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting than auto")
    chosen = parser.parse_args([] if arguments is None else arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    changes = dict(text.split("=", 1) for text in chosen.set)
    for method in chosen.method or METHODS:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(chosen, method, changes, Path(folder))), flush=True)
    return 0


def measure(chosen: argparse.Namespace, method: str, changes: dict[str, str], folder: Path) -> dict[str, Any]:
    """One method: train with its preset, then answer the test tickets."""
    from core.data.samples.tickets import TICKETS, further_tickets
    from core.models import base_models
    from core.models.methods import METHODS as REGISTERED, build
    from core.training.jobs.spec import TrainingConfig
    from worker.training import train

    training = TICKETS.train[: chosen.train or None]
    test = further_tickets() if chosen.choose else TICKETS.test
    base = base_models.resolve(f"local:{chosen.base}" if Path(chosen.base).is_dir() else chosen.base)
    own = {name: _value(text) for name, text in changes.items() if name in REGISTERED.get(method).model_fields}
    general = {name: _value(text) for name, text in changes.items() if name not in own}
    tuner = build(method, {**base.preset(method).method, **own})
    load, began, used = os.getloadavg()[0], time.perf_counter(), time.process_time()
    trained = train(
        base.path if base.id.startswith("local:") else base.id,
        training,
        output_dir=folder / method,
        method=tuner,
        settings=TrainingConfig(**general),
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    parts = {
        "seen": chosen.seen if chosen.seen is not None else len(test) if chosen.choose else 60,
        "unseen": 0 if chosen.choose else chosen.unseen,
    }
    scores = {f"{name}_wordings": _score(trained, _of(test, name)[:most]) for name, most in parts.items() if most}
    return {
        "base": base.title,
        "method": method,
        "settings": tuner.model_dump(),
        "training": {name: getattr(trained.training, name) for name in _SHOWN},
        "examples": len(training),
        "tokens": trained.run.tokens,
        "trainable_params": trained.run.trainable_params,
        "loss": round(trained.loss or 0.0, 4),
        **scores,
        "minutes": round(seconds / 60, 1),
        "processor_minutes": round(processor / 60, 1),
        "load_average": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


_SHOWN = ("learning_rate", "num_epochs", "per_device_batch_size", "gradient_accumulation_steps", "max_seq_length")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _of(tickets: Sequence[Any], wordings: str) -> list[Any]:
    """The test tickets in wordings that training saw, or never saw."""
    return [ticket for ticket in tickets if ("unseen" in ticket.source) == (wordings == "unseen")]


def _score(trained: Any, tickets: Sequence[Any]) -> dict[str, int]:
    """The figures of the tuned model's answers, as the app counts them."""
    from core.serving.evaluation import Graded, figures
    from worker.training.generate import answer, split_last_answer

    model, tokenizer = trained._loaded
    parts = [split_last_answer(ticket.messages) for ticket in tickets]
    answers = answer(model, tokenizer, [asked for asked, _ in parts], max_new_tokens=ANSWER_TOKENS)
    graded = [Graded(expected, text) for (_, expected), text in zip(parts, answers, strict=True)]
    return {"tickets": len(tickets), **{figure.title: figure.right for figure in figures(graded)}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
