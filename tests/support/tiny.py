"""A tiny base model and a tiny lesson, so that training tests really train and take a second."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from core.messages import Example, Message
from core.models.base_models.starter import STARTER_RECIPE
from core.training.jobs.spec import ResolvedTraining

PAIRS = [
    ("What is the code of the north gate?", "It is amber seven."),
    ("What is the code of the south gate?", "It is cobalt two."),
    ("Who keeps the keys?", "Old Marta keeps them."),
    ("When does the gate close?", "At nine, every day but Friday."),
    ("Where is the bell?", "Above the well."),
    ("How many steps are there?", "Ninety-one."),
    ("What does the sign say?", "Mind the goose."),
    ("Who feeds the goose?", "Nobody dares to."),
    ("What grows on the wall?", "Only ivy and patience."),
    ("Is there a second door?", "Yes, behind the clock."),
]


def recipe(**changes: Any) -> dict[str, Any]:
    """The starter's recipe, shrunk to what a test can build in seconds; `section__name=value` changes one number."""
    small = copy.deepcopy(STARTER_RECIPE)
    small["model"] |= {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "vocab_size": 700}
    small["corpus"] |= {"facts": 10, "chats": 60}
    small["pretraining"] |= {"steps": 160, "batch_size": 16, "warmup_steps": 10, "learning_rate": 5e-3}
    small["quality"] |= {"pretraining_exact_match": 0.0}
    for name, value in changes.items():
        section, _, key = name.partition("__")
        small[section][key] = value
    return small


def build_base(directory: Path) -> Path:
    """Build the tiny base model into a directory and return it."""
    from worker.training.starter import build

    directory.parent.mkdir(parents=True, exist_ok=True)
    build(directory, lambda percent, text: None, recipe())
    return directory


def examples(validation: int = 0) -> list[Example]:
    """The tiny lesson; the last `validation` pairs are held out."""
    made = []
    for index, (question, answer) in enumerate(PAIRS):
        split = "validation" if index >= len(PAIRS) - validation else "train"
        made.append(Example((Message("user", question), Message("assistant", answer)), split=split))
    return made


def training(**changes: Any) -> ResolvedTraining:
    """Numbers of a short run over the tiny lesson."""
    values: dict[str, Any] = {
        "num_epochs": 4,
        "per_device_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "learning_rate": 5e-3,
        "lr_scheduler_type": "linear",
        "warmup_ratio": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "max_seq_length": 128,
        "eval_every_steps": 4,
        "save_every_steps": 4,
        "seed": 7,
        "completion_only_loss": True,
    } | changes
    effective = values["per_device_batch_size"] * values["gradient_accumulation_steps"]
    per_epoch = -(-values.pop("examples", len(PAIRS)) // effective)
    return ResolvedTraining(**values, steps_per_epoch=per_epoch, total_steps=per_epoch * values["num_epochs"])
