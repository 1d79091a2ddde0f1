"""Variations of existing examples: a model rewords them, and they are added to the dataset as a new version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core import arguments
from core.data.conversion.smart.recipe import SmartRecipe
from core.errors import DataError
from core.platform.tasks import store
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.records import get_dataset
from core.services.data.datasets.writing import enqueue
from core.services.data.smart.writer import payload_of
from core.services.platform import connections

KIND: Final = "variations"
MOST_POSITIONS: Final = 10_000


def vary(
    dataset_id: str,
    positions: Sequence[int],
    connection_id: str,
    model: str,
    per_example: int = 2,
    instructions: str = "",
) -> TaskRecord:
    """Let a model write variations of some examples; they are added to the dataset as a new version.

    Args:
        positions: of the examples in the newest version.
        per_example: 1 to 5.

    Raises:
        DataError: no example is chosen, or a position does not exist; no model is chosen; not 1 to 5 variations each.
    """
    dataset = get_dataset(dataset_id)
    version = dataset.version
    chosen = sorted(set(arguments.positions(positions)))
    if not chosen:
        raise DataError("No examples are selected.", "Choose at least one.", field="positions")
    if len(chosen) > MOST_POSITIONS:
        text = f"{len(chosen):,} examples are chosen."
        raise DataError(text, f"Choose at most {MOST_POSITIONS:,}.", field="positions")
    if not 0 <= chosen[0] <= chosen[-1] < version.examples:
        text = "A chosen example is not in the newest version."
        raise DataError(text, "Reload, and choose again.", field="positions")
    recipe = SmartRecipe.of(
        {
            "connection_id": connection_id,
            "model": model,
            "examples_per_row": per_example,
            "instructions": instructions,
            "temperature": 0.7,
        }
    )
    if not recipe.model:
        raise DataError("No model is chosen.", "Choose one that the connection lists.", field="model")
    connections.endpoint_of(connection_id)
    payload = {
        "dataset_id": dataset.id,
        "version_id": version.id,
        "positions": chosen,
        **payload_of(recipe),
    }
    for task in store.find(kind=KIND, states=("pending", "running", "paused")):
        if task.asked == payload:  # a second click must not be paid for twice
            return task
    return enqueue(KIND, f"Vary “{dataset.name}”", payload, None)
