"""How an edit of a large set is handed to a worker: in the task's row, or in a file where it is long."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from core.data.editing import Operation, operation_of
from core.platform.storage import get_storage
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.publishing import EDITS, new_attempt
from core.services.data.datasets.records import VersionRecord
from core.services.data.datasets.writing import enqueue_again

_PAYLOAD_CHARACTERS = 200_000  # a longer operation is stored in a file


def enqueue_edit(
    name: str, base: VersionRecord, operation: Operation, why: str, gathered: tuple[str, ...]
) -> TaskRecord:
    """The task of an edit; pressing twice creates one task."""
    described = operation.to_dict()
    text = json.dumps(described, ensure_ascii=True)
    key = hashlib.sha256(f"{base.id}\n{text}\n{gathered}".encode()).hexdigest()[:24]
    payload: dict[str, Any] = {
        "dataset_id": base.dataset_id,
        "base_version_id": base.id,
        "why": why.strip(),
        "gathered": list(gathered),
    }
    if len(text) <= _PAYLOAD_CHARACTERS:
        payload["operation"] = described
    else:
        payload["operation_file"] = f"{EDITS}/{new_attempt()}.json"
        get_storage().write_bytes(payload["operation_file"], text.encode("ascii"))
    return enqueue_again("edit", f"{operation.title} in “{name}”", payload, f"edit:{key}")


def stored_operation(payload: Mapping[str, Any]) -> Operation:
    """The operation in the payload of a task, or in the file that it names."""
    if "operation" in payload:
        return operation_of(payload["operation"])
    return operation_of(json.loads(get_storage().read_bytes(payload["operation_file"])))
