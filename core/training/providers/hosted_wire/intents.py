"""How a job is found again after a crash: the intent that went along with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from core.text import slug

METADATA_KEY: Final = "sft_intent"
_MARK_CHARS: Final = 16


def mark(intent: str) -> str:
    """A short form of an intent for suffixes, display names and ids: 16 characters of a-f and 0-9."""
    return hashlib.sha256(intent.encode()).hexdigest()[:_MARK_CHARS]


def named(name: str, intent: str, longest: int) -> str:
    """A name of at most `longest` characters that ends with the mark of the intent."""
    ascii_name = slug(name).encode("ascii", "ignore").decode().replace(".", "-")
    plain = ascii_name[: max(longest - _MARK_CHARS - 1, 0)].strip("-")
    return f"{plain}-{mark(intent)}" if plain else mark(intent)


def carries(job: Mapping[str, Any], intent: str) -> bool:
    """Whether a job, as a service lists it, was submitted with this intent."""
    metadata = job.get("metadata")
    if isinstance(metadata, Mapping) and METADATA_KEY in metadata:
        return bool(metadata[METADATA_KEY] == intent)
    texts = (job.get(name) for name in ("suffix", "user_provided_suffix", "fine_tuned_model", "model_output_name"))
    return any(isinstance(text, str) and mark(intent) in text for text in texts)
