"""Settings that are known to work on a base model: they belong to the catalog entry, by method.

`training` speaks in the names of `core.training.jobs.spec.TrainingConfig`, `method` in those of the method's own
settings.
`examples_seen` stands for the epochs: as many as show that many examples in total, between `min_epochs` and
`max_epochs`.
"""

from __future__ import annotations

from typing import Any, Final

# A model of a few million weights has to see a fact about a hundred times to say it word for word. In batches of 8,
# LoRA reached 54 or 55 of 56 exact answers on the sample; in batches of 4 all of them (final loss 0.27, not 0.42), for
# 13 % more processor time. A prefix at 3e-2 crawls: its loss per answer token was 5.5 after 30 epochs, at 1e-1
# 3.5 (`bench/RESULTS.md`).
STARTER: Final[dict[str, dict[str, Any]]] = {
    "lora": {
        "method": {"rank": 16, "alpha": 32, "dropout": 0.0},
        "training": {
            "learning_rate": 2e-3,
            "examples_seen": 15_000,
            "min_epochs": 3,
            "max_epochs": 100,
            "per_device_batch_size": 4,
            "gradient_accumulation_steps": 1,
        },
    },
    "qlora": {
        "method": {"rank": 16, "alpha": 32, "dropout": 0.0},
        "training": {
            "learning_rate": 2e-3,
            "examples_seen": 15_000,
            "min_epochs": 3,
            "max_epochs": 100,
            "per_device_batch_size": 4,
            "gradient_accumulation_steps": 1,
        },
    },
    "prefix_tuning": {
        "method": {"virtual_tokens": 32, "projection": False},
        "training": {
            "learning_rate": 1e-1,
            "examples_seen": 15_000,
            "min_epochs": 3,
            "max_epochs": 100,
            "per_device_batch_size": 8,
            "gradient_accumulation_steps": 1,
        },
    },
    "bottleneck_adapter": {
        "method": {"placement": "houlsby", "reduction": 2},
        "training": {
            "learning_rate": 2e-3,
            "examples_seen": 15_000,
            "min_epochs": 3,
            "max_epochs": 100,
            "per_device_batch_size": 4,
            "gradient_accumulation_steps": 1,
        },
    },
    "full": {
        "method": {},
        "training": {
            "learning_rate": 1e-3,
            "examples_seen": 9_000,
            "min_epochs": 3,
            "max_epochs": 60,
            "per_device_batch_size": 8,
            "gradient_accumulation_steps": 1,
        },
    },
}

# Source: the proposed presets of the field's tools taken together (Unsloth and Axolotl 2e-4; from 30B up 1e-4).
GENERAL: Final[dict[str, dict[str, Any]]] = {
    "lora": {"method": {"rank": 16, "alpha": 32, "dropout": 0.0}, "training": {"learning_rate": 2e-4}},
    "qlora": {"method": {"rank": 16, "alpha": 32, "dropout": 0.0}, "training": {"learning_rate": 2e-4}},
    "prefix_tuning": {"method": {"virtual_tokens": 20}, "training": {"learning_rate": 1e-2}},
    "bottleneck_adapter": {"method": {"placement": "houlsby", "reduction": 16}, "training": {"learning_rate": 5e-4}},
    "full": {"method": {}, "training": {"learning_rate": 2e-5}},
}
LARGE: Final[dict[str, dict[str, Any]]] = {
    **GENERAL,
    **{method: {**GENERAL[method], "training": {"learning_rate": 1e-4}} for method in ("lora", "qlora")},
}

LARGE_PARAMS: Final = 30_000_000_000
